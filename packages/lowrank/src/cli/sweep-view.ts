/** What a sweep over ranks found, as a table and as charts: figures of one unit share a chart. */
import type { RankSweep, RankSweepRow, SuggestedRank } from "@lowrank/core";
import type { LineChart, Series } from "../plots/index.ts";
import { type Column, duration, figure, table } from "./format.ts";

/** One rank, trained. */
export interface SweepRow extends Pick<RankSweepRow, "rank" | "loss" | "lossName" | "seconds"> {
  readonly heldOut: { readonly name: string; readonly value: number } | undefined;
  /** The least that the loss of any model of this rank can be, in the unit of `loss`, where that is known */
  readonly optimum: number | undefined;
}

/**
 * The rows with the distances of the optima in the unit of the losses.
 *
 * @param options of the method
 * @param cells of the matrix
 */
export function sweepRows(
  rows: readonly RankSweepRow[],
  options: Readonly<Record<string, unknown>>,
  cells: number,
): SweepRow[] {
  return rows.map(({ rank, loss, lossName, seconds, heldOut, svdOptimum }) => {
    const optimum = svdOptimum === undefined ? undefined : asLoss(svdOptimum, lossName, options.objective, cells);
    return { rank, loss, lossName, seconds, heldOut, optimum };
  });
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

/**
 * A line for each rank; the suggested one is marked.
 *
 * @param shape `times`: how long each training took; false where one training served all
 */
export function sweepTable(
  rows: readonly SweepRow[],
  suggested: number | undefined,
  shape: { readonly width: number; readonly times: boolean },
): string[] {
  const [{ lossName, heldOut }] = rows;
  const hasOptimum = rows.some((row) => row.optimum !== undefined);
  const right = (title: string): Column => ({ title, align: "right" });
  const shown = (value: number | undefined) => (value === undefined ? "–" : figure(value));
  const columns = [
    right("rank"),
    right(lossName),
    ...(hasOptimum ? [right(OPTIMUM)] : []),
    ...(heldOut === undefined ? [] : [right(heldOut.name)]),
    ...(shape.times ? [right("time")] : []),
    { title: "" },
  ];
  const cells = rows.map((row) => [
    String(row.rank),
    figure(row.loss),
    ...(hasOptimum ? [shown(row.optimum)] : []),
    ...(heldOut === undefined ? [] : [shown(row.heldOut?.value)]),
    ...(shape.times ? [duration(row.seconds)] : []),
    row.rank === suggested ? "← suggested" : "",
  ]);
  return table(columns, cells, shape.width);
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
  const chart = (label: string, series: Series[]): LineChart => ({
    title: `${label.charAt(0).toUpperCase()}${label.slice(1)} by rank`,
    subtitle: subject,
    x: { label: "rank", scale: isWide ? "log" : "linear", ticks: ranks },
    y: { label },
    series,
    lines: suggested === undefined ? [] : [{ label: `suggested: ${suggested}`, x: suggested }],
  });
  const losses = [
    ...seriesOf(rows, lossName, (row) => row.loss),
    ...seriesOf(rows, OPTIMUM, (row) => row.optimum).map((one) => ({ ...one, dashed: true })),
  ];
  if (heldOut === undefined) return [chart(lossName, losses)];
  const held = seriesOf(rows, heldOut.name, (row) => row.heldOut?.value);
  if (isRmse(lossName) && isRmse(heldOut.name)) return [chart("RMSE", [...held, ...losses])];
  return [chart(heldOut.name, held), chart(lossName, losses)];
}

/** One series of the ranks that have the figure; none when no rank has it. */
function seriesOf(rows: readonly SweepRow[], name: string, of: (row: SweepRow) => number | undefined): Series[] {
  const points = rows.flatMap((row) => {
    const value = of(row);
    return value === undefined ? [] : [{ x: row.rank, y: value }];
  });
  if (points.length === 0) return [];
  return [{ name, x: points.map(({ x }) => x), y: points.map(({ y }) => y), marks: true }];
}

/** The suggestion in the words of the command line. */
export function suggestionOf({ rows, suggested }: Pick<RankSweep, "rows" | "suggested">): SuggestedRank {
  const { rank } = suggested;
  if (rank === undefined) return { rank, reason: suggested.reason.replace("validation: ", "--validation ") };
  if (rows.length === 1) return { rank, reason: "the only one asked for; give several, such as --ranks 1,2,4,8" };
  const last = rows[rows.length - 1];
  if (rank < last.rank || last.heldOut === undefined) return suggested;
  return { rank, reason: `${suggested.reason}; no higher one was tried, so try some` };
}
