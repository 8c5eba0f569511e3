/**
 * Runs jobs on one block of memory: a routine with its arguments in, done on the workers or here, whichever is sooner.
 */
import { LowrankError } from "../../support/index.ts";
import { type EntryNumbers, isCoded, type PackedRows } from "../entries.ts";
import type { UnstableRow } from "../kernels.ts";
import { longestRow } from "../subspace.ts";
import { type Job, type Pieces, runHere } from "./job.ts";
import { type Block, exportsOn } from "./memory.ts";
import type { RoutineName } from "./module.ts";
import * as plan from "./plan.ts";
import { runOnPool } from "./pool.ts";

export interface Settings {
  readonly module: WebAssembly.Module;
  /** Threads of a job; with 1 the memory is not shared and all work is done on the calling thread */
  readonly threads: number;
  /** True sends every job to the workers, one unit at a time */
  readonly spread: boolean;
  /** Bytes of the largest block */
  readonly mostBytes: number;
}

/** The entries of a problem: what a routine takes for its indexes and numbers, and how they are unpacked for it. */
export interface EntryArguments {
  readonly index: number;
  readonly numbers: number;
  /** Undefined: they are plain, and where the routine can read them */
  readonly takePiece: readonly number[] | undefined;
}

/** Where bytes lie: in the block (buffer 0) or outside of it (1 and more), and at which byte. */
export interface Source {
  readonly buffer: number;
  readonly at: number;
}

const NO_ROW = 0xffffffff;

/** Turns routine calls into jobs on one block, and finds the place to run them. */
export class Runner {
  readonly block: Block;
  readonly sizes: plan.Plan;
  readonly settings: Settings;

  constructor(block: Block, sizes: plan.Plan, settings: Settings) {
    this.block = block;
    this.sizes = sizes;
    this.settings = settings;
  }

  /** Byte address of an array, 0 for none. */
  address(view: ArrayBufferView | undefined): number {
    if (view === undefined) return 0;
    if (view.buffer === this.block.buffer) return view.byteOffset;
    throw new LowrankError("shape", "wasm: an array of the problem is not one of this workspace's arrays");
  }

  /**
   * @param rows of the problem, whose entries these are
   * @throws LowrankError `shape` when the layout has too little room to unpack them
   */
  entries(who: string, { start, index }: PackedRows, numbers: EntryNumbers, rows: number): EntryArguments {
    const indexes = this.source(index);
    const coded = isCoded(numbers);
    const codes = coded ? numbers.code : numbers;
    const given = codes === undefined ? { buffer: 0, at: 0 } : this.source(codes);
    const indexBytes = index.BYTES_PER_ELEMENT;
    const numberBytes = codes === undefined ? 0 : codes.BYTES_PER_ELEMENT;
    const isPlain = indexBytes === 4 && numberBytes === 4 && indexes.buffer === 0 && given.buffer === 0;
    if (isPlain) return { index: indexes.at, numbers: given.at, takePiece: undefined };
    const { pieceEntries } = this.sizes;
    plan.checkPieces(who, longestRow({ start }, rows), pieceEntries);
    const table = coded ? this.address(numbers.table) : 0;
    const fromIndex = [indexes.buffer, indexes.at, indexBytes];
    const fromNumbers = [given.buffer, given.at, numberBytes];
    const takePiece = [this.address(start), pieceEntries, ...fromIndex, ...fromNumbers, table];
    return { index: 0, numbers: 0, takePiece };
  }

  source(view: ArrayBufferView): Source {
    const outside = this.block.outside.indexOf(view.buffer);
    return outside < 0 ? { buffer: 0, at: this.address(view) } : { buffer: outside + 1, at: view.byteOffset };
  }

  /**
   * `run` for rows with entries.
   *
   * @param before arguments of the routine before index and numbers
   * @param after those behind
   */
  async runRows(
    routine: RoutineName,
    before: readonly number[],
    { index, numbers, takePiece }: EntryArguments,
    after: readonly number[],
    rows: number,
    multiplyAdds: number,
  ): Promise<void> {
    const { pieces, pieceBytes } = this.sizes;
    const area = (thread: number) => pieces + thread * pieceBytes;
    const packed = takePiece && { args: takePiece, place: before.length, area };
    const args = [...before, index, numbers, ...after];
    const here = this.#isHere(multiplyAdds);
    const claims = this.settings.spread ? 1 : plan.grainFor(rows, plan.milliseconds(multiplyAdds));
    await this.#start(here, routine, args, rows, claims, packed);
  }

  /**
   * @param multiplyAdds an estimate, which decides where and in what portions the job runs, not what it gives
   * @param unitsTogether consecutive units that one thread must do in order
   */
  async run(
    routine: RoutineName,
    args: readonly number[],
    units: number,
    multiplyAdds: number,
    unitsTogether = 1,
  ): Promise<void> {
    const { spread } = this.settings;
    const ms = plan.milliseconds(multiplyAdds);
    const here = this.#isHere(multiplyAdds);
    const claims = spread || (here && unitsTogether > 1) ? 1 : plan.grainFor(Math.ceil(units / unitsTogether), ms);
    await this.#start(here, routine, args, units, here ? claims : claims * unitsTogether);
  }

  /** A job whose units follow on each other: one thread does them all, in order. */
  async runInOrder(routine: RoutineName, args: readonly number[], units: number, multiplyAdds: number): Promise<void> {
    const ms = plan.milliseconds(multiplyAdds);
    const here = this.#isHere(multiplyAdds);
    await this.#start(here, routine, args, units, here ? plan.grainFor(units, ms) : units);
  }

  #isHere(multiplyAdds: number): boolean {
    const { threads, spread } = this.settings;
    return threads === 1 || (plan.isShort(multiplyAdds) && !spread);
  }

  #start(
    here: boolean,
    routine: RoutineName,
    args: readonly number[],
    units: number,
    grain: number,
    pieces?: Pieces,
  ): Promise<void> {
    const { threads, module } = this.settings;
    const { scratch, scratchBytes } = this.sizes;
    const job: Job = {
      block: this.block,
      module,
      routine,
      args,
      units,
      grain,
      threads,
      pieces,
      scratch: (thread) => scratch + thread * scratchBytes,
      report: (thread) => this.report(thread),
    };
    return here ? runHere(job) : runOnPool(job);
  }

  /** A short routine without units, on the calling thread. */
  call(routine: RoutineName, args: readonly number[]): number | undefined {
    return exportsOn(this.block, this.settings.module)[routine](...args);
  }

  report(thread: number): number {
    return (1 + thread) * plan.REPORT_BYTES;
  }

  clearReports(): void {
    for (let t = 0; t < this.settings.threads; t++) new Uint32Array(this.block.buffer, this.report(t), 1)[0] = NO_ROW;
  }

  /** The unstable row with the lowest number that any thread reported. */
  firstReport(): UnstableRow | undefined {
    let first: UnstableRow | undefined;
    for (let t = 0; t < this.settings.threads; t++) {
      const [row, pivot] = new Uint32Array(this.block.buffer, this.report(t), 2);
      const [value] = new Float32Array(this.block.buffer, this.report(t) + 8, 1);
      if (row !== NO_ROW && (first === undefined || row < first.row)) first = { row, pivot, value };
    }
    return first;
  }
}
