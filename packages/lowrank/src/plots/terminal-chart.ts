/**
 * A chart of lines for a terminal, as lines of text: drawn in dots of Braille, 2 × 4 to a column, or in plain ASCII. Lines are
 * told apart by their marks, so no colour is needed.
 */
import { knownOptions, trueOrFalse } from "@lowrank/core/support";
import { displayWidth, printable, shortened } from "../terminal-text.ts";
import { type CleanChart, type CleanSeries, cleanChart, cleanSize, type LineChart } from "./chart.ts";
import { placeOf, type Tick } from "./scale.ts";

export interface TerminalChartOptions extends LineChart {
  /** Columns in all, 40 to 300; default 80 */
  readonly width?: number | undefined;
  /** Rows of the area with the lines, 4 to 100; default: about 14, as many as put the marks of the axis at equal distances */
  readonly height?: number | undefined;
  /** False: ASCII alone. Default true */
  readonly unicode?: boolean | undefined;
}

const who = "terminalChart";

/** What lines are drawn with, once with and once without Unicode. */
interface Signs {
  readonly marks: string;
  /** A line without marks, in the legend */
  readonly line: string;
  readonly level: string;
  readonly upright: string;
  readonly corner: string;
  readonly tick: string;
  readonly base: string;
  readonly baseTick: string;
}

const unicodeSigns: Signs = {
  marks: "●■▲◆▼○",
  line: "⠤⠤",
  level: "┄",
  upright: "┆",
  corner: "└",
  tick: "┤",
  base: "─",
  baseTick: "┴",
};
const asciiSigns: Signs = {
  marks: "o#^%v@",
  line: "..",
  level: "-",
  upright: ":",
  corner: "+",
  tick: "+",
  base: "-",
  baseTick: "+",
};

/**
 * Draws lines as text.
 *
 * @returns lines without line ends, none wider than `width`, without colours and trailing blanks
 * @throws OptionError; DataError for points that cannot be drawn, with their place
 */
export function terminalChart(options: TerminalChartOptions): string[] {
  const known = ["title", "subtitle", "description", "x", "y", "series", "lines", "width", "height", "unicode"];
  knownOptions(who, options, known);
  const width = cleanSize(who, "width", options.width, [40, 300], 80);
  const wished = cleanSize(who, "height", options.height, [4, 100], USUAL_ROWS);
  const isUnicode = trueOrFalse(who, "unicode", options.unicode ?? true);
  const chart = cleanChart(who, options, { x: Math.round(width / 14), y: Math.round(wished / 3) });
  const height = options.height === undefined ? evenRows(chart) : wished;
  const signs = isUnicode ? unicodeSigns : asciiSigns;
  const text = (words: string, room: number) => {
    const plain = isUnicode ? printable(words) : ascii(printable(words));
    return isUnicode ? shortened(plain, room) : plain.slice(0, room);
  };
  const yTexts = chart.y.ticks.map((tick) => text(tick.text, 20));
  const gutter = Math.max(...yTexts.map(displayWidth)) + 1;
  const grid = new Grid(width - gutter - 2, height, isUnicode);
  for (const line of chart.lines) drawRule(grid, chart, line, signs);
  for (const series of chart.series) drawLine(grid, chart, series);
  for (const [at, series] of chart.series.entries()) drawMarks(grid, chart, series, signs.marks, at);
  const lines = [text(chart.title, width), ...(chart.subtitle === undefined ? [] : [text(chart.subtitle, width)])];
  lines.push(text(chart.y.label, width), ...rowsOf(grid, chart, yTexts, gutter, signs));
  lines.push(...footOf(grid, chart, gutter, signs, text, width), ...legendOf(chart, signs, text, width));
  return lines.map((line) => line.trimEnd());
}

/** Rows of a chart, where the axis has no better number. */
const USUAL_ROWS = 14;

/** Rows near the usual number that put the marks of a linear axis, where they divide it evenly, at equal distances. */
function evenRows({ y: { scale, from, to, ticks } }: CleanChart): number {
  const parts = ticks.length - 1;
  const isEven = scale === "linear" && parts > 0 && ticks[0].value === from && ticks[parts].value === to;
  return isEven ? Math.max(1, Math.round((USUAL_ROWS - 1) / parts)) * parts + 1 : USUAL_ROWS;
}

/** Letters that ASCII has, for a terminal that shows no others. */
function ascii(text: string): string {
  const powers = text.replace(
    /[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+/g,
    (run) => `^${[...run].map((sign) => (sign === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign))).join("")}`,
  );
  return powers
    .replaceAll("−", "-")
    .replaceAll("×", "x")
    .replace(/[^\x20-\x7e]/gu, "?");
}

/** Dots to a column and a row of text. */
const ACROSS = 2;
const DOWN = 4;
/** The bit of each dot in a Braille sign, by column and row (Unicode 15, block 2800). */
const braille = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Columns and rows of signs; lines are drawn in finer dots, and whole signs stand above them. */
class Grid {
  readonly columns: number;
  readonly rows: number;
  readonly #isUnicode: boolean;
  readonly #dots: Uint8Array;
  readonly #signs: string[];

  constructor(columns: number, rows: number, isUnicode: boolean) {
    this.columns = columns;
    this.rows = rows;
    this.#isUnicode = isUnicode;
    this.#dots = new Uint8Array(columns * rows);
    this.#signs = new Array<string>(columns * rows).fill(" ");
  }

  /** @param across, up from 0 to 1, from the left and from below; the ends upright are in the middle of a row */
  dotAt(across: number, up: number): readonly [x: number, y: number] {
    const [width, height] = [this.columns * ACROSS - 1, (this.rows - 1) * DOWN];
    return [Math.round(across * width), Math.round((1 - up) * height + DOWN / 2)];
  }

  dot(x: number, y: number): void {
    const [column, row] = [Math.floor(x / ACROSS), Math.floor(y / DOWN)];
    this.#dots[row * this.columns + column] |= braille[x % ACROSS][y % DOWN];
  }

  /** Every dot between two, ends included. */
  stroke([x0, y0]: readonly [number, number], [x1, y1]: readonly [number, number]): void {
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let at = 0; at <= steps; at++)
      this.dot(Math.round(x0 + ((x1 - x0) * at) / steps), Math.round(y0 + ((y1 - y0) * at) / steps));
  }

  sign(column: number, row: number, sign: string): void {
    this.#signs[row * this.columns + column] = sign;
  }

  /** The sign in a cell; undefined outside. */
  signAt(column: number, row: number): string | undefined {
    return column < 0 || column >= this.columns ? undefined : this.#signs[row * this.columns + column];
  }

  row(row: number): string {
    let line = "";
    for (let at = row * this.columns; at < (row + 1) * this.columns; at++) {
      const dots = this.#dots[at];
      const isDrawn = dots !== 0 && (this.#signs[at] === " " || "┄┆-:".includes(this.#signs[at]));
      line += isDrawn ? (this.#isUnicode ? String.fromCharCode(0x2800 + dots) : ".") : this.#signs[at];
    }
    return line;
  }
}

const pointOf = (grid: Grid, { x, y }: CleanChart, across: number, up: number) =>
  grid.dotAt(placeOf(x, across), placeOf(y, up));

function cellOf(grid: Grid, chart: CleanChart, across: number, up: number): readonly [column: number, row: number] {
  const [x, y] = pointOf(grid, chart, across, up);
  return [Math.floor(x / ACROSS), Math.floor(y / DOWN)];
}

function drawRule(grid: Grid, chart: CleanChart, { at, value }: CleanChart["lines"][number], signs: Signs): void {
  const [column, row] = cellOf(grid, chart, at === "x" ? value : chart.x.from, at === "y" ? value : chart.y.from);
  if (at === "y") for (let each = 0; each < grid.columns; each++) grid.sign(each, row, signs.level);
  else for (let each = 0; each < grid.rows; each++) grid.sign(column, each, signs.upright);
}

function drawLine(grid: Grid, chart: CleanChart, { x, y, dashed }: CleanSeries): void {
  let before = pointOf(grid, chart, x[0], y[0]);
  grid.dot(...before);
  for (let at = 1; at < x.length; at++) {
    const here = pointOf(grid, chart, x[at], y[at]);
    if (!dashed) grid.stroke(before, here);
    before = here;
  }
}

/** Columns between two marks on a line of many points. */
const MARK_STEP = 12;

/** A single line of many points needs no marks to be told from others. */
const hasMarks = (chart: CleanChart, { marks, dashed }: CleanSeries) => marks || dashed || chart.series.length > 1;

/**
 * A mark at every point of a short series; on a long one a mark now and then. Where one of an earlier series stands already it
 * goes beside that, so that none is hidden.
 */
function drawMarks(grid: Grid, chart: CleanChart, one: CleanSeries, all: string, series: number): void {
  if (!hasMarks(chart, one)) return;
  const { x, y, marks } = one;
  let next = marks ? 0 : (series * MARK_STEP) / chart.series.length;
  for (let at = 0; at < x.length; at++) {
    const [column, row] = cellOf(grid, chart, x[at], y[at]);
    if (!marks && column < next && at < x.length - 1) continue;
    const isFree = (each: number) => {
      const there = grid.signAt(each, row);
      return there !== undefined && (there === all[series] || !all.includes(there));
    };
    grid.sign([column, column + 1, column - 1].find(isFree) ?? column, row, all[series]);
    next = column + MARK_STEP;
  }
}

function rowsOf(
  grid: Grid,
  chart: CleanChart,
  texts: readonly string[],
  gutter: number,
  { tick, upright }: Signs,
): string[] {
  const labels = new Map<number, string>();
  for (const [at, { value }] of chart.y.ticks.entries()) {
    const [, row] = cellOf(grid, chart, chart.x.from, value);
    if (!labels.has(row)) labels.set(row, texts[at]);
  }
  const side = upright === ":" ? "|" : "│";
  return Array.from({ length: grid.rows }, (_, row) => {
    const label = labels.get(row);
    return `${" ".repeat(gutter - displayWidth(label ?? "") - 1)}${label ?? ""} ${label === undefined ? side : tick}${grid.row(row)}`;
  });
}

type Fit = (words: string, room: number) => string;

/** The axis below, its marks with their texts, and what it means. */
function footOf(grid: Grid, chart: CleanChart, gutter: number, signs: Signs, text: Fit, width: number): string[] {
  const axis = new Array<string>(grid.columns).fill(signs.base);
  const words = new Array<string>(width).fill(" ");
  let free = 0;
  for (const { value, text: label } of chart.x.ticks as readonly Tick[]) {
    const [column] = cellOf(grid, chart, value, chart.y.from);
    axis[column] = signs.baseTick;
    const plain = text(label, 20);
    const start = Math.min(width - plain.length, Math.max(0, gutter + 1 + column - (plain.length >> 1)));
    if (start < free) continue;
    for (const [at, letter] of [...plain].entries()) words[start + at] = letter;
    free = start + plain.length + 1;
  }
  const label = text(chart.x.label, grid.columns);
  const indent = gutter + 1 + Math.max(0, (grid.columns - displayWidth(label)) >> 1);
  return [`${" ".repeat(gutter)}${signs.corner}${axis.join("")}`, words.join(""), `${" ".repeat(indent)}${label}`];
}

/** What each mark stands for, as many to a line as fit. */
function legendOf(chart: CleanChart, signs: Signs, text: Fit, width: number): string[] {
  const isAlone = chart.series.length === 1 && chart.lines.length === 0;
  if (isAlone) return [];
  const entries = [
    ...chart.series.map((series, at) => {
      const sign = hasMarks(chart, series) ? signs.marks[at] : signs.line;
      return `${sign} ${text(series.name, width - 5)}`;
    }),
    ...chart.lines.map(
      ({ label, at }) => `${at === "y" ? signs.level + signs.level : signs.upright} ${text(label, width - 5)}`,
    ),
  ];
  const lines: string[] = [];
  for (const entry of entries) {
    const last = lines.at(-1);
    const longer = `${last}   ${entry}`;
    if (last !== undefined && displayWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(`  ${entry}`);
  }
  return lines;
}
