/** Result files: what was measured, on what, as JSON, and the same as a Markdown table; both go to bench/results. */
import { mkdir, writeFile } from "node:fs/promises";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { version } from "@lowrank/core";

export interface Column {
  readonly key: string;
  readonly title: string;
}

export interface Table {
  /** Name of the files */
  readonly name: string;
  readonly title: string;
  /** What a reader must know to read the figures, one sentence a line */
  readonly notes: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly columns: readonly Column[];
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  /** Everything measured, for those who want more than the table */
  readonly details: unknown;
}

const folder = fileURLToPath(new URL("../results/", import.meta.url));

/** Writes NAME.json and NAME.md and returns the Markdown. */
export async function writeResults(table: Table): Promise<string> {
  const machine = {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
    lowrank: version,
    ...table.versions,
  };
  const text = markdown(table, machine);
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}${table.name}.json`, `${JSON.stringify({ ...table, machine }, null, 2)}\n`);
  await writeFile(`${folder}${table.name}.md`, text);
  return text;
}

function markdown({ title, notes, columns, rows }: Table, machine: Readonly<Record<string, string | number>>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
  return [
    `# ${title}`,
    "",
    ...notes,
    "",
    line(columns.map(({ title }) => title)),
    line(columns.map(() => "---")),
    ...rows.map((row) => line(columns.map(({ key }) => String(row[key] ?? "")))),
    "",
    `Measured on: ${facts.join(", ")}.`,
    "",
  ].join("\n");
}

/** Three significant digits with a unit: `3.21 µs`. */
export function time(seconds: number): string {
  const units: readonly [number, string][] = [
    [1, "s"],
    [1e-3, "ms"],
    [1e-6, "µs"],
  ];
  const [scale, unit] = units.find(([least]) => seconds >= least) ?? [1e-9, "ns"];
  return `${(seconds / scale).toPrecision(3)} ${unit}`;
}

export function times(ratio: number): string {
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toPrecision(2)} ×`;
}
