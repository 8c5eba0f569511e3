/** Prints small matrices and tables in columns, for people to read. */
import { type Model, type Ratings, scorerOf } from "@lowrank/core";

/** Rows of cells, numbers with so many decimals, right-aligned under their headers. */
export function table(headers: readonly string[], rows: readonly (readonly (string | number)[])[], decimals = 4): void {
  const text = rows.map((row) => row.map((cell) => (typeof cell === "number" ? figure(cell, decimals) : cell)));
  const widths = headers.map((header, i) => Math.max(header.length, ...text.map((row) => (row[i] ?? "").length)));
  for (const row of [headers, ...text]) console.log(row.map((cell, i) => cell.padStart(widths[i])).join("  "));
  console.log();
}

/** A matrix under a title; a cell that is NaN is missing, shown as a dot. */
export function matrix(title: string, rows: readonly ArrayLike<number>[], decimals = 2): void {
  console.log(title);
  const text = rows.map((row) => Array.from(row, (cell) => (Number.isNaN(cell) ? "·" : figure(cell, decimals))));
  const width = Math.max(...text.flat().map((cell) => cell.length));
  for (const row of text) console.log(`  ${row.map((cell) => cell.padStart(width)).join("  ")}`);
  console.log();
}

/** The first rows of what a model predicts for every user and item. */
export function predictions(model: Model, rows: number): Float32Array[] {
  const scorer = scorerOf(model);
  return Array.from({ length: Math.min(rows, model.users.size) }, (_, user) => {
    const scores = new Float32Array(model.items.size);
    scorer.scoreItems(user, scores);
    return scores;
  });
}

/** The first rows of ratings as a dense matrix, NaN where there is none. */
export function dense({ byUser }: Ratings, rows: number): Float32Array[] {
  return Array.from({ length: Math.min(rows, byUser.rows) }, (_, user) => {
    const row = new Float32Array(byUser.columns).fill(Number.NaN);
    for (let at = byUser.start[user]; at < byUser.start[user + 1]; at++) row[byUser.index[at]] = byUser.value.at(at);
    return row;
  });
}

function figure(value: number, decimals: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? String(value) : value.toFixed(decimals);
}
