/**
 * A rival in its own process: one line of JSON asks, one line answers. The process stays up between questions, so that
 * starting it and loading its libraries is never timed, and both sides can take turns.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type Answer = Readonly<Record<string, unknown>>;

export class Rival {
  readonly versions: Readonly<Record<string, string>>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, versions: Answer) {
    this.#child = child;
    this.#lines = lines;
    this.versions = versions as Record<string, string>;
  }

  /**
   * Starts a script of bench/rivals by the Python that LOWRANK_BENCH_PYTHON names (default `python3`).
   *
   * @throws Error that says what to install, when it does not start
   */
  static async start(script: string, args: readonly (string | number)[]): Promise<Rival> {
    const python = process.env.LOWRANK_BENCH_PYTHON ?? "python3";
    const path = fileURLToPath(new URL(`../rivals/${script}`, import.meta.url));
    const child = spawn(python, [path, ...args.map(String)], { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    const failed = new Promise<never>((_, reject) => {
      child.on("error", reject);
    });
    failed.catch(() => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await Promise.race([lines.next(), failed]);
    if (first.done) {
      throw new Error(
        `${python} ${script} did not start:\n${complaint}\nName a Python with numpy, scipy and torch in ` +
          "LOWRANK_BENCH_PYTHON; on Debian, apt-get install python3-torch python3-scipy gives the system's Python all of it",
      );
    }
    const { versions } = JSON.parse(first.value) as { versions: Answer };
    return new Rival(child, lines, versions);
  }

  /** Asks and waits for the answer. @throws Error when the process ends instead */
  async ask(question: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the rival ended while it was asked for ${JSON.stringify(question).slice(0, 200)}`);
    return JSON.parse(value) as Answer;
  }

  stop(): void {
    this.#child.stdin.end();
  }
}
