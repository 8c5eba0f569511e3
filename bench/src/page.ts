/** Results as text: a table for each, and docs/benchmarks.md over all of them. Reads and writes nothing. */
import type { Standing } from "./interleave.ts";
import type { Comparison, Result } from "./results.ts";

/** docs/benchmarks.md, from the result files alone. */
export function benchmarksPage(results: readonly Result[]): string {
  return [
    "# Benchmarks",
    "",
    "Made by `npm run bench -- docs` from the files of [bench/results](../bench/results), which hold every figure measured;",
    "`npm run bench -- TABLE` measures a table anew and makes this page again. Ours and the rivals' turns alternate on the same",
    "machine in the same minutes, with the same data, rank and threads; rivals are the newest that install, compiled for the",
    "processor where that is possible. A cell gives the median over the rounds, in brackets the quickest and the slowest, both the",
    "same where there was one round. Read ratios, not seconds: other jobs share this machine, and each table says how busy it was.",
    "",
    ...standings(results.flatMap(({ comparisons }) => comparisons)),
    ...absent(results),
    ...results.flatMap((result) => [`## ${markdown(result)}`]),
  ].join("\n");
}

/** A core for each thread of a contestant is what a figure needs to mean something. */
const BUSY =
  "**The machine was busy with other jobs, which can slow down one side more than the other: measure anew before you rely on these.**";

/** Title (without its `#`), notes, table and what it was measured on. */
export function markdown(result: Result): string {
  const { title, notes, columns, rows, measured, machine, versions, untimed } = result;
  const facts = Object.entries({ ...machine, ...versions }).map(([name, value]) => `${name} ${value}`);
  return [
    title,
    "",
    ...notes,
    "",
    ...table(
      columns.map(({ title }) => title),
      rows.map((row) => columns.map(({ key }) => String(row[key] ?? ""))),
    ),
    "",
    untimed
      ? `Found on ${measured.on}: ${facts.join(", ")}.`
      : `Measured on ${measured.on}, ${measured.coresBusy} cores busy before, load ${measured.loadAtEnd} at the end: ${facts.join(", ")}.`,
    ...(!untimed && measured.coresBusy > 0.5 ? [BUSY] : []),
    "",
  ].join("\n");
}

/** How many comparisons we win, and every one that we lose. */
function standings(comparisons: readonly Comparison[]): string[] {
  const behind = comparisons.filter((comparison) => lead(comparison) < 1);
  const lines = [
    "## Where a rival is ahead",
    "",
    behind.length === 0
      ? `In none of the ${comparisons.length} comparisons below.`
      : `In ${behind.length} of the ${comparisons.length} comparisons below:`,
    "",
  ];
  if (behind.length === 0) return lines;
  const rows = behind.map((each) => {
    const { what, rival, measure, ours, theirs } = each;
    return [what, rival, measure, number(ours), number(theirs), times(1 / lead(each))];
  });
  return [...lines, ...table(["on", "rival", "measure", "lowrank", "rival", "rival better by"], rows), ""];
}

function absent(results: readonly Result[]): string[] {
  const missing = results.flatMap((result) => result.missing ?? []);
  if (missing.length === 0) return [];
  return [
    "## Rivals that did not install",
    "",
    ...[...new Set(missing.map(({ rival, why }) => `- ${rival}: ${why}`))],
    "",
  ];
}

/** How many times better ours is. */
export function lead({ ours, theirs, better }: Comparison): number {
  return better === "lower" ? theirs / ours : ours / theirs;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)];
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}

const units: readonly [number, string][] = [
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
  [0, "ns"],
];

/** Three significant digits with a unit: `3.21 µs`. */
export function time(seconds: number): string {
  const [scale, unit] = unitOf(seconds);
  return `${digits(seconds / scale)} ${unit}`;
}

/** The median, with the quickest and the slowest round in the same unit: `3.21 µs (3.10–3.60)`. */
export function timeOf({ secondsEach, least, most }: Standing): string {
  const [scale, unit] = unitOf(secondsEach);
  return `${digits(secondsEach / scale)} ${unit} (${digits(least / scale)}–${digits(most / scale)})`;
}

function unitOf(seconds: number): [number, string] {
  const [least, unit] = units.find(([from]) => seconds >= from) ?? units[units.length - 1];
  return [least === 0 ? 1e-9 : least, unit];
}

function digits(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

export function times(ratio: number): string {
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toPrecision(2)} ×`;
}
