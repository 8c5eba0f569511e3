/**
 * One job: a routine, its arguments, and how many units it has. Any thread may do any range of units; it is given its own
 * scratch and its own place to report to, so that only the claiming of ranges is shared.
 */
import { LowrankError, nextTurn, turnIsOver } from "../../support/index.ts";
import type { Block } from "./memory.ts";
import { exportsOn } from "./memory.ts";
import type { RoutineName } from "./module.ts";

export interface Job {
  readonly block: Block;
  readonly module: WebAssembly.Module;
  readonly routine: RoutineName;
  readonly args: readonly number[];
  readonly units: number;
  /** Units claimed at a time; also done at a time between looks at the clock */
  readonly grain: number;
  /** Threads that may take part: as many as there are scratch and report places */
  readonly threads: number;
  readonly scratch: (thread: number) => number;
  readonly report: (thread: number) => number;
}

/** Byte address of the u32 counter by which threads claim units. */
export const COUNTER = 0;

/** Byte address of the u32 word that is 1 when a thread of the job failed or died: others may be waiting for it. */
export const FAILED = 4;

/** Does the whole job on the calling thread, in slices between which others have their turn. */
export async function runHere(job: Job): Promise<void> {
  const routine = exportsOn(job.block, job.module)[job.routine];
  const { args, units, grain } = job;
  for (let from = 0; from < units; from += grain) {
    try {
      routine(...args, from, Math.min(from + grain, units), job.scratch(0), job.report(0));
    } catch (error) {
      throw failure(job.routine, String(error));
    }
    if (turnIsOver()) await nextTurn();
  }
}

/** A kernel that trapped or a worker that died: the caller's arrays may be half written. */
export function failure(routine: string, why: string): LowrankError {
  return new LowrankError("kernel", `wasm: ${routine} failed (${why}); its arrays may be half written`, {
    routine,
    why,
  });
}
