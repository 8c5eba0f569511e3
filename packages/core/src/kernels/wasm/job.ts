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
  /** Rows with packed entries; undefined where the kernel reads what stands in memory */
  readonly pieces: Pieces | undefined;
  readonly scratch: (thread: number) => number;
  readonly report: (thread: number) => number;
}

/** Units are rows with packed entries, which a thread unpacks piece by piece before it runs the routine on them: assembly/pieces.ts. */
export interface Pieces {
  /** Arguments of `takePiece`, up to the thread's area */
  readonly args: readonly number[];
  /** Where the routine takes the base of the indexes; that of the numbers is next */
  readonly place: number;
  readonly area: (thread: number) => number;
}

/** Byte address of the u32 counter by which threads claim units. */
export const COUNTER = 0;

/** Byte address of the u32 word that is 1 when a thread of the job failed or died: others may be waiting for it. */
export const FAILED = 4;

/** Does the whole job on the calling thread, in slices between which others have their turn. */
export async function runHere(job: Job): Promise<void> {
  const { units, grain } = job;
  for (let from = 0; from < units; from += grain) {
    try {
      workOn(job, from, Math.min(from + grain, units));
    } catch (error) {
      throw failure(job.routine, String(error));
    }
    if (turnIsOver()) await nextTurn();
  }
}

/** As `work` in worker-source.ts, which no file can share with this one. */
function workOn({ block, module, routine, args, pieces, scratch, report }: Job, first: number, last: number): void {
  const exports = exportsOn(block, module);
  if (pieces === undefined) {
    exports[routine](...args, first, last, scratch(0), report(0));
    return;
  }
  const area = pieces.area(0);
  const bases = new Uint32Array(block.buffer, area, 2);
  const own = [...args];
  let end = first;
  for (let from = first; from < last; from = end) {
    end = exports.takePiece(...pieces.args, area, from, last) as number;
    own[pieces.place] = bases[0];
    own[pieces.place + 1] = bases[1];
    exports[routine](...own, from, end, scratch(0), report(0));
  }
}

/** A kernel that trapped or a worker that died: the caller's arrays may be half written. */
export function failure(routine: string, why: string): LowrankError {
  return new LowrankError("kernel", `wasm: ${routine} failed (${why}); its arrays may be half written`, {
    routine,
    why,
  });
}
