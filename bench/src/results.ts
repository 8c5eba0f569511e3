/** Result files of bench/results: what was measured, on what, as JSON, and the same as a Markdown table. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { version } from "@lowrank/core";
import { markdown } from "./page.ts";
import { tables } from "./tables.ts";

export interface Column {
  readonly key: string;
  readonly title: string;
}

/** One figure of ours beside a rival's; pages say from these where a rival is ahead. */
export interface Comparison {
  /** On what: data, rank, threads */
  readonly what: string;
  readonly rival: string;
  /** `time per step`, `held-out RMSE` */
  readonly measure: string;
  readonly ours: number;
  readonly theirs: number;
  readonly better: "lower" | "higher";
}

/** How a table is asked for. */
export interface Context {
  /** To see that it works: one round without warm-up, less data where there is a choice; nothing is written */
  readonly quick: boolean;
}

export type Run = (context: Context) => Promise<Table>;

/** What a table's `run` hands back. */
export interface Table {
  /** Name of the files */
  readonly name: string;
  readonly title: string;
  /** What a reader must know to read the figures, one sentence a line */
  readonly notes: readonly string[];
  /** Of the rivals and what they run on */
  readonly versions: Readonly<Record<string, string>>;
  readonly columns: readonly Column[];
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly comparisons: readonly Comparison[];
  /** Rivals that could not take part, and why */
  readonly missing?: readonly { readonly rival: string; readonly why: string }[];
  /** Of a table without times, which a busy machine cannot spoil */
  readonly untimed?: true;
  /** Everything measured, for those who want more than the table */
  readonly details: unknown;
}

/** What NAME.json holds. */
export interface Result extends Table {
  readonly measured: {
    /** Day, UTC */
    readonly on: string;
    /** Cores that were at work for others in the seconds before the table was begun */
    readonly coresBusy: number;
    /** Mean number of runnable processes in the table's last minute, our own included */
    readonly loadAtEnd: number;
  };
  readonly machine: Readonly<Record<string, string | number>>;
}

export const resultsFolder = fileURLToPath(new URL("../results/", import.meta.url));

/** Runs a table and says on what. */
export async function measure(run: Run, context: Context): Promise<Result> {
  const coresBusy = await busyCores();
  const table = await run(context);
  return {
    ...table,
    measured: { on: new Date().toISOString().slice(0, 10), coresBusy, loadAtEnd: Number(loadavg()[0].toFixed(1)) },
    machine: {
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${platform()} ${arch()}`,
      node: process.version,
      lowrank: version,
    },
  };
}

/** NAME.json and NAME.md. */
export async function writeResult(result: Result): Promise<void> {
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(`${resultsFolder}${result.name}.json`, `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(`${resultsFolder}${result.name}.md`, `# ${markdown(result)}`);
}

/** Of all tables that have been measured, in the order of the page. */
export async function readResults(): Promise<Result[]> {
  const files = Object.keys(tables).map((name) => `${resultsFolder}${name}.json`);
  return Promise.all(files.filter(existsSync).map(async (file) => JSON.parse(await readFile(file, "utf8")) as Result));
}

const LOOK_MS = 3000;

/** A mean over some seconds: the load of the last minute would tell of what has ended. */
async function busyCores(): Promise<number> {
  const worked = () => cpus().reduce((sum, { times: { idle, ...others } }) => sum + total(Object.values(others)), 0);
  const [before, started] = [worked(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  return Number(((worked() - before) / (performance.now() - started)).toFixed(1));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
