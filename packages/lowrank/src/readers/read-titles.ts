/**
 * Titles of items, for people who read recommendations: a table of ids and titles comes in, a map goes out.
 *
 * Such tables are small, so they are read without DuckDB (but for Parquet): showing ten titles must not take a second.
 */
import { DataError } from "@lowrank/core";
import { knownOptions, oneOf, trueOrFalse } from "@lowrank/core/support";
import { type Encoding, encodings } from "../file-words.ts";
import { titleColumns } from "./columns.ts";
import { layoutOf } from "./dialect.ts";
import { Duck, duckMessage, quotedPath } from "./duck.ts";
import { type ColumnChoice, cleanColumn, cleanSeparator } from "./options.ts";
import { badRowError } from "./problems.ts";
import { openFile, type SourceFile } from "./source.ts";
import { Spool } from "./spool.ts";
import { type Walkable, walk } from "./walk.ts";

export interface TitleOptions {
  readonly format?: (typeof titleFormats)[number] | undefined;
  readonly separator?: string | undefined;
  readonly header?: boolean | undefined;
  /** Column of item ids: its name, or its position from 1. Found by name when left out; the first without a header */
  readonly id?: ColumnChoice | undefined;
  /** Column of titles. Found by name when left out; the second without a header */
  readonly title?: ColumnChoice | undefined;
  /** Default `utf-8`. MovieLens 100K and 1M write `latin-1` */
  readonly encoding?: Encoding | undefined;
  readonly signal?: AbortSignal | undefined;
}

const who = "readTitles";
const titleFormats = ["csv", "tsv", "jsonl", "parquet"] as const;

/**
 * Item ids, as text, with their titles. Of several lines for one id the first counts; lines without id or title are
 * passed over.
 *
 * @throws DataError naming file, line and remedy
 */
export async function readTitles(path: string, options: TitleOptions = {}): Promise<Map<string, string>> {
  knownOptions(who, options, ["format", "separator", "header", "id", "title", "encoding", "signal"]);
  const clean = {
    format: options.format === undefined ? undefined : oneOf(who, "format", options.format, titleFormats),
    separator: options.separator === undefined ? undefined : cleanSeparator(who, options.separator),
    header: options.header === undefined ? undefined : trueOrFalse(who, "header", options.header),
    id: cleanColumn(who, "id", options.id),
    title: cleanColumn(who, "title", options.title),
    encoding: options.encoding === undefined ? undefined : oneOf(who, "encoding", options.encoding, encodings),
    signal: options.signal,
  };
  const spool = new Spool();
  try {
    const file = await openFile(path, path, { encoding: clean.encoding, spool, signal: clean.signal });
    return await titlesOf(file, clean);
  } finally {
    await spool.remove();
  }
}

type Clean = { readonly [option in keyof Required<TitleOptions>]: TitleOptions[option] | undefined };

async function titlesOf(file: SourceFile, options: Clean): Promise<Map<string, string>> {
  const { format, signal } = options;
  if (file.numpy)
    throw new DataError(`${file.name}: is a NumPy file; give titles as text, JSON lines or Parquet`, {
      file: file.name,
    });
  if (file.parquet) return titlesFromParquet(file, options);
  if (format === "parquet")
    throw new DataError(`${file.name}: is not Parquet; leave the format out`, { file: file.name, format });
  const isJson = format === "jsonl" || (format === undefined && file.head.text.trimStart().startsWith("{"));
  const plan = isJson ? planJson(file, options) : planText(file, options);
  const titles = new Map<string, string>();
  for await (const batch of walk(plan, signal)) {
    for (const { line, isHeader, problem, got, values, found } of batch) {
      if (isHeader) continue;
      if (problem !== undefined) {
        const count = { found: found ?? 0, expected: isJson ? 0 : expectedFields(plan), header: false, spaces: false };
        const facts = problem === "fields" ? { count } : {};
        throw badRowError({ file: file.name, line, unit: "line", problem, got, droppable: false, ...facts });
      }
      keep(titles, values.id, values.title);
    }
  }
  return titles;
}

const expectedFields = (plan: Walkable) => (plan.kind === "jsonl" ? 0 : plan.layout.fields);

function keep(titles: Map<string, string>, id: string | undefined, title: string | undefined): void {
  const key = id?.trim() ?? "";
  const text = title?.trim() ?? "";
  if (key !== "" && text !== "" && !titles.has(key)) titles.set(key, text);
}

function planText(file: SourceFile, options: Clean): Walkable {
  const names = [options.id, options.title].filter((choice) => typeof choice === "string");
  const separator = options.format === "tsv" ? "\t" : options.separator;
  const layout = layoutOf(file.name, file.head, { separator, header: options.header, names });
  const columns = titleColumns(file.name, layout.header, layout.fields, options);
  return { kind: "text", file, layout, columns };
}

/** The first object tells the keys. */
function planJson(file: SourceFile, options: Clean): Walkable {
  const [line] = file.head.text.split("\n", 1);
  let first: unknown;
  try {
    first = JSON.parse(line);
  } catch {
    throw badRowError({
      file: file.name,
      line: 1,
      unit: "line",
      problem: "not-json",
      got: line.slice(0, 200),
      droppable: false,
    });
  }
  const names = Object.keys(first as object);
  return { kind: "jsonl", file, names, columns: titleColumns(file.name, names, names.length, options) };
}

async function titlesFromParquet(file: SourceFile, options: Clean): Promise<Map<string, string>> {
  const duck = await Duck.open([file.path], 1, options.signal);
  try {
    const table = `read_parquet(${quotedPath(file.path)})`;
    const names = (await duck.rows(`DESCRIBE SELECT * FROM ${table}`)).map(([name]) => String(name));
    const { id, title } = titleColumns(file.name, names, names.length, options);
    const cell = (index: number) => `"${names[index].replaceAll('"', '""')}"::VARCHAR`;
    const titles = new Map<string, string>();
    for (const row of await duck.rows(`SELECT ${cell(id)}, ${cell(title)} FROM ${table}`)) {
      const [key, text] = row.map((value) => (value === null ? undefined : String(value)));
      keep(titles, key, text);
    }
    return titles;
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${file.name}: cannot be read: ${duckMessage(error, file)}`, { file: file.name }, error);
  } finally {
    duck.close();
  }
}
