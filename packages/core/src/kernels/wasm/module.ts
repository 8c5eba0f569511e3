/** The compiled kernels: a build and a kind of memory in, a WebAssembly.Module and typed exports out. */
import { relaxed, strict } from "./bytes.generated.ts";

export type Build = "strict" | "relaxed";

/** A routine of `assembly/index.ts`. All arguments are numbers; a JavaScript caller may give more than it takes. */
export type Routine = (...args: number[]) => number | undefined;
export type RoutineName =
  | "beginStep"
  | "blocksInOrder"
  | "blocksTogether"
  | "codeLengths"
  | "codePanels"
  | "descend"
  | "descentGiven"
  | "descentRecord"
  | "descentScratch"
  | "epochs"
  | "explicitGradients"
  | "explicitLoss"
  | "finishGradients"
  | "gramParts"
  | "gramSum"
  | "implicitGradients"
  | "implicitLoss"
  | "mergeLists"
  | "nearestRows"
  | "netFirst"
  | "netPairs"
  | "netScores"
  | "netTrain"
  | "netTranspose"
  | "nonNegativeRows"
  | "innerProductParts"
  | "innerProductSum"
  | "inverseFinish"
  | "inverseOfBlock"
  | "inversePanels"
  | "inverseUpdate"
  | "lossOf"
  | "makeErrors"
  | "makePenalties"
  | "optimizerRecord"
  | "pairs"
  | "pieceArea"
  | "rowScratch"
  | "shuffleBlocks"
  | "sampledBegin"
  | "sampledTrain"
  | "solveExplicit"
  | "solveImplicit"
  | "sparseProduct"
  | "squareOfRows"
  | "startGradients"
  | "startScale"
  | "stepExplicit"
  | "stepImplicit"
  | "subspaceExplicit"
  | "subspaceImplicit"
  | "subspaceScratch"
  | "takePiece"
  | "tallProduct"
  | "topN"
  | "whiten"
  | "whitenRows"
  | "zero";
export type Exports = Record<RoutineName, Routine>;

const bytes = { strict, relaxed };
const UNSHARED_WITH_MAXIMUM = 1;
const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The module of a build, importing a shared memory or one of this thread alone. Compiled once per process. */
export function compile(build: Build, shared: boolean): Promise<WebAssembly.Module> {
  const key = `${build} ${shared}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = WebAssembly.compile(moduleBytes(build, shared));
    compiled.set(key, module);
  }
  return module;
}

export function moduleBytes(build: Build, shared: boolean): Uint8Array<ArrayBuffer> {
  const { base64, memoryFlagsAt } = bytes[build];
  const code = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  // The import says that the memory is shared. Nothing else in the module depends on it, so one byte makes the variant.
  if (!shared) code[memoryFlagsAt] = UNSHARED_WITH_MAXIMUM;
  return code;
}

/**
 * For this thread, which is never one of several and so never waits for another; workers make their own instances.
 *
 * @param outside buffers beside the memory, whose bytes the kernels ask for (assembly/pieces.ts)
 */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  outside: readonly ArrayBufferLike[] = [],
): Exports {
  const bring = (buffer: number, from: number, bytes: number, to: number) =>
    new Uint8Array(memory.buffer, to >>> 0, bytes).set(new Uint8Array(outside[buffer - 1], from, bytes));
  return new WebAssembly.Instance(module, { env: { memory, sleep: () => {}, bring } }).exports as Exports;
}
