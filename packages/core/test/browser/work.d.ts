/** Types of work.js, for the test that does the same work in Node. */
import type { EngineOptions, Explanation, RecommendedItem } from "../../src/index.ts";

export interface MethodResult {
  readonly data: string;
  readonly kernels: string;
  readonly threads: number;
  readonly loss: readonly number[];
  readonly digest: string;
  readonly list: readonly RecommendedItem[];
  readonly explanation: Explanation;
  /** SHA-256 of the model file's bytes */
  readonly file: string;
  readonly digestOfDecoded: string;
}

export type Results = Record<"als" | "ials", MethodResult>;

export function work(core: typeof import("../../src/index.ts"), engine: EngineOptions): Promise<Results>;
