/** A headless Chromium with a profile of its own: an address in, a browser on it, until it is closed. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const LAST_WORDS = 2000; // characters of what the browser wrote, for the message when it ends by itself

export interface Browser {
  /** Rejects when the browser ends before it is closed; never resolves */
  readonly ended: Promise<never>;
  close(): Promise<void>;
}

/** @throws Error that says what is needed, when there is no Chromium: a required browser fails, it does not skip */
export async function openChromium(url: string): Promise<Browser> {
  const program = process.env.LOWRANK_CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(program)) {
    throw new Error(
      `this test needs a Chromium, and there is none at ${program}: install one (apt-get install chromium) or name its ` +
        "program in LOWRANK_CHROMIUM",
    );
  }
  const profile = await mkdtemp(join(tmpdir(), "lowrank-chromium-"));
  // A process group of its own, because the browser is a tree of processes behind a shell script.
  const child = spawn(program, [...flags, `--user-data-dir=${profile}`, url], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-LAST_WORDS);
  });
  const kill = () => {
    if (running && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", kill); // a group of its own would outlive a test run that is cut short
  let closing = false;
  let running = true;
  const gone = new Promise<void>((resolve) => {
    const over = () => {
      running = false;
      resolve();
    };
    child.once("error", over);
    child.once("close", over);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once("error", reject);
    void gone.then(() => closing || reject(new Error(`chromium ended by itself; it wrote: ${words}`)));
  });
  ended.catch(() => {}); // whoever waits for it hears of it
  return {
    ended,
    close: async () => {
      closing = true;
      kill();
      process.off("exit", kill);
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
