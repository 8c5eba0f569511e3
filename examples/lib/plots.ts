/** Pictures for docs/seeds, drawn when an example runs with `--plots`; without, nothing is written. */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RankSweep } from "@lowrank/core";
import { heatMap, lineChart } from "lowrank";
import { PLOTS } from "./arguments.ts";

const folder = fileURLToPath(new URL("../../../docs/seeds/", import.meta.url));

async function plot(name: string, svg: string): Promise<void> {
  if (!process.argv.includes(PLOTS)) return;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}${name}.svg`, svg);
}

/** A loss after each pass, on a logarithmic axis. */
export function plotLosses(
  name: string,
  title: string,
  [passName, lossName]: readonly [string, string],
  curves: readonly { name: string; values: readonly number[] }[],
): Promise<void> {
  const series = curves.map(({ name, values }) => ({ name, x: values.map((_, i) => i + 1), y: values }));
  return plot(name, lineChart({ title, x: { label: passName }, y: { label: lossName, scale: "log" }, series }));
}

/** Loss by rank, with the least that is possible. */
export function plotRanks(name: string, title: string, { rows }: RankSweep): Promise<void> {
  const x = rows.map(({ rank }) => rank);
  const y = { label: "‖W·H − A‖" };
  const series = [
    { name: "trained", x, y: rows.map(({ loss }) => loss ?? Number.NaN) },
    { name: "SVD bound", x, y: rows.map(({ svdOptimum }) => svdOptimum?.optimum ?? Number.NaN), dashed: true },
  ];
  return plot(name, lineChart({ title, x: { label: "rank", ticks: x }, y, series }));
}

export function plotMatrices(
  name: string,
  title: string,
  panels: readonly { title: string; matrix: readonly ArrayLike<number>[] }[],
): Promise<void> {
  return plot(name, heatMap({ title, panels }));
}
