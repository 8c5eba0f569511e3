/**
 * Trainings killed with SIGKILL, at random moments and while a checkpoint is being written, and run again until done: the
 * same bytes as an undisturbed run.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, watch } from "node:fs";
import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { unit } from "../../core/src/support/random.ts";
import { folder, lowrank, main } from "./cli-support.ts";
import { sharedData } from "./shared-data.ts";

const KILLS = 20;
const SEED = 20261122;

interface Training {
  readonly name: string;
  readonly args: readonly string[];
}

/** Checkpoints all the time, so that many a kill meets one. */
const trainings: readonly Training[] = [
  {
    name: "seed notebook 002, Adam with user biases around item means at rank 100",
    args: [
      ...["--method", "gradient", "--rank", "100", "--steps", "600", "--biases", "user", "--center", "item"],
      ...[
        "--regularization",
        "1",
        "--bias-regularization",
        "0",
        "--learning-rate",
        "0.001",
        "--checkpoint-every",
        "20",
      ],
    ],
  },
  {
    name: "als on MovieLens latest-small, watching held-out ratings",
    args: [
      ...["--method", "als", "--rank", "64", "--sweeps", "40", "--validation", "0.1", "--patience", "100"],
      ...["--checkpoint-every", "1"],
    ],
  },
];

describe.each(trainings)("$name", ({ args }) => {
  it(`killed ${KILLS} times and run again until done ends in the bytes and figures of an undisturbed run`, async () => {
    const ratings = sharedData("ml-latest-small", "ratings.csv");
    const [here, there] = [await folder(), await folder()];
    const fit = (dir: typeof here) => [
      ...["fit", ratings, ...args, "--out", dir.file("m.safetensors"), "--json"],
      ...["--checkpoint", dir.file("run.ckpt"), "--resume", dir.file("run.ckpt")],
    ];
    const undisturbed = await lowrank(fit(there));
    expect({ code: undisturbed.code, stderr: undisturbed.stderr }).toMatchObject({ code: 0 });
    const trainingMs = 1000 * JSON.parse(undisturbed.stdout).seconds.training;

    let kills = 0;
    let halfWritten = 0;
    for (let attempt = 0; kills < KILLS || halfWritten === 0; attempt++) {
      expect(attempt).toBeLessThan(5 * KILLS);
      // Short enough for the last kill to come before the end; every third one waits for a checkpoint to be begun.
      const delay = (trainingMs / 10) * unit(SEED, attempt);
      const wasKilled = await killed(fit(here), here.path, delay, attempt % 3 === 2);
      if (wasKilled) kills++;
      // It came to its end before: from the beginning again.
      else await Promise.all(readdirSync(here.path).map((name) => rm(here.file(name))));
      if (readdirSync(here.path).some((name) => name.startsWith(".run.ckpt."))) halfWritten++;
    }
    const last = await lowrank(fit(here));
    expect({ code: last.code, stderr: last.stderr }).toMatchObject({ code: 0 });
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

/**
 * Runs the command and kills it `delayMs` after it has begun to write its first checkpoint, which is before its first pass.
 *
 * @param whileWriting after that, wait until it begins to write another
 * @returns false when it ended before
 */
async function killed(
  args: readonly string[],
  folderOfCheckpoint: string,
  delayMs: number,
  whileWriting: boolean,
): Promise<boolean> {
  let due: number | undefined;
  const child = spawn(process.execPath, [main, ...args], { stdio: "ignore" });
  const watcher = watch(folderOfCheckpoint, (_, name) => {
    if (!name?.startsWith(".run.ckpt.")) return;
    if (due === undefined) {
      due = performance.now() + delayMs;
      if (!whileWriting) setTimeout(() => child.kill("SIGKILL"), delayMs);
    } else if (whileWriting && performance.now() > due) child.kill("SIGKILL");
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.on("close", (_, by) => resolve(by)));
  watcher.close();
  return signal === "SIGKILL";
}
