/**
 * Which of several ranks? Rows of a sweep in; a rank and the reason as a sentence out.
 *
 * With held-out ratings: the smallest rank whose figure is within one standard error of the best (Breiman, Friedman, Olshen
 * & Stone, 1984, section 3.4.3; Hastie, Tibshirani & Friedman, 2009, section 7.10). The standard error is that of the
 * difference, over the same groups of held-out users: users differ much more from each other than ranks do. Without them a training figure cannot
 * choose, since it always falls with the rank; for complete ratings the singular values can: those above Gavish & Donoho's
 * optimal hard threshold, ω(β) times their median, are taken for structure and the others for noise (IEEE Trans. Inf. Theory
 * 2014, with their approximation of ω for a noise of unknown size). Where the method fits biases, those are the values of the
 * ratings less the means that biases take up, so that a bias is not counted among the columns.
 */
import type { Spectrum } from "../factorizers/index.ts";
import type { TrainedRank } from "./rank-sweep.ts";

export interface SuggestedRank {
  /** One of the ranks asked for; undefined when nothing says which */
  readonly rank: number | undefined;
  readonly reason: string;
}

/** What suggestions go by beside the rows. */
export interface Evidence {
  readonly better: "lower" | "higher" | undefined;
  /** All singular values of complete ratings less centre and biases, where they are known */
  readonly spectrum: Spectrum | undefined;
  /** The method fits biases: the ratings were taken less the means of users or items, and ranks are counted beside them */
  readonly hasBiases?: boolean | undefined;
}

/** @param rows ascending by rank, at least one */
export function suggestRank(rows: readonly TrainedRank[], { better, spectrum, hasBiases }: Evidence): SuggestedRank {
  if (better !== undefined) return byHeldOut(rows, better);
  if (spectrum !== undefined) return bySpectrum(rows, spectrum, hasBiases === true);
  return {
    rank: undefined,
    reason:
      "the training figure always falls with the rank, so it cannot choose one; hold out a share of the ratings " +
      "(validation: 0.1) to see which rank predicts best",
  };
}

/** A share of the figure that no one would notice. Strong penalties leave columns empty, and higher ranks then differ by less. */
const SAME = 1e-4;

function byHeldOut(rows: readonly TrainedRank[], better: "lower" | "higher"): SuggestedRank {
  const sign = better === "lower" ? 1 : -1;
  const measured = rows.flatMap(({ rank, heldOut }) => (heldOut === undefined ? [] : [{ rank, ...heldOut }]));
  const best = measured.reduce((one, other) => (sign * other.value < sign * one.value ? other : one));
  const shown = `${best.name} of ${shownFigure(best.value)} is the best`;
  if (best.groups.length < 2) {
    return { rank: best.rank, reason: `its ${shown}; too few users are held out for a standard error` };
  }
  for (const one of measured) {
    if (one === best) break;
    const behind = sign * (one.value - best.value);
    const error = standardErrorOf(one.groups.map((figure, group) => figure - best.groups[group]));
    if (behind <= SAME * Math.abs(best.value)) {
      return { rank: one.rank, reason: `the smallest whose ${shown}, but for differences of less than 0.01 %` };
    }
    if (error === undefined || behind > error) continue;
    const reason =
      `the smallest whose ${one.name}, ${shownFigure(one.value)}, is behind the best, ${shownFigure(best.value)} at rank ` +
      `${best.rank}, by no more than one standard error of the difference, ${shownFigure(error)}`;
    return { rank: one.rank, reason };
  }
  const others =
    best === measured[0]
      ? "there is no smaller rank among these"
      : "every smaller rank is behind by more than one standard error of the difference";
  return { rank: best.rank, reason: `its ${shown}, and ${others}` };
}

/** Deviation of the groups' figures over √groups; undefined for fewer than two. */
export function standardErrorOf(figures: readonly number[]): number | undefined {
  if (figures.length < 2) return undefined;
  const mean = figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
  const squares = figures.reduce((sum, figure) => sum + (figure - mean) ** 2, 0);
  return Math.sqrt(squares / (figures.length - 1) / figures.length);
}

function bySpectrum(
  rows: readonly TrainedRank[],
  { values, short, long }: Spectrum,
  hasBiases: boolean,
): SuggestedRank {
  const aspect = short / long;
  const omega = 0.56 * aspect ** 3 - 0.95 * aspect ** 2 + 1.82 * aspect + 1.43;
  const threshold = omega * medianOf(values, short);
  let above = 0;
  while (above < values.length && values[above] > threshold) above++;
  // By the ratio: of 1, 2 and 25 it is 2 that is near 3.
  const apart = (rank: number) => Math.max(rank, above) / Math.max(1, Math.min(rank, above));
  const { rank } = rows.reduce((one, other) => (apart(other.rank) < apart(one.rank) ? other : one));
  const beside = hasBiases ? " beside the biases" : "";
  const found =
    `${above} of ${short} singular values${beside} are above the threshold that tells structure from noise ` +
    `(Gavish and Donoho: ${threshold.toPrecision(4)})`;
  if (rank === above) return { rank, reason: found };
  const more = above === 0 ? "all of it looks like noise" : `try ${above}`;
  return { rank, reason: `${found}; of the ranks asked for ${rank} comes nearest to that: ${more}` };
}

/** The median of `count` values, descending, of which those beyond the list are 0. */
function medianOf(values: ArrayLike<number>, count: number): number {
  const at = (i: number) => (i < values.length ? values[i] : 0);
  return count % 2 === 1 ? at((count - 1) / 2) : (at(count / 2 - 1) + at(count / 2)) / 2;
}

/** Four decimals, or as many digits where these would say nothing. */
function shownFigure(value: number): string {
  return value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e7) ? value.toFixed(4) : value.toExponential(3);
}
