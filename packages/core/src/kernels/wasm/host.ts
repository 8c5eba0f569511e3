/** What this host can run, probed, not guessed from its name. */

export interface Host {
  /** WebAssembly with 128-bit vectors */
  readonly simd: boolean;
  /** WebAssembly may be compiled: false in a page whose content policy forbids it */
  readonly compiles: boolean;
  /** Fused multiply-add in WebAssembly */
  readonly relaxed: boolean;
  /** Memory that several threads share */
  readonly shared: boolean;
  /** There are threads to start; whether a page's content policy lets them, only starting one shows (pool.ts) */
  readonly workers: boolean;
  /** Logical processors */
  readonly cores: number;
  /** A browser page or worker that is not cross-origin isolated, the usual reason for `shared` being false */
  readonly isolated: boolean | undefined;
}

/** (module), which every engine can compile where it may */
const EMPTY_PROBE = [0, 97, 115, 109, 1, 0, 0, 0];

/** (module (func (result v128) (i8x16.splat (i32.const 0)))) */
const SIMD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
];

/** (module (func (result v128) (f32x4.relaxed_madd z z z))) with z = (i8x16.splat (i32.const 0)) */
const RELAXED_PROBE = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 0x85, 2, 11],
];

/** Node's modules without an import that bundlers would follow; undefined in browsers. */
interface NodeProcess {
  getBuiltinModule?(name: "node:worker_threads"): NodeThreads | undefined;
  getBuiltinModule?(name: "node:os"): { availableParallelism(): number } | undefined;
}

export interface NodeWorker {
  on(event: "message", listener: (message: unknown) => void): void;
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: () => void): void;
  postMessage(message: unknown): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

export interface NodeThreads {
  Worker: new (source: string, options: { eval: true; execArgv: string[]; name: string }) => NodeWorker;
}

const nodeProcess = (globalThis as { process?: NodeProcess }).process;

export function nodeThreads(): NodeThreads | undefined {
  return nodeProcess?.getBuiltinModule?.("node:worker_threads");
}

export function probeHost(): Host {
  const wasm = typeof WebAssembly === "object";
  return {
    simd: wasm && WebAssembly.validate(Uint8Array.from(SIMD_PROBE)),
    compiles: wasm && canCompile(),
    relaxed: wasm && WebAssembly.validate(Uint8Array.from(RELAXED_PROBE)),
    shared: wasm && canShare(),
    workers: nodeThreads() !== undefined || typeof Worker === "function",
    cores: countCores(),
    isolated: (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated,
  };
}

function canCompile(): boolean {
  try {
    new WebAssembly.Module(Uint8Array.from(EMPTY_PROBE));
    return true;
  } catch {
    return false;
  }
}

function canShare(): boolean {
  // Without isolation a page may still construct a shared memory, but cannot send it to a worker.
  if (typeof SharedArrayBuffer !== "function") return false;
  try {
    return new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

function countCores(): number {
  const os = nodeProcess?.getBuiltinModule?.("node:os");
  if (os !== undefined) return os.availableParallelism();
  return typeof navigator === "object" && navigator.hardwareConcurrency > 0 ? navigator.hardwareConcurrency : 1;
}
