/** Trainings of our own in processes of their own (scale-run.ts), so that the peak of each one's memory can be told. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ScaleFigures, ScaleMethod } from "./scale-run.ts";
import type { WorldSize } from "./worlds.ts";

export interface ApartSettings {
  readonly rank: number;
  readonly passes: number;
  readonly threads: number;
}

/** @throws Error when the process fails; it has said why */
export function trainApart(
  size: WorldSize,
  method: ScaleMethod,
  { rank, passes, threads }: ApartSettings,
): ScaleFigures {
  const program = fileURLToPath(new URL("scale-run.js", import.meta.url));
  const args = [program, JSON.stringify(size), method, ...[rank, passes, threads].map(String)];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${method} on ${size.ratings} ratings ended with status ${status}`);
  return JSON.parse(stdout) as ScaleFigures;
}
