/**
 * Small matrices as SVG text, side by side in one scale of colours: A beside W·H. What is missing is hatched; a cell that is
 * missing in another matrix of the picture is outlined, so one sees what was filled in.
 */
import { DataError, OptionError } from "@lowrank/core";
import { finiteNumber, knownOptions, show, wholeNumber } from "@lowrank/core/support";
import { numberText } from "./scale.ts";
import { escaped, fitted, picture, px, text, textWidth } from "./svg.ts";

export interface HeatMapPanel {
  readonly title: string;
  /** Rows of numbers, all of one length; NaN is missing */
  readonly matrix: readonly ArrayLike<number>[];
}

export interface HeatMapOptions {
  readonly title: string;
  readonly subtitle?: string | undefined;
  /** For those who cannot see the picture; default: sizes and ranges */
  readonly description?: string | undefined;
  /** 1 to 4, each with at most 64 rows and 64 columns */
  readonly panels: readonly HeatMapPanel[];
  /** The values of the palest and the darkest cell; default: smallest and largest of all panels */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Of the numbers in the cells, which are shown in up to 12 columns; default: for each panel as many as it needs, at most 2 */
  readonly decimals?: number | undefined;
}

const who = "heatMap";
const MAX_SIDE = 64;
const MAX_PANELS = 4;
/** Numbers fit into the cells of matrices up to this many columns. */
const MAX_NUMBERED = 12;
const GAP = 2;
const MARGIN = 20;
const BETWEEN = 36;

/** One hue from pale to dark, so that order is seen without colour vision. */
const ramp = ["#e3effc", "#b7d3f6", "#86b6ef", "#5598e7", "#2a78d6", "#1c5cab", "#104281", "#0d2f5c"];

interface CleanMap {
  readonly title: string;
  readonly subtitle: string | undefined;
  readonly description: string | undefined;
  readonly panels: readonly HeatMapPanel[];
  readonly from: number;
  readonly to: number;
  readonly decimals: number | undefined;
}

/**
 * Draws matrices. The same matrices give the same text on every machine.
 *
 * @returns a whole SVG document: static, with nothing to fetch, readable on light and dark pages
 * @throws OptionError; DataError for cells that are no numbers, with their place
 */
export function heatMap(options: HeatMapOptions): string {
  const map = cleanMap(options);
  const columns = Math.max(...map.panels.map(({ matrix }) => matrix[0].length));
  const size = columns <= MAX_NUMBERED ? Math.max(30, widestNumber(map) + 10) : Math.max(8, Math.floor(420 / columns));
  const top = map.subtitle === undefined ? 76 : 94;
  const places = map.panels.map(
    (_, at) => MARGIN + sum(map.panels.slice(0, at).map((panel) => panelWidth(panel, size) + BETWEEN)),
  );
  const rows = Math.max(...map.panels.map(({ matrix }) => matrix.length));
  const bottom = top + rows * size;
  const legend = legendOf(map, bottom + 34, size);
  const contents = sum(map.panels.map((panel) => panelWidth(panel, size))) + BETWEEN * (map.panels.length - 1);
  const width = Math.ceil(
    Math.max(contents, legend.width, Math.min(600, textWidth(map.title, 16) * 1.15)) + 2 * MARGIN,
  );
  const height = Math.ceil(bottom + 62);
  const room = width - 2 * MARGIN;
  const description = map.description ?? described(map);
  return picture({ width, height, title: map.title, description }, [
    '<defs><pattern id="lr-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
      '<rect class="lr-missing" width="6" height="6"/><path class="lr-hatch" stroke-width="2" d="M0 0V6"/></pattern></defs>',
    text(MARGIN, 30, fitted(map.title, 16 * 1.15, room), { size: 16, bold: true }),
    ...(map.subtitle === undefined
      ? []
      : [text(MARGIN, 49, fitted(map.subtitle, 12, room), { size: 12, tone: "second" })]),
    ...map.panels.flatMap((panel, at) => [
      text(places[at], top - 12, fitted(panel.title, 12, panelWidth(panel, size) + BETWEEN - 6), {
        size: 12,
        tone: "second",
      }),
      ...cellsOf(map, panel, places[at], top, size),
    ]),
    ...legend.parts,
  ]);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const panelWidth = ({ matrix }: HeatMapPanel, size: number) => matrix[0].length * size;

function cleanMap(options: HeatMapOptions): CleanMap {
  knownOptions(who, options, ["title", "subtitle", "description", "panels", "from", "to", "decimals"]);
  const { title, subtitle, description, panels } = options;
  for (const [name, words] of Object.entries({ title, subtitle, description }))
    if (typeof words !== "string" && (name === "title" || words !== undefined))
      throw new OptionError(who, name, words, "text");
  if (!Array.isArray(panels) || panels.length < 1 || panels.length > MAX_PANELS)
    throw new OptionError(who, "panels", panels?.length, `a list of 1 to ${MAX_PANELS}`);
  for (const panel of panels) checkPanel(panel);
  const values = panels.flatMap(cellsIn);
  if (values.length === 0) throw new DataError(`${who}: every cell is missing; give at least one number`);
  const from = finiteNumber(who, "from", options.from ?? Math.min(...values));
  const to = finiteNumber(who, "to", options.to ?? Math.max(...values), from);
  const decimals = options.decimals === undefined ? undefined : wholeNumber(who, "decimals", options.decimals, 0, 6);
  return { title, subtitle, description, panels, from, to, decimals };
}

function checkPanel(panel: HeatMapPanel): void {
  knownOptions(`${who}, panels`, panel, ["title", "matrix"]);
  const { title, matrix } = panel;
  if (typeof title !== "string") throw new OptionError(who, "title of a panel", title, "text");
  const columns = matrix?.[0]?.length;
  if (!(columns >= 1 && columns <= MAX_SIDE && matrix.length <= MAX_SIDE))
    throw new DataError(
      `${who}: the matrix of panel ${show(title)} is ${matrix?.length} × ${columns}; give 1 to ${MAX_SIDE} rows and columns, for example a part of it`,
      { panel: title, rows: matrix?.length, columns },
    );
  for (const [row, cells] of matrix.entries()) {
    if (cells.length !== columns)
      throw new DataError(
        `${who}: row ${row} of panel ${show(title)} has ${cells.length} cells, row 0 has ${columns}`,
        { panel: title, row },
      );
    for (let column = 0; column < columns; column++) {
      const value: unknown = cells[column];
      if (typeof value !== "number" || Math.abs(value) === Number.POSITIVE_INFINITY)
        throw new DataError(
          `${who}: [${row}, ${column}] of panel ${show(title)} is ${show(value)}; give a finite number, or NaN for what is missing`,
          { panel: title, row, column, got: value },
        );
    }
  }
}

function decimalsOf(value: number): number {
  const [, digits = ""] = String(Number(value.toFixed(6))).split(".");
  return digits.length;
}

const NUMBER = 12;

const cellsIn = ({ matrix }: HeatMapPanel) =>
  matrix.flatMap((row) => Array.from(row)).filter((value) => !Number.isNaN(value));

/** How the numbers of a panel are written: all with the same decimals. */
function writerOf(map: CleanMap, panel: HeatMapPanel): (value: number) => string {
  const needed = cellsIn(panel).reduce((most, value) => Math.max(most, decimalsOf(value)), 0);
  const decimals = map.decimals ?? Math.min(2, needed);
  return (value) => {
    const words = value.toFixed(decimals);
    return Number(words) === 0 ? words.replace("-", "") : words.replace("-", "−");
  };
}

function widestNumber(map: CleanMap): number {
  const widths = map.panels.flatMap((panel) => {
    const write = writerOf(map, panel);
    return cellsIn(panel).map((value) => textWidth(write(value), NUMBER));
  });
  return Math.max(0, ...widths);
}

/** Cells smaller than this have neither numbers nor outlines. */
const SMALL = 16;

function cellsOf(map: CleanMap, panel: HeatMapPanel, left: number, top: number, size: number): string[] {
  const { matrix, title } = panel;
  const write = matrix[0].length <= MAX_NUMBERED ? writerOf(map, panel) : undefined;
  const side = size - GAP;
  const parts: string[] = [];
  for (const [row, cells] of matrix.entries()) {
    for (let column = 0; column < cells.length; column++) {
      const [x, y] = [left + column * size, top + row * size];
      const value = cells[column];
      const share = map.to > map.from ? (value - map.from) / (map.to - map.from) : 0.5;
      const fill = Number.isNaN(value) ? "url(#lr-hatch)" : colourAt(share);
      const words = `${title} [${row}, ${column}]: ${Number.isNaN(value) ? "missing" : numberText(value)}`;
      parts.push(`${rect(x, y, side, size >= SMALL ? 3 : 1)} fill="${fill}"><title>${escaped(words)}</title></rect>`);
      if (Number.isNaN(value)) continue;
      const ink = share > 0.5 ? "#ffffff" : "#0b0b0b";
      if (write !== undefined) {
        const middle = `x="${px(x + side / 2)}" y="${px(y + side / 2 + 4)}" text-anchor="middle"`;
        parts.push(`<text ${middle} font-size="${NUMBER}" fill="${ink}">${write(value)}</text>`);
      }
      if (size >= SMALL && isFilledIn(map, panel, row, column))
        parts.push(`${rect(x + 1.5, y + 1.5, side - 3, 2)} fill="none" stroke="${ink}" stroke-dasharray="3 2"/>`);
    }
  }
  return parts;
}

const rect = (x: number, y: number, side: number, radius: number) =>
  `<rect x="${px(x)}" y="${px(y)}" width="${px(side)}" height="${px(side)}" rx="${radius}"`;

/** Whether a cell is missing in another panel of the same size. */
function isFilledIn(map: CleanMap, panel: HeatMapPanel, row: number, column: number): boolean {
  return map.panels.some(
    ({ matrix }) =>
      matrix.length === panel.matrix.length &&
      matrix[0].length === panel.matrix[0].length &&
      Number.isNaN(matrix[row][column]),
  );
}

/** A colour of the ramp, for a share from 0 to 1; beyond them its ends. */
function colourAt(share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (ramp.length - 1);
  const below = Math.min(ramp.length - 2, Math.floor(place));
  const part = place - below;
  const channel = (colour: string, at: number) => Number.parseInt(colour.slice(1 + 2 * at, 3 + 2 * at), 16);
  const mixed = [0, 1, 2].map((at) =>
    Math.round(channel(ramp[below], at) * (1 - part) + channel(ramp[below + 1], at) * part),
  );
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** What the colours, the hatching and the outline mean; the latter two only where they occur. */
function legendOf(map: CleanMap, y: number, size: number): { readonly parts: string[]; readonly width: number } {
  const parts: string[] = [];
  let x = MARGIN;
  const word = (words: string) => {
    parts.push(text(x, y + 4, words, { size: 11.5, tone: "second" }));
    x += textWidth(words, 11.5) + 8;
  };
  const sample = (more: string, words: string) => {
    x += 12;
    parts.push(`${rect(x, y - 6, 12, 2)} ${more}/>`);
    x += 18;
    word(words);
  };
  word(rounded(map.from));
  for (const [at, colour] of ramp.entries())
    parts.push(`<rect x="${px(x + 14 * at)}" y="${px(y - 6)}" width="14" height="12" fill="${colour}"/>`);
  x += 14 * ramp.length + 8;
  word(rounded(map.to));
  const hasGap = ({ matrix }: HeatMapPanel) => matrix.some((row) => Array.from(row).some(Number.isNaN));
  const gaps = map.panels.filter(hasGap);
  if (gaps.length > 0) sample('fill="url(#lr-hatch)"', "missing");
  if (size >= SMALL && gaps.length > 0 && map.panels.some((panel) => isAnyFilledIn(map, panel)))
    sample(
      'class="lr-outline" fill="none" stroke-dasharray="3 2"',
      `missing in ${gaps.length === 1 ? gaps[0].title : "another"}`,
    );
  return { parts, width: x - MARGIN };
}

function isAnyFilledIn(map: CleanMap, panel: HeatMapPanel): boolean {
  return panel.matrix.some((cells, row) =>
    Array.from(cells).some((value, column) => !Number.isNaN(value) && isFilledIn(map, panel, row, column)),
  );
}

const rounded = (value: number) => numberText(Number(value.toPrecision(3)));

function described({ panels, from, to }: CleanMap): string {
  const each = panels.map(({ title, matrix }) => {
    const missing = matrix.reduce((count, row) => count + Array.from(row).filter(Number.isNaN).length, 0);
    return `${title}: ${matrix.length} × ${matrix[0].length}${missing === 0 ? "" : `, ${missing} cells missing`}`;
  });
  return `${each.join(". ")}. Values from ${numberText(from)} to ${numberText(to)}.`;
}
