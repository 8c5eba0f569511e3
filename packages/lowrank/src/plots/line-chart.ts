/** A chart of lines as SVG text: loss curves, rank sweeps beside their bound. Not here: ranges and marks (scale.ts). */
import { OptionError } from "@lowrank/core";
import { knownOptions } from "@lowrank/core/support";
import { type CleanChart, type CleanSeries, cleanChart, cleanSize, type LineChart } from "./chart.ts";
import { numberText, placeOf } from "./scale.ts";
import { fitted, picture, px, stacked, text, textWidth } from "./svg.ts";

export interface LineChartOptions extends LineChart {
  /** Pixels, 320 to 2000; default 720 */
  readonly width?: number | undefined;
  /** Pixels, 200 to 2000; default 400 */
  readonly height?: number | undefined;
}

const who = "lineChart";
const WIDTH = 720;
const HEIGHT = 400;
const LABEL = 12;
const TICK = 11.5;
/** Bold letters are so much wider. */
const BOLD = 1.15;
/** Marks stay so far from the ends of the axis. */
const INSET = 10;
/** Room between two labels, from baseline to baseline. */
const LABEL_STEP = 16;
/** Names beside the lines take at most this share of the width. */
const LABEL_SHARE = 0.3;

/** The area that lines are drawn in, in pixels. */
interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Where the label of y stands, above the names of upright lines */
  readonly head: number;
  /** Room on both sides of the lines */
  readonly inset: number;
}

/**
 * Draws lines. The same chart gives the same text on every machine.
 *
 * @returns a whole SVG document: static, with nothing to fetch, readable on light and dark pages
 * @throws OptionError; DataError for points that cannot be drawn, with their place
 */
export function lineChart(options: LineChartOptions): string {
  knownOptions(who, options, ["title", "subtitle", "description", "x", "y", "series", "lines", "width", "height"]);
  const width = cleanSize(who, "width", options.width, [320, 2000], WIDTH);
  const height = cleanSize(who, "height", options.height, [200, 2000], HEIGHT);
  const chart = cleanChart(who, options, { x: Math.round(width / 100), y: Math.round((height - 110) / 50) });
  const area = areaOf(chart, width, height);
  const title = fitted(chart.title, 16 * BOLD, width - 40);
  const description = chart.description ?? described(chart);
  return picture({ width, height, title: chart.title, description }, [
    text(20, 30, title, { size: 16, bold: true }),
    ...(chart.subtitle === undefined
      ? []
      : [text(20, 49, fitted(chart.subtitle, LABEL, width - 40), { size: LABEL, tone: "second" })]),
    ...axes(chart, area),
    ...chart.lines.map((line) => ruleOf(chart, area, line)),
    // The first one lies on top.
    ...chart.series
      .map((series, at) => seriesOf(chart, area, series, at))
      .reverse()
      .flat(),
    ...labels(chart, area, width),
  ]);
}

/**
 * Several charts below one another, as one SVG document: figures of different units have no common axis.
 *
 * @throws what lineChart throws
 */
export function stackedCharts(charts: readonly LineChartOptions[]): string {
  if (!Array.isArray(charts) || charts.length === 0)
    throw new OptionError("stackedCharts", "charts", charts, "a list of charts");
  const pictures = charts.map((chart) => ({
    width: chart.width ?? WIDTH,
    height: chart.height ?? HEIGHT,
    text: lineChart(chart),
  }));
  return pictures.length === 1 ? pictures[0].text : stacked(pictures);
}

function areaOf(chart: CleanChart, width: number, height: number): Area {
  const ticks = Math.max(...chart.y.ticks.map((tick) => textWidth(tick.text, TICK)));
  const names = [
    ...chart.series.map(({ name }) => name),
    ...chart.lines.filter(({ at }) => at === "y").map(({ label }) => label),
  ];
  const head = chart.subtitle === undefined ? 52 : 70;
  const widest = Math.max(...names.map((name) => textWidth(name, LABEL)));
  return {
    left: 20 + ticks + 10,
    right: width - Math.min(widest + 42, LABEL_SHARE * width),
    head,
    top: head + (chart.lines.some(({ at }) => at === "x") ? 28 : 16),
    bottom: height - 50,
    inset: chart.series.some(({ marks }) => marks) ? INSET : 0,
  };
}

const acrossOf = ({ x }: CleanChart, { left, right, inset }: Area, value: number) =>
  left + inset + placeOf(x, value) * (right - left - 2 * inset);
const upOf = ({ y }: CleanChart, { top, bottom }: Area, value: number) => bottom - placeOf(y, value) * (bottom - top);

/** Level lines at the marks of y, short strokes at those of x, and what both mean. */
function axes(chart: CleanChart, area: Area): string[] {
  const { left, right, head, bottom } = area;
  const parts = [text(20, head, fitted(chart.y.label, LABEL, right - 20), { size: LABEL, tone: "second" })];
  for (const { value, text: words } of chart.y.ticks) {
    const y = upOf(chart, area, value);
    parts.push(`<path class="lr-grid" d="M${px(left)} ${px(y)}H${px(right)}"/>`);
    parts.push(text(left - 8, y + 4, words, { size: TICK, tone: "quiet", anchor: "end" }));
  }
  parts.push(`<path class="lr-axis" d="M${px(left)} ${px(bottom)}H${px(right)}"/>`);
  let free = Number.NEGATIVE_INFINITY;
  for (const { value, text: words } of chart.x.ticks) {
    const x = acrossOf(chart, area, value);
    parts.push(`<path class="lr-axis" d="M${px(x)} ${px(bottom)}v5"/>`);
    const half = textWidth(words, TICK) / 2;
    if (x - half < free) continue; // it would stand on the one before
    parts.push(text(x, bottom + 19, words, { size: TICK, tone: "quiet", anchor: "middle" }));
    free = x + half + 6;
  }
  parts.push(
    text((left + right) / 2, bottom + 39, fitted(chart.x.label, LABEL, right - left), {
      size: LABEL,
      tone: "second",
      anchor: "middle",
    }),
  );
  return parts;
}

function ruleOf(chart: CleanChart, area: Area, { at, value, label }: CleanChart["lines"][number]): string {
  const { left, right, top, bottom } = area;
  if (at === "y")
    return `<path class="lr-rule" stroke-dasharray="5 4" d="M${px(left)} ${px(upOf(chart, area, value))}H${px(right)}"/>`;
  const x = acrossOf(chart, area, value);
  const isRight = x > (left + right) / 2;
  const words = fitted(label, TICK, (isRight ? x - left : right - x) - 8);
  return (
    `<path class="lr-rule" stroke-dasharray="5 4" d="M${px(x)} ${px(top)}V${px(bottom)}"/>` +
    text(isRight ? x - 6 : x + 6, top - 4, words, { size: TICK, tone: "second", anchor: isRight ? "end" : "start" })
  );
}

function seriesOf(chart: CleanChart, area: Area, series: CleanSeries, at: number): string[] {
  const points = thinned(chart, area, series);
  const line = points.map(([x, y], n) => `${n === 0 ? "M" : "L"}${px(x)} ${px(y)}`).join("");
  const dash = series.dashed ? ' stroke-dasharray="6 4"' : "";
  const drawn =
    points.length < 2
      ? []
      : [
          `<path class="lr-line${at}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"${dash} d="${line}"/>`,
        ];
  const isLone = points.length === 1;
  return [...drawn, ...(series.marks || isLone ? points.map(([x, y]) => mark(at, x, y)) : [])];
}

/** Marks differ in shape as well as in colour. */
function mark(series: number, x: number, y: number): string {
  const shape = `class="lr-shape lr-mark${series}"`;
  const polygon = (...corners: readonly (readonly [number, number])[]) =>
    `<polygon ${shape} points="${corners.map(([dx, dy]) => `${px(x + dx)},${px(y + dy)}`).join(" ")}"/>`;
  switch (series) {
    case 0:
      return `<circle ${shape} cx="${px(x)}" cy="${px(y)}" r="4.5"/>`;
    case 1:
      return polygon([-4, -4], [4, -4], [4, 4], [-4, 4]);
    case 2:
      return polygon([0, -5.5], [5, 4], [-5, 4]);
    case 3:
      return polygon([0, -5.5], [5.5, 0], [0, 5.5], [-5.5, 0]);
    case 4:
      return polygon([-5, -4], [5, -4], [0, 5.5]);
    default:
      return polygon([-5, 0], [-2.5, -4.5], [2.5, -4.5], [5, 0], [2.5, 4.5], [-2.5, 4.5]);
  }
}

/** Of many points in one column of pixels the first, lowest, highest and last: the picture is the same, the text short. */
function thinned(chart: CleanChart, area: Area, { x, y }: CleanSeries): (readonly [number, number])[] {
  const points: (readonly [number, number])[] = [];
  let bucket: (readonly [number, number])[] = [];
  const flush = () => {
    if (bucket.length <= 4) points.push(...bucket);
    else {
      let [low, high] = [0, 0];
      for (let at = 1; at < bucket.length; at++) {
        if (bucket[at][1] > bucket[low][1]) low = at;
        if (bucket[at][1] < bucket[high][1]) high = at;
      }
      const kept = [...new Set([0, low, high, bucket.length - 1])].sort((a, b) => a - b);
      points.push(...kept.map((at) => bucket[at]));
    }
    bucket = [];
  };
  for (let at = 0; at < x.length; at++) {
    const point = [acrossOf(chart, area, x[at]), upOf(chart, area, y[at])] as const;
    if (bucket.length > 0 && Math.floor(bucket[0][0]) !== Math.floor(point[0])) flush();
    bucket.push(point);
  }
  flush();
  return points;
}

interface Label {
  readonly words: string;
  /** Where the line ends; undefined for a straight line through the chart */
  readonly end: { readonly x: number; readonly y: number };
  readonly series: number | undefined;
  readonly dashed: boolean;
}

/** The name of each line at its end, in ink, beside a stroke in its colour; moved apart where they would overlap. */
function labels(chart: CleanChart, area: Area, width: number): string[] {
  const all: Label[] = [
    ...chart.series.map(({ name, x, y, dashed }, series) => {
      const last = x.length - 1;
      return { words: name, end: { x: acrossOf(chart, area, x[last]), y: upOf(chart, area, y[last]) }, series, dashed };
    }),
    ...chart.lines
      .filter(({ at }) => at === "y")
      .map(({ label, value }) => ({
        words: label,
        end: { x: area.right, y: upOf(chart, area, value) },
        series: undefined,
        dashed: true,
      })),
  ];
  const places = spread(
    all.map(({ end }) => end.y),
    area,
  );
  return all.flatMap(({ words, end, series, dashed }, at) => {
    const y = places[at];
    const style = series === undefined ? "lr-rule" : `lr-line${series}`;
    const parts: string[] = [];
    // A line that ends early, or a label that had to move, is led to its name.
    if (area.right - end.x > 12 || Math.abs(y - end.y) > 6)
      parts.push(
        `<path class="lr-axis" stroke-dasharray="1 3" d="M${px(end.x + 6)} ${px(end.y)}L${px(area.right + 6)} ${px(y)}"/>`,
      );
    const dash = dashed ? ' stroke-dasharray="4 3"' : "";
    parts.push(`<path class="${style}" stroke-width="2"${dash} d="M${px(area.right + 8)} ${px(y)}h14"/>`);
    const shown = fitted(words, LABEL, width - area.right - 36);
    parts.push(text(area.right + 27, y + 4, shown, { size: LABEL, tone: series === undefined ? "second" : "ink" }));
    return parts;
  });
}

/** Heights as near to the wished ones as they can be with LABEL_STEP between any two, within the area. */
function spread(wishes: readonly number[], { top, bottom }: Area): number[] {
  const order = wishes.map((_, at) => at).sort((a, b) => wishes[a] - wishes[b] || a - b);
  const places = wishes.map((wish) => wish);
  let free = Number.NEGATIVE_INFINITY;
  for (const at of order) {
    places[at] = Math.max(wishes[at], free);
    free = places[at] + LABEL_STEP;
  }
  // Too low as a group: back up from the bottom.
  let limit = bottom;
  for (const at of [...order].reverse()) {
    places[at] = Math.max(top, Math.min(places[at], limit));
    limit = places[at] - LABEL_STEP;
  }
  return places;
}

function described({ x, y, series, lines }: CleanChart): string {
  const tracks = series.map(({ name, x: xs, y: ys }) => {
    const last = xs.length - 1;
    return `${name}: ${numberText(ys[0])} at ${numberText(xs[0])}, ${numberText(ys[last])} at ${numberText(xs[last])}`;
  });
  const rules = lines.map(({ label, at, value }) => `${label}: ${at} = ${numberText(value)}`);
  return `${y.label} over ${x.label}. ${[...tracks, ...rules].join(". ")}.`;
}
