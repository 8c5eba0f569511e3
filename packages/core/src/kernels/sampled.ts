/**
 * Ranking by sampled gradients: what each left row has is to score above what it does not have. Part of the contract of every
 * backend (kernels.ts); knows a left and a right side, not users and items.
 *
 *   s_lr = leftBias_l + rightBias_r + offset_r + z_l · right_r,       with `cosine` offset_r + z_l · right_r / (|z_l| |right_r|)
 *   z_l  = left_l + historyWeight_l · Σ_p right_p,                    with `cosine` right_p / |right_p|,  over the entries p of l
 *
 * `offset` is fixed; without `historyWeight` z_l is left_l alone.
 *
 * Left rows are taken in batches. A batch draws `candidates` distinct right rows C, every one as likely, which all of its left
 * rows share; a row's negatives are those candidates that it has no entry for, m of them. With n the entries p of a row, j its
 * negatives, m̄ = right rows − n and σ(x) = 1 / (1 + e^−x), the loss of a row is
 *
 *   softmax    n · [ log( (m̄/m) Σ_j e^(s_j/τ) )  −  (1/n) Σ_p s_p/τ ]
 *              with a positive temperature ρ the last term is (ρ/τ) · log( (1/n) Σ_p e^(s_p/ρ) )
 *   bpr        (1/m) Σ_p Σ_j −log σ((s_p − s_j)/τ)
 *              with `hardestOf` K instead Σ_p −log σ((s_p − s_j)/τ), j the highest, the first of these, of the first K (all, if there
 *              are fewer) of the row's negatives in the order of the candidates from a place on that is drawn for each entry
 *   logistic   Σ_p −log σ(s_p)  +  unobservedWeight · (m̄/m) Σ_j −log σ(−s_j)
 *   warp       Σ_p L(⌊m̄/t⌋) / L(m̄) · max(0, margin − s_p + s_j),      L(k) = Σ_{i=1..k} 1/i,
 *              j the first of the row's negatives within the margin, s_j > s_p − margin, in the order of the candidates from a
 *              place on that is drawn for each entry, and t how many negatives were looked at; no loss without such a j
 *
 * and that of a batch, which all of its rows move by the gradient of, at the old values, Λ short for
 * regularization · |row|² + biasRegularization · bias²:
 *
 *   Σ_l weight_l · [ loss_l + Σ_p ( Λ_l + Λ_p + (1/|C|) Σ_{c ∈ C} Λ_c ) ]
 *
 * so an entry pays for its two rows and for one candidate. With `cosine` there are no biases and no penalties. A row without
 * entries or without negatives is passed over. WARP's weight and every j that is chosen by scores are held fixed in the gradient.
 * Sources: Rendle et al., UAI 2009 (BPR); Zhang et al., SIGIR 2013 (the highest of some negatives); Koren, KDD 2008 (rows made of
 * their entries, SVD++); Menon et al., ICLR 2021 (offsets by frequency); Weston, Bengio & Usunier, IJCAI 2011 (WARP); Wu et al., ICDE 2024 (bilateral softmax
 * loss); Johnson, NIPS workshop 2014 (logistic). That a batch shares its candidates: Yi et al., RecSys 2019, for softmax.
 *
 * What is drawn follows from the seed and the number of the batch alone, sums from the order of the rows: the bytes do not
 * depend on the number of threads.
 */
import { type Arrays, type Reals, rowStride, type SparseRows, slot } from "./kernels.ts";
import type { Moved, MovedTable, NetBatches } from "./net.ts";

export type SampledLoss =
  | {
      readonly kind: "softmax";
      /** τ > 0 */
      readonly temperature: number;
      /** ρ > 0; undefined: the mean of the scores, which is the limit of a large ρ */
      readonly positiveTemperature: number | undefined;
    }
  | {
      readonly kind: "bpr";
      /** τ > 0 */
      readonly temperature: number;
      /** K ≥ 1; undefined: every negative counts */
      readonly hardestOf: number | undefined;
    }
  | {
      readonly kind: "logistic";
      /** ≥ 0 */
      readonly unobservedWeight: number;
    }
  | { readonly kind: "warp"; readonly margin: number };

export interface SampledSide {
  readonly factors: MovedTable;
  /** [rows], or undefined for a side without; undefined with `cosine` */
  readonly bias: Moved | undefined;
  /** ≥ 0; 0 with `cosine` */
  readonly regularization: number;
  readonly biasRegularization: number;
}

export interface SampledProblem {
  readonly left: SampledSide;
  readonly right: SampledSide;
  readonly cosine: boolean;
  readonly loss: SampledLoss;
  /** Rows = left rows, index = right rows, ascending within a row */
  readonly entries: SparseRows;
  /** [left rows], each ≥ 0 */
  readonly weight: Reals;
  /** [left rows]; undefined: none */
  readonly historyWeight: Reals | undefined;
  /** [right rows]; undefined: none */
  readonly offset: Reals | undefined;
  /** u32[left rows]: the left rows in the order in which they are taken, each once */
  readonly order: Uint32Array;
  /** Left rows of a batch, ≥ 1; the last batch may have fewer */
  readonly batchSize: number;
  /** 1 to the right rows */
  readonly candidates: number;
  /** Of all draws: 0 to 2³² − 1 */
  readonly seed: number;
  /** Overwritten: the arrays of `sampledSlots` for these tables, entries and sizes */
  readonly work: SampledWork;
}

/** Some batches of a pass, one after another, of ⌈left rows / batchSize⌉: as those of a net. */
export type SampledBatches = NetBatches;

export interface SampledRoutines {
  /**
   * Moves both sides by some batches.
   *
   * @returns Σ weight · loss of the rows, without penalties, each at the parameters before its batch moved them; not finite
   *   when a parameter is no longer
   */
  sampledBatches(problem: SampledProblem, batches: SampledBatches): Promise<number>;
}

/** Left rows go through the products in tiles of this many. */
const SAMPLED_TILE = 6;
/** Candidates of a unit: whole tiles and whole panels of eight. */
const CANDIDATE_BLOCK = 24;

/** u32 words of the frame that hands a problem to the wasm kernel (assembly/sampled-frame.ts). */
const FRAME_WORDS = 96;

const upTo = (count: number, multiple: number) => multiple * Math.ceil(count / multiple);

/** Floats from one left row's coefficients to the next: never a multiple of 4096 bytes, which would all share a cache's set. */
export function coefficientStride(candidates: number): number {
  return upTo(candidates, CANDIDATE_BLOCK) + 16;
}

/** Entries of the `batchSize` longest rows: what a batch has at most. */
export function mostEntries({ start }: Pick<SparseRows, "start">, batchSize: number): number {
  const counts = new Uint32Array(start.length - 1);
  for (let row = 0; row < counts.length; row++) counts[row] = start[row + 1] - start[row];
  counts.sort();
  let sum = 0;
  for (let i = Math.max(0, counts.length - batchSize); i < counts.length; i++) sum += counts[i];
  return sum;
}

/** Rows and columns of the panels that a batch's products read, padding included. */
export function sampledPanels(
  batchSize: number,
  candidates: number,
): { readonly rows: number; readonly columns: number } {
  return { rows: upTo(batchSize, SAMPLED_TILE), columns: upTo(candidates, CANDIDATE_BLOCK) };
}

export interface SampledSizes {
  readonly rightRows: number;
  readonly rank: number;
  readonly batchSize: number;
  readonly candidates: number;
  /** As `mostEntries` says */
  readonly entries: number;
}

/** Arrays that `sampledBatches` writes to, to be part of the workspace's layout. */
export function sampledSlots({ rightRows, rank, batchSize, candidates, entries }: SampledSizes) {
  const stride = rowStride(rank);
  const { rows, columns } = sampledPanels(batchSize, candidates);
  return {
    sampledFrame: slot.u32(FRAME_WORDS),
    sampledScratch: slot.perThread(sampledScratch(rank, candidates)),
    sampledTickets: slot.u32(32),
    sampledRates: slot.f64(SAMPLED_JOB_BATCHES),
    /** Σ of the call, then the loss of each row of the batch */
    sampledSums: slot.f64(1 + batchSize),
    /** The batch's left rows z as its products read them: by row, and by panel of columns; then their gradients by z */
    sampledLeft: slot.real(3 * rows * stride),
    /** 1 / |z| of each, 1 without `cosine` */
    sampledLeftScale: slot.real(rows),
    sampledCandidates: slot.u32(columns),
    /** The candidates by panel of candidates, and by panel of columns; their biases */
    sampledRight: slot.real(2 * columns * stride + columns),
    /** Of each right row: 1 + its place among the candidates; 1 / its length */
    sampledPlace: slot.u32(rightRows),
    sampledScale: slot.real(rightRows),
    /** What each candidate's row is multiplied by in the gradient of each left row */
    sampledCoefficients: slot.real(rows * coefficientStride(candidates)),
    /** Of each entry of the batch: its coefficient; the place of its left row; the next entry on its right row */
    sampledEntry: slot.real(entries),
    sampledEntryRow: slot.u32(entries),
    sampledNext: slot.u32(entries),
    /** Of each right row its first and last entry in the batch; the rows met, how many first */
    sampledChains: slot.u32(2 * rightRows),
    sampledTouched: slot.u32(entries + 16),
    /** Of each left row of the batch: where its entries begin in those of the batch */
    sampledStarts: slot.u32(batchSize + 1),
  };
}

/** Numbers of a thread's scratch: gradients of a tile, slopes of a row, room for one number's move, an optimizer. */
export function sampledScratch(rank: number, candidates: number): number {
  return SAMPLED_TILE * rowStride(rank) + upTo(candidates, CANDIDATE_BLOCK) + 16 + 16;
}

export type SampledWork = Arrays<ReturnType<typeof sampledSlots>>;

/** Batches of one job of the wasm backend; those of a call are cut into jobs. */
export const SAMPLED_JOB_BATCHES = 1024;
