/**
 * Memories of workspaces: bytes in, a zeroed WebAssembly.Memory out, of whole pages and never growing.
 *
 * Hosts reserve address space for each memory and free it only when garbage is collected, so ten thousand short fits
 * would exhaust it. Closed memories are therefore kept, up to 64 MB in all, and handed to the next that asks for a size
 * they fit.
 */
import { LowrankError } from "../../support/index.ts";
import { type Exports, instantiate } from "./module.ts";

const PAGE = 65536; // bytes
const MAX_PAGES = 65536; // 4 GiB, what 32-bit addresses reach
export const MOST_BYTES = MAX_PAGES * PAGE;
const KEPT_BYTES = 64 * 2 ** 20;

/** A kept memory serves a request of at least this share of its size; else much of it would lie idle. */
const LEAST_USE = 1 / 2;
/** Below this size any kept memory will do. */
const SMALL_BYTES = 2 ** 20;

/** One memory and the instances of the kernels on it, in this thread. Known to workers by `id`. */
export interface Block {
  readonly id: number;
  readonly memory: WebAssembly.Memory;
  readonly buffer: ArrayBufferLike;
  readonly shared: boolean;
  readonly bytes: number;
  /** Arrays beside the memory, which the kernels ask for piece by piece; shared as the memory is */
  readonly outside: readonly ArrayBufferLike[];
  readonly instances: Map<WebAssembly.Module, Exports>;
}

export function allBytes({ bytes, outside }: Block): number {
  return outside.reduce((sum, buffer) => sum + buffer.byteLength, bytes);
}

let nextId = 1;
let kept: Block[] = [];

/**
 * A block of at least so many bytes, all zero.
 *
 * @param outside bytes of each array beside it, multiples of 8
 * @param module the kernels that will run on it; says how to zero it
 * @param forget told of blocks that will not be used again, so that workers drop them, too
 */
export function takeBlock(
  bytes: number,
  outside: readonly number[],
  shared: boolean,
  module: WebAssembly.Module,
  forget: (block: Block) => void,
): Block {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  const reused = outside.length === 0 ? takeKept(pages * PAGE, shared) : undefined;
  if (reused !== undefined) {
    exportsOn(reused, module).zero(0, bytes);
    return reused;
  }
  if (pages > MAX_PAGES) throw refused(bytes, "WebAssembly memories end at 4 GiB");
  const memory = allocate(pages, shared) ?? allocateWithoutKept(pages, shared, forget);
  if (memory === undefined) throw refused(bytes, "the host refused");
  const { buffer } = memory;
  const buffers = outside.map((each) => allocateOutside(each, shared));
  return { id: nextId++, memory, buffer, shared, bytes: pages * PAGE, outside: buffers, instances: new Map() };
}

function allocateOutside(bytes: number, shared: boolean): ArrayBufferLike {
  try {
    return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch {
    throw refused(bytes, "the host refused");
  }
}

/**
 * Lets go of a block for good. V8 does not count shared memories when it decides to collect garbage, so a process that
 * opens and closes large ones would grow without end; an ordinary buffer of the same size, dropped at once and never
 * touched, is counted in its place and brings the collection about.
 */
function drop(block: Block, forget: (block: Block) => void): void {
  forget(block);
  if (block.shared) allocateUntouched(allBytes(block));
}

function allocateUntouched(bytes: number): void {
  try {
    new ArrayBuffer(bytes);
  } catch {
    // A host without that much to give has collected its garbage while trying.
  }
}

/** Keeps the block for a later `takeBlock`, and lets go of the oldest kept ones above the limit. */
export function giveBack(block: Block, forget: (block: Block) => void): void {
  if (block.bytes > KEPT_BYTES || block.outside.length > 0) {
    drop(block, forget);
    return;
  }
  kept.push(block);
  let sum = kept.reduce((total, { bytes }) => total + bytes, 0);
  while (sum > KEPT_BYTES) {
    const oldest = kept.shift() as Block;
    sum -= oldest.bytes;
    drop(oldest, forget);
  }
}

/** The block's kernels in this thread. */
export function exportsOn(block: Block, module: WebAssembly.Module): Exports {
  let exports = block.instances.get(module);
  if (exports === undefined) {
    exports = instantiate(module, block.memory, block.outside);
    block.instances.set(module, exports);
  }
  return exports;
}

function takeKept(bytes: number, shared: boolean): Block | undefined {
  const most = Math.max(SMALL_BYTES, bytes / LEAST_USE);
  let best: Block | undefined;
  for (const block of kept) {
    const fits = block.shared === shared && block.bytes >= bytes && block.bytes <= most;
    if (fits && (best === undefined || block.bytes < best.bytes)) best = block;
  }
  if (best !== undefined) kept = kept.filter((block) => block !== best);
  return best;
}

function allocate(pages: number, shared: boolean): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch {
    return undefined; // engines name their refusals differently
  }
}

function allocateWithoutKept(
  pages: number,
  shared: boolean,
  forget: (block: Block) => void,
): WebAssembly.Memory | undefined {
  for (const block of kept) drop(block, forget);
  kept = [];
  return allocate(pages, shared);
}

function refused(bytes: number, why: string): LowrankError {
  const message = `wasm: cannot give ${bytes} bytes of memory, ${why}; use a smaller rank, fewer ratings or smaller batches`;
  return new LowrankError("memory", message, { bytes });
}
