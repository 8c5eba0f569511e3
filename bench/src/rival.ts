/**
 * A rival in its own process: one line of JSON asks, one line answers. The process stays up between questions, so that
 * starting it and loading its libraries is never timed, and both sides can take turns.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { RivalMissing } from "./environments.ts";

export type Answer = Readonly<Record<string, unknown>>;

export interface Program {
  readonly program: string;
  /** Of bench/rivals */
  readonly script: string;
  readonly args?: readonly (string | number)[];
  /** Beside this process's own */
  readonly env?: Readonly<Record<string, string>>;
}

export class Rival {
  /** Of the rival and what it runs on, in its own words */
  readonly versions: Readonly<Record<string, string>>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #complaint: () => string;

  private constructor(
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
    complaint: () => string,
    versions: Answer,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.#complaint = complaint;
    this.versions = versions as Record<string, string>;
  }

  /** @throws RivalMissing with what it said last, when it does not start */
  static async start({ program, script, args = [], env = {} }: Program): Promise<Rival> {
    const path = fileURLToPath(new URL(`../rivals/${script}`, import.meta.url));
    const child = spawn(program, [path, ...args.map(String)], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", ...env },
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2000);
    });
    const failed = new Promise<never>((_, reject) => {
      child.on("error", reject);
    });
    failed.catch(() => {});
    // A process that has ended is noticed by its output; writing to it is no error of its own.
    child.stdin.on("error", () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await Promise.race([lines.next(), failed]).catch((error: Error) => {
      throw new RivalMissing(`${script} did not start: ${error.message}`);
    });
    if (first.done) throw new RivalMissing(`${script} did not start: ${said.trim().split("\n").at(-1)}`);
    const { versions } = JSON.parse(first.value) as { versions: Answer };
    return new Rival(child, lines, () => said, versions);
  }

  /** Asks and waits for the answer. @throws Error with what it said last, when the process ends instead */
  async ask(question: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value) as Answer;
    throw new Error(`the rival ended when asked ${JSON.stringify(question).slice(0, 200)}:\n${this.#complaint()}`);
  }

  stop(): void {
    this.#child.stdin.end();
  }
}
