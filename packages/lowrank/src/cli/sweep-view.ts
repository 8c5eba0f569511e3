/** What a sweep over ranks found, as a table and as charts: figures of one unit share a chart. */
import type { RankSweep, RankSweepRow, SuggestedRank, TrainedRank } from "@lowrank/core";
import type { LineChart, Series } from "../plots/index.ts";
import { type Column, duration, figure, table } from "./format.ts";
import { inFlags } from "./words.ts";

/** One rank, trained. */
export interface SweepRow extends Pick<TrainedRank, "rank" | "loss" | "lossName" | "seconds"> {
  readonly heldOut: { readonly name: string; readonly value: number } | undefined;
  /** The least that a figure of any model of this rank can be, where that is known */
  readonly optimum: { readonly value: number; readonly of: OptimumOf } | undefined;
}

/** A figure in the unit of `loss`; or the RMSE of training and held-out ratings together. */
type OptimumOf = "loss" | "RMSE over all";

/**
 * The trained ranks, with the distances of the optima as figures beside the others.
 *
 * @param options of the method
 * @param cells of the matrix
 */
export function sweepRows(
  rows: readonly RankSweepRow[],
  options: Readonly<Record<string, unknown>>,
  cells: number,
): SweepRow[] {
  return rows.flatMap((row) => {
    if (row.failure !== undefined) return [];
    const { rank, loss, lossName, seconds, heldOut } = row;
    return [{ rank, loss, lossName, seconds, heldOut, optimum: optimumOf(row, options.objective, cells) }];
  });
}

/** Where the steps of its decomposition were used up, an optimum is not known. */
function optimumOf(row: TrainedRank, objective: unknown, cells: number): SweepRow["optimum"] {
  const { svdOptimum, lossName, heldOut } = row;
  if (svdOptimum?.atLeast === undefined) return undefined;
  const { optimum, over } = svdOptimum;
  if (over === "training ratings") {
    const value = asLoss(optimum, lossName, objective, cells);
    return value === undefined ? undefined : { value, of: "loss" };
  }
  if (heldOut === undefined || !isRmse(heldOut.name)) return undefined;
  return { value: optimum / Math.sqrt(cells), of: "RMSE over all" };
}

/** Errors of single ratings; that of svd over missing cells too is none of them. */
const isRmse = (name: string) => /\bRMSE( on the way)?$/.test(name);

/** What a loss would be at this distance ‖A − B‖, penalties left out; undefined for losses of another kind, as that of ials. */
function asLoss(distance: number, lossName: string, objective: unknown, cells: number): number | undefined {
  if (isRmse(lossName)) return distance / Math.sqrt(cells);
  switch (objective) {
    case "norm":
      return distance;
    case "sum":
      return distance ** 2;
    case "half":
      return distance ** 2 / 2;
    case "mean":
      return distance ** 2 / cells;
    default:
      return undefined;
  }
}

const OPTIMUM = "SVD optimum";

/** What an optimum is of, where the column says too little. */
export function optimumNote(rows: readonly SweepRow[]): string | undefined {
  if (!rows.some(({ optimum }) => optimum?.of === "RMSE over all")) return undefined;
  return `${OPTIMUM}: what the RMSE over training and held-out ratings together cannot be below`;
}

/** How signs are drawn: false where a terminal has ASCII alone. */
export interface TableShape {
  readonly width: number;
  /** How long each training took; false where one training served all */
  readonly times: boolean;
  readonly unicode: boolean;
}

/**
 * A line for each rank, those that failed included; the suggested one is marked.
 *
 * @param trained at least one
 */
export function sweepTable(
  trained: readonly SweepRow[],
  failed: readonly number[],
  suggested: number | undefined,
  { width, times, unicode }: TableShape,
): string[] {
  const [{ lossName, heldOut }] = trained;
  const hasOptimum = trained.some((row) => row.optimum !== undefined);
  const right = (title: string): Column => ({ title, align: "right" });
  const none = unicode ? "–" : "-";
  const shown = (value: number | undefined) => (value === undefined ? none : figure(value));
  const columns = [
    right("rank"),
    right(lossName),
    ...(hasOptimum ? [right(OPTIMUM)] : []),
    ...(heldOut === undefined ? [] : [right(heldOut.name)]),
    ...(times ? [right("time")] : []),
    { title: "" },
  ];
  const mark = unicode ? "← suggested" : "<- suggested";
  const line = (rank: number, row: SweepRow | undefined) => [
    String(rank),
    shown(row?.loss),
    ...(hasOptimum ? [shown(row?.optimum?.value)] : []),
    ...(heldOut === undefined ? [] : [shown(row?.heldOut?.value)]),
    ...(times ? [row === undefined ? none : duration(row.seconds)] : []),
    row === undefined ? "failed" : rank === suggested ? mark : "",
  ];
  const all = [...trained.map((row) => ({ rank: row.rank, row })), ...failed.map((rank) => ({ rank, row: undefined }))];
  const cells = all.sort((a, b) => a.rank - b.rank).map(({ rank, row }) => line(rank, row));
  return table(columns, cells, width);
}

/** From so many times the first rank on, doubling ranks stand at equal steps. */
const WIDE = 16;

/**
 * One chart where loss and held-out figure are of one unit, as two RMSE are, else one for each.
 *
 * @param subject what was trained on what, for the titles
 */
export function sweepCharts(rows: readonly SweepRow[], suggested: number | undefined, subject: string): LineChart[] {
  const [{ lossName, heldOut }] = rows;
  const ranks = rows.map(({ rank }) => rank);
  const isWide = ranks.length > 2 && ranks[ranks.length - 1] / ranks[0] >= WIDE;
  const chart = (label: string, series: Series[], most?: number): LineChart => ({
    title: `${label.charAt(0).toUpperCase()}${label.slice(1)} by rank`,
    subtitle: subject,
    x: { label: "rank", scale: isWide ? "log" : "linear", ticks: ranks },
    y: { label, ...(most === undefined ? {} : { to: most }) },
    series,
    lines: suggested === undefined ? [] : [{ label: `suggested: ${suggested}`, x: suggested }],
  });
  const losses = seriesOf(rows, lossName, (row) => row.loss);
  const optima = (of: OptimumOf) =>
    seriesOf(rows, OPTIMUM, ({ optimum }) => (optimum?.of === of ? optimum.value : undefined)).map((one) => ({
      ...one,
      dashed: true,
    }));
  if (heldOut === undefined) return [chart(lossName, [...losses, ...optima("loss")])];
  const held = seriesOf(rows, heldOut.name, (row) => row.heldOut?.value);
  if (isRmse(lossName) && isRmse(heldOut.name)) {
    return [chart("RMSE", [...held, ...losses, ...optima("loss"), ...optima("RMSE over all")])];
  }
  return [
    chart(heldOut.name, [...held, ...optima("RMSE over all")], topOf(held, heldOut.name)),
    chart(lossName, [...losses, ...optima("loss")]),
  ];
}

/** Errors have no highest value; the other held-out figures are shares, whose axis must not go beyond 1 to round numbers. */
function topOf(held: readonly Series[], name: string): number | undefined {
  if (/RMSE|MAE|error/.test(name)) return undefined;
  const highest = Math.max(...held.flatMap(({ y }) => Array.from(y)));
  return highest > NEAR_ALL && highest <= 1 ? 1 : undefined;
}

/** Round numbers above a share like this may lie beyond 1. */
const NEAR_ALL = 0.5;

/** One series of the ranks that have the figure; none when no rank has it. */
function seriesOf(rows: readonly SweepRow[], name: string, of: (row: SweepRow) => number | undefined): Series[] {
  const points = rows.flatMap((row) => {
    const value = of(row);
    return value === undefined ? [] : [{ x: row.rank, y: value }];
  });
  if (points.length === 0) return [];
  return [{ name, x: points.map(({ x }) => x), y: points.map(({ y }) => y), marks: true }];
}

/**
 * The suggestion in the words of the command line.
 *
 * @param room the highest rank that can add anything to these ratings
 */
export function suggestionOf(
  { rows, suggested }: Pick<RankSweep, "rows" | "suggested">,
  room = Number.POSITIVE_INFINITY,
): SuggestedRank {
  const { rank } = suggested;
  const reason = inFlags(suggested.reason, (flag) => flag === "--validation");
  if (rank === undefined) return { rank, reason };
  if (rows.length === 1) return { rank, reason: "the only one asked for; give several, such as --ranks 1,2,4,8" };
  const trained = rows.filter((row) => row.failure === undefined);
  const last = trained[trained.length - 1];
  if (rank < last.rank || last.heldOut === undefined || rank >= room) return suggested;
  const further =
    rows[rows.length - 1].failure === undefined ? "no higher one was tried, so try some" : "higher ones failed";
  return { rank, reason: `${reason}; ${further}` };
}
