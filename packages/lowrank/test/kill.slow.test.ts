/**
 * Trainings killed with SIGKILL, at random moments and while a checkpoint is being written, and each time run again: the
 * same bytes as an undisturbed run.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, watch } from "node:fs";
import { describe, expect, it } from "vitest";
import { unit } from "../../core/src/support/random.ts";
import { loadCheckpoint } from "../src/checkpoint-files.ts";
import { folder, lowrank, main } from "./cli-support.ts";
import { sharedData } from "./shared-data.ts";

const SEED = 20261122;

interface Training {
  readonly name: string;
  readonly kills: number;
  readonly args: readonly string[];
}

/** Long enough for all the kills to come in the middle, each after some passes and checkpoints more. */
const trainings: readonly Training[] = [
  {
    name: "seed notebook 002 with its own settings (rank 100, Adam with rate 1e-4), 1,000 steps",
    kills: 20,
    args: [
      ...["--method", "gradient", "--rank", "100", "--steps", "1000", "--objective", "half", "--regularization", "1"],
      ...["--bias-regularization", "0", "--biases", "user", "--center", "item", "--learning-rate", "1e-4"],
      ...["--init", "kaiming", "--checkpoint-every", "5"],
    ],
  },
  {
    name: "als on MovieLens latest-small, watching held-out ratings",
    kills: 4,
    args: [
      ...["--method", "als", "--rank", "32", "--sweeps", "40", "--validation", "0.1", "--patience", "100"],
      ...["--checkpoint-every", "1"],
    ],
  },
];

describe.each(trainings)("$name", ({ args, kills }) => {
  it(`killed ${kills} times in the middle and each time run again ends in the bytes and figures of an undisturbed run`, async () => {
    const ratings = sharedData("ml-latest-small", "ratings.csv");
    const [here, there] = [await folder(), await folder()];
    const fit = (dir: typeof here) => [
      ...["fit", ratings, ...args, "--out", dir.file("m.safetensors"), "--json"],
      ...["--checkpoint", dir.file("run.ckpt"), "--resume", dir.file("run.ckpt")],
    ];
    const undisturbed = await lowrank(fit(there));
    expect({ code: undisturbed.code, stderr: undisturbed.stderr }).toMatchObject({ code: 0 });
    const { seconds, report } = JSON.parse(undisturbed.stdout);

    const passes: number[] = [];
    let halfWritten = 0;
    for (let kill = 0; kill < kills; kill++) {
      // All together an eighth of the training, so that the last run has much to do even where the machine has become quicker.
      const delay = ((1000 * seconds.training) / (4 * kills)) * unit(SEED, kill);
      expect(await killed(fit(here), here.path, delay, kill % 3 === 2)).toBe(true);
      passes.push((await loadCheckpoint(here.file("run.ckpt"))).passes);
      if (readdirSync(here.path).some((name) => name.startsWith(".run.ckpt."))) halfWritten++;
    }
    // A run that began anew would have left a checkpoint with fewer passes than it found.
    for (const [kill, now] of passes.entries()) expect(now).toBeGreaterThan(kill === 0 ? 0 : passes[kill - 1]);
    expect(passes[kills - 1]).toBeLessThan(report.passes);
    expect(halfWritten).toBeGreaterThan(0);

    const last = await lowrank(fit(here));
    expect({ code: last.code, stderr: last.stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(last.stdout).report.resumedAfter).toBe(passes[kills - 1]);
    expect(readFileSync(here.file("m.safetensors"))).toEqual(readFileSync(there.file("m.safetensors")));
    expect(figures(last.stdout)).toEqual(figures(undisturbed.stdout));
    // The last run has cleaned up behind those that were killed.
    expect(readdirSync(here.path).sort()).toEqual(["m.safetensors", "run.ckpt"]);
    await Promise.all([here.dispose(), there.dispose()]);
  });
});

/** What a report says beside seconds and where it was resumed. */
function figures(json: string): unknown {
  const { report } = JSON.parse(json);
  const { seconds, resumedAfter, kernelBytes, ...rest } = report;
  return rest;
}

/** Files that a run begins before it may be killed: the trial whether one can be written, the start's, one more, and the next. */
const BEGUN = 4;

/**
 * Runs the command and kills it `delayMs` after it has made some passes and kept them.
 *
 * @param whileWriting after that, wait until it begins to write another checkpoint
 * @returns false when it ended before
 */
async function killed(
  args: readonly string[],
  folderOfCheckpoint: string,
  delayMs: number,
  whileWriting: boolean,
): Promise<boolean> {
  const begun = new Set<string>(readdirSync(folderOfCheckpoint));
  let left = BEGUN;
  let due: number | undefined;
  const child = spawn(process.execPath, [main, ...args], { stdio: "ignore" });
  const watcher = watch(folderOfCheckpoint, (_, name) => {
    // Each is written under a name of its own, then renamed; a name is told several times.
    if (!name?.startsWith(".run.ckpt.") || begun.has(name)) return;
    begun.add(name);
    if (--left === 0) {
      due = performance.now() + delayMs;
      if (!whileWriting) setTimeout(() => child.kill("SIGKILL"), delayMs);
    } else if (whileWriting && due !== undefined && performance.now() > due) child.kill("SIGKILL");
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.on("close", (_, by) => resolve(by)));
  watcher.close();
  return signal === "SIGKILL";
}
