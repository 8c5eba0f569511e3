/** Runs the built command as a user's shell would, and makes small rating files for it. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { run } from "../src/cli/run.ts";

export const main = fileURLToPath(new URL("../bin/lowrank.js", import.meta.url));

const built = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Standard input stays open after `input`, as that of a program that is not done */
  readonly keepOpen?: boolean;
  /** Not as the superuser, who may write anywhere */
  readonly asNobody?: boolean;
  /** Stderr is closed after the first words */
  readonly deaf?: boolean;
  /** Called at once, with a function that sends a signal; what it throws is thrown by `lowrank` */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => Promise<void>;
  /** Called with everything written to stderr so far, and a function that sends a signal */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs `lowrank` with these arguments to its end. */
export function lowrank(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  if (!existsSync(built)) throw new Error(`${built} is not there; run "npm run build" first`);
  return new Promise((resolve, reject) => {
    const lesser = `if (process.getuid?.() === 0) process.setuid(65534); await import(${JSON.stringify(pathToFileURL(main).href)});`;
    const program = options.asNobody ? ["--input-type=module", "--eval", lesser, "--", main] : [main];
    const child = spawn(process.execPath, [...program, ...args], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (options.deaf) child.stderr.destroy();
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => {});
    if (options.keepOpen) child.stdin.write(options.input ?? "");
    else child.stdin.end(options.input ?? "");
    options.onStart?.((signal) => child.kill(signal)).catch(reject);
  });
}

/**
 * Runs a command in this process, from the source: the same answers without the start of a process, for the many ways to
 * write a command wrongly.
 */
export async function inProcess(
  args: readonly string[],
  { cwd, env = {} }: Pick<RunOptions, "cwd" | "env"> = {},
): Promise<Result> {
  const [out, err] = [collector(), collector()];
  const [home, own] = [process.cwd(), process.env];
  try {
    process.env = { ...own, ...env };
    if (cwd !== undefined) process.chdir(cwd);
    const code = await run(args, new AbortController().signal, { out: out.stream, err: err.stream });
    return { code, stdout: out.text(), stderr: err.text() };
  } finally {
    process.env = own;
    process.chdir(home);
  }
}

function collector() {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

/** A folder for one test, removed by `dispose`. */
export async function folder(): Promise<{
  path: string;
  file: (name: string) => string;
  dispose: () => Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), "lowrank-cli-"));
  return { path, file: (name) => join(path, name), dispose: () => rm(path, { recursive: true, force: true }) };
}

/**
 * 40 users, 30 items: even users like even items, odd ones odd items; about two thirds of all pairs are rated. Item 12
 * is unrated for user 4 and the best that is left for nobody in particular.
 */
export function smallRatings(): string {
  const lines = ["userId,movieId,rating"];
  for (let user = 1; user <= 40; user++) {
    for (let item = 1; item <= 30; item++) {
      if ((user * 7 + item * 5) % 3 === 0) continue;
      const liked = (user + item) % 2 === 0;
      lines.push(`${user},${item},${liked ? 4 + ((user * item) % 3) / 2 : 1 + ((user + 2 * item) % 3) / 2}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The same pairs as clicks, the liked ones only. */
export function smallClicks(): string {
  const lines = smallRatings().trim().split("\n").slice(1);
  const liked = lines.map((line) => line.split(",")).filter(([user, item]) => (Number(user) + Number(item)) % 2 === 0);
  return `user,item\n${liked.map(([user, item]) => `${user},${item}`).join("\n")}\n`;
}

export async function write(path: string, content: string | Uint8Array): Promise<string> {
  await writeFile(path, content);
  return path;
}

/** What most command tests start from: rating files, titles, and a model of ratings and one of clicks. */
export async function smallFiles() {
  const dir = await folder();
  const ratings = await write(dir.file("ratings.csv"), smallRatings());
  const clicks = await write(dir.file("clicks.csv"), smallClicks());
  const lines = Array.from({ length: 30 }, (_, at) => `${at + 1},"Film, the ${at + 1}th"`);
  const titles = await write(dir.file("movies.csv"), `movieId,title\n${lines.join("\n")}\n`);
  const model = dir.file("model.safetensors");
  const clickModel = dir.file("clicks.safetensors");
  const fits = await Promise.all([
    inProcess(["fit", ratings, "--rank", "4", "--sweeps", "6", "--out", model, "--quiet"]),
    inProcess(["fit", clicks, "--rank", "4", "--sweeps", "6", "--out", clickModel, "--quiet"]),
  ]);
  for (const { code, stderr } of fits)
    if (code !== 0 || stderr !== "") throw new Error(`fit ended with ${code}: ${stderr}`);
  return { dir, ratings, clicks, titles, model, clickModel };
}
