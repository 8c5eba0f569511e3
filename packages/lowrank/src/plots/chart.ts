/** What a chart of lines shows: the caller's description comes in, a checked one with its ranges goes out. */
import { DataError, OptionError } from "@lowrank/core";
import { finiteNumber, knownOptions, oneOf, show, trueOrFalse, wholeNumber } from "@lowrank/core/support";
import { type Range, rangeOf } from "./scale.ts";

export interface Axis {
  readonly label: string;
  /** Default `linear`; `log` needs values above 0 */
  readonly scale?: "linear" | "log" | undefined;
  /** Where the axis begins and ends; default: so that everything fits. What lies outside is refused */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Where marks stand; default: at round numbers */
  readonly ticks?: readonly number[] | undefined;
}

export interface Series {
  readonly name: string;
  readonly x: ArrayLike<number>;
  /** As many as `x` */
  readonly y: ArrayLike<number>;
  /** Whether each point has a mark; default: when there are at most 24 */
  readonly marks?: boolean | undefined;
  /** Default false; for bounds and rulers */
  readonly dashed?: boolean | undefined;
}

/** A straight line through the whole chart, at one `x` or one `y`: a bound, a ruler, a chosen value. */
export interface ReferenceLine {
  readonly label: string;
  readonly x?: number | undefined;
  readonly y?: number | undefined;
}

export interface LineChart {
  readonly title: string;
  /** A line below the title */
  readonly subtitle?: string | undefined;
  /** For those who cannot see the picture; default: what each line begins and ends with */
  readonly description?: string | undefined;
  readonly x: Axis;
  readonly y: Axis;
  /** 1 to 6, in the order of their colours */
  readonly series: readonly Series[];
  readonly lines?: readonly ReferenceLine[] | undefined;
}

/** Colours, and marks beside them, that stay apart for every eye. */
const MAX_SERIES = 6;
/** More points than this have no marks of their own. */
const MAX_MARKS = 24;

export interface CleanSeries {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly marks: boolean;
  readonly dashed: boolean;
}

export type CleanLine = { readonly label: string; readonly at: "x" | "y"; readonly value: number };

export interface CleanChart {
  readonly title: string;
  readonly subtitle: string | undefined;
  readonly description: string | undefined;
  readonly x: Range & { readonly label: string };
  readonly y: Range & { readonly label: string };
  readonly series: readonly CleanSeries[];
  readonly lines: readonly CleanLine[];
}

/**
 * @param marks how many each axis has room for, about
 * @throws OptionError for what a chart does not have; DataError for points that cannot be drawn, with their place
 */
export function cleanChart(
  who: string,
  chart: LineChart,
  marks: { readonly x: number; readonly y: number },
): CleanChart {
  const { title, subtitle, description, x, y, series, lines } = chart;
  const texts = { title, subtitle, description };
  for (const [name, text] of Object.entries(texts))
    if (typeof text !== "string" && (name === "title" || text !== undefined))
      throw new OptionError(who, name, text, "text");
  if (!Array.isArray(series) || series.length < 1 || series.length > MAX_SERIES)
    throw new OptionError(
      who,
      "series",
      series?.length,
      `a list of 1 to ${MAX_SERIES}`,
      "draw more of them in further charts",
    );
  const cleanAll = series.map((one, at) => cleanSeries(who, one, at));
  const cleanLines = (lines ?? []).map((line, at) => cleanLine(who, line, at));
  const range = (side: "x" | "y", axis: Axis) => {
    const values = [
      ...cleanAll.map((one) => ({ name: `series ${show(one.name)}`, values: one[side] })),
      ...cleanLines
        .filter((line) => line.at === side)
        .map(({ label, value }) => ({ name: `line ${show(label)}`, values: [value] })),
    ];
    return { label: axis.label, ...rangeOf(cleanAxis(who, side, axis), values, { who, side, marks: marks[side] }) };
  };
  return { title, subtitle, description, x: range("x", x), y: range("y", y), series: cleanAll, lines: cleanLines };
}

function cleanSeries(who: string, series: Series, at: number): CleanSeries {
  const where = `series[${at}]`;
  knownOptions(`${who}, ${where}`, series, ["name", "x", "y", "marks", "dashed"]);
  const { name, x, y, marks, dashed } = series;
  if (typeof name !== "string") throw new OptionError(who, `${where}.name`, name, "text");
  const length = x?.length;
  if (!(length >= 1) || y?.length !== length)
    throw new DataError(
      `${who}: series ${show(name)} has ${length} x and ${y?.length} y; give one y for each x, at least one`,
      {
        series: name,
        x: length,
        y: y?.length,
      },
    );
  return {
    name,
    x,
    y,
    marks: trueOrFalse(who, `${where}.marks`, marks ?? length <= MAX_MARKS),
    dashed: trueOrFalse(who, `${where}.dashed`, dashed ?? false),
  };
}

function cleanLine(who: string, line: ReferenceLine, at: number): CleanLine {
  const where = `lines[${at}]`;
  knownOptions(`${who}, ${where}`, line, ["label", "x", "y"]);
  const { label, x, y } = line;
  if (typeof label !== "string") throw new OptionError(who, `${where}.label`, label, "text");
  if ((x === undefined) === (y === undefined)) throw new OptionError(who, where, { x, y }, "at one x or at one y");
  return y === undefined ? { label, at: "x", value: x as number } : { label, at: "y", value: y };
}

function cleanAxis(who: string, side: "x" | "y", axis: Axis): Required<Axis> {
  if (typeof axis !== "object" || axis === null) throw new OptionError(who, side, axis, "an axis with a label");
  knownOptions(`${who}, ${side}`, axis, ["label", "scale", "from", "to", "ticks"]);
  const { label, scale, from, to, ticks } = axis;
  if (typeof label !== "string") throw new OptionError(who, `${side}.label`, label, "text");
  for (const [name, bound] of [
    ["from", from],
    ["to", to],
  ] as const)
    if (bound !== undefined) finiteNumber(who, `${side}.${name}`, bound);
  for (const [at, tick] of (ticks ?? []).entries()) finiteNumber(who, `${side}.ticks[${at}]`, tick);
  const clean = oneOf(who, `${side}.scale`, scale ?? "linear", ["linear", "log"]);
  return { label, scale: clean, from, to, ticks };
}

/** @param value columns or pixels */
export function cleanSize(
  who: string,
  option: string,
  value: number | undefined,
  [least, most]: readonly [number, number],
  usual: number,
): number {
  return wholeNumber(who, option, value ?? usual, least, most);
}
