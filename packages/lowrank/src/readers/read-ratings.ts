/**
 * Files in, Ratings out. Each file is planned from its first lines, then streamed through DuckDB as columns.
 *
 * An import starts over when the data turn out otherwise than planned: an id that is no whole number makes ids text,
 * line ends that change within a file call for a lenient reader, and rows of broken form that are to be dropped call for
 * a copy without them. Each of these happens once at most, so the loop ends.
 */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { AbortedError, DataError, type Id, type Ratings, RatingsBuilder } from "@lowrank/core";
import { throwIfAborted } from "@lowrank/core/support";
import { matrixRatings } from "../arrays/index.ts";
import { refusal } from "../remedy.ts";
import { WholeRatings } from "../whole-ratings.ts";
import { badParquetRow, copyWellFormed, firstBadRow, type Suspect } from "./diagnose.ts";
import { Duck, duckMessage, numbers } from "./duck.ts";
import {
  type CleanOptions,
  cleanOptions,
  type ReadOptions,
  refuseMatrixOptions,
  refuseTableOptions,
} from "./options.ts";
import { type IdKind, type Plan, planFile } from "./plan.ts";
import { reasonOf, valueProblems, ZERO_REASON } from "./problems.ts";
import { openSources, type SourceFile, shortName } from "./source.ts";
import { Spool } from "./spool.ts";
import { END_CODE, type IdKinds, importQuery, TEXT_ITEM_CODE, TEXT_USER_CODE, ZERO_CODE } from "./sql.ts";

export interface ReadResult {
  readonly ratings: Ratings;
  /** What was taken for what, as sentences: columns, separators, encodings */
  readonly notes: readonly string[];
}

/**
 * Reads ratings from CSV, TSV, `::`-separated text, JSON lines or Parquet, gzipped or not, or from a matrix in NumPy files.
 *
 * @param source a path, a glob, `-` for standard input, or a list of these; all files must hold the same columns. A matrix
 *   stands alone, and `rows` must be stated for it
 * @throws DataError naming file, line and remedy; OptionError; AbortedError
 */
export async function readRatings(
  source: string | readonly string[],
  options: ReadOptions = {},
): Promise<{ ratings: Ratings; notes: string[] }> {
  const clean = cleanOptions(options);
  throwIfAborted("readRatings", clean.signal);
  const spool = new Spool();
  try {
    const { encoding, signal } = clean;
    const files = await openSources(source, { encoding, spool, signal });
    const matrix = files.find((file) => file.numpy);
    if (matrix !== undefined) return await readMatrixFile(files, matrix, clean);
    refuseMatrixOptions(clean, files[0].name);
    const plans = await planAll(files, clean);
    const { ratings, rounded } = await importAll(plans, clean, spool);
    const notes = notesOf(plans, ratings);
    return { ratings, notes: rounded === undefined ? notes : [...notes, rounded] };
  } finally {
    await spool.remove();
  }
}

async function readMatrixFile(files: readonly SourceFile[], matrix: SourceFile, options: CleanOptions) {
  if (files.length > 1)
    throw new DataError(`${matrix.name}: is a matrix, and ${files.length} files were given; a matrix is read alone`, {
      file: matrix.name,
    });
  refuseTableOptions(options, matrix.name);
  const { user, item } = options.stringIds;
  const stringIds = user === item ? user : user ? "user" : "item";
  return matrixRatings(matrix, { ...options, stringIds });
}

async function planAll(files: readonly SourceFile[], options: CleanOptions): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (const file of files) plans.push(await planFile(file, options));
  for (const role of ["rating", "time"] as const) {
    const without = plans.find((plan) => plan.columns[role] === undefined);
    const having = plans.find((plan) => plan.columns[role] !== undefined);
    if (without === undefined || having === undefined) continue;
    throw refusal(
      `${without.file.name}: has no ${role} column, but ${having.file.name} has one`,
      (say) =>
        `read them apart, or pass ${role === "rating" ? say("noRating: true", "--no-rating") : say("noTime: true", "--no-time")}`,
      { file: without.file.name, role },
    );
  }
  return plans;
}

const pathsOf = (files: readonly SourceFile[]) => files.map((file) => file.path);

/** One file on its way: what has been learnt about it while reading. */
interface Import {
  plan: Plan;
  /** DuckDB is told not to insist on one kind of line end */
  lenient: boolean;
  /** Rows of broken form, left out of the copy that is read now; undefined while the file itself is read */
  dropped: ReadonlyMap<string, number> | undefined;
}

/** Where rows go, and what is found out about their ratings on the way. */
interface Target {
  readonly builder: RatingsBuilder;
  readonly whole: WholeRatings;
}

/** @returns what was rounded as well, as a sentence */
async function importAll(
  plans: readonly Plan[],
  options: CleanOptions,
  spool: Spool,
): Promise<{ ratings: Ratings; rounded: string | undefined }> {
  const imports = plans.map((plan): Import => ({ plan, lenient: false, dropped: undefined }));
  const kindOf = (side: "user" | "item"): IdKind =>
    options.stringIds[side] || plans.some((plan) => plan.ids[side] === "string") ? "string" : "number";
  let kinds: IdKinds = { user: kindOf("user"), item: kindOf("item") };
  for (;;) {
    const target = { builder: new RatingsBuilder({ duplicates: options.duplicates }), whole: new WholeRatings() };
    const outcome = await attempt(imports, kinds, target, options, spool);
    if (outcome === "done") {
      const rounded = target.whole.note(plans.map(({ file }) => file.name).join(", "));
      return { ratings: target.builder.build(), rounded };
    }
    kinds = outcome;
  }
}

/** Reads every file into the builder. @returns how to read ids when it has to be done once more */
async function attempt(
  imports: readonly Import[],
  kinds: IdKinds,
  target: Target,
  options: CleanOptions,
  spool: Spool,
): Promise<"done" | IdKinds> {
  const duck = await Duck.open(pathsOf(imports.map((one) => one.plan.file)), options.threads, options.signal);
  try {
    for (const one of imports) {
      for (const [reason, count] of one.dropped ?? []) target.builder.drop(reason, count);
      const found = await readFile(one, kinds, target, options, duck, spool);
      if (found !== "done") return found;
    }
    return "done";
  } finally {
    duck.close();
  }
}

async function readFile(
  one: Import,
  kinds: IdKinds,
  target: Target,
  options: CleanOptions,
  duck: Duck,
  spool: Spool,
): Promise<"done" | IdKinds> {
  const { plan } = one;
  const sink = new ColumnSink(plan, kinds, target, options.onBadRow);
  const query = importQuery(plan, kinds, options, one.lenient);
  let failure: unknown;
  try {
    await duck.stream(query, (chunk) => sink.take(chunk));
  } catch (error) {
    if (error instanceof AbortedError || error instanceof DataError) throw error;
    failure = error;
  }
  await plan.file.intact;
  const { stop } = sink;
  switch (stop?.kind) {
    case "end":
      return "done";
    case "text-ids":
      return { ...kinds, [stop.side]: "string" };
    case "bad-row":
      throw plan.kind === "parquet"
        ? await badParquetRow(plan, stop.suspect, duck)
        : ((await firstBadRow(plan, stop.suspect, options.signal)) ??
            unexplained(plan, reasonOf(stop.suspect.problem)));
    case undefined:
      await adjust(one, async () => failure ?? (await duck.failureOf(query, sink.columns)), options, spool);
      return kinds;
    default:
      return stop satisfies never;
  }
}

/** After DuckDB refused a file: the reason as an error, or another way to read the file next time. */
async function adjust(
  one: Import,
  failure: () => Promise<unknown>,
  options: CleanOptions,
  spool: Spool,
): Promise<void> {
  const { plan } = one;
  if (plan.kind === "parquet") throw unexplained(plan, await failure());
  if (options.onBadRow === "fail") {
    const bad = await firstBadRow(plan, undefined, options.signal);
    if (bad !== undefined) throw bad;
  } else if (one.dropped === undefined) {
    const path = await spool.next();
    one.dropped = await copyWellFormed(plan, path, options.signal);
    one.plan = { ...plan, file: { ...plan.file, path, gzip: false } };
    return;
  }
  if (one.lenient) throw unexplained(plan, await failure());
  one.lenient = true;
}

function unexplained(plan: Plan, cause: unknown): unknown {
  if (cause instanceof AbortedError) return cause;
  const { name } = plan.file;
  const why = cause === undefined ? "DuckDB stopped before the end" : duckMessage(cause, plan.file);
  return new DataError(`${name}: cannot be read: ${why}`, { file: name }, cause);
}

type Stop =
  | { readonly kind: "end" }
  | { readonly kind: "bad-row"; readonly suspect: Suspect }
  | { readonly kind: "text-ids"; readonly side: "user" | "item" };

/** Takes chunks of the import query, and appends their good rows to the builder. */
class ColumnSink {
  /** Why no more rows are taken; undefined as long as the last one has not come */
  stop: Stop | undefined;
  /** Columns of the query */
  readonly columns: number;
  #row = 0;
  readonly #plan: Plan;
  readonly #kinds: IdKinds;
  readonly #target: Target;
  readonly #onBadRow: "fail" | "drop";

  constructor(plan: Plan, kinds: IdKinds, target: Target, onBadRow: "fail" | "drop") {
    this.#plan = plan;
    this.#kinds = kinds;
    this.#target = target;
    this.#onBadRow = onBadRow;
    this.columns = 3 + (plan.columns.rating === undefined ? 0 : 1) + (plan.columns.time === undefined ? 0 : 1);
  }

  take(chunk: DuckDBDataChunk): boolean {
    const { rating, time } = this.#plan.columns;
    const bad = this.columns - 1;
    const keep = this.#goodRows(numbers(chunk, bad));
    if (this.stop !== undefined && this.stop.kind !== "end") return false;
    const id = (side: "user" | "item", column: number) =>
      this.#kinds[side] === "number"
        ? only(numbers(chunk, column) as Float64Array, keep)
        : (only(chunk.getColumnValues(column) as Id[], keep) as Id[]);
    const number = (column: number) => only(numbers(chunk, column) as Float64Array, keep);
    const ratings = rating === undefined ? undefined : number(2);
    if (ratings !== undefined) for (let row = 0; row < ratings.length; row++) this.#target.whole.add(ratings[row]);
    this.#target.builder.append({
      user: id("user", 0),
      item: id("item", 1),
      ...(ratings === undefined ? {} : { rating: ratings }),
      ...(time === undefined ? {} : { time: number(bad - 1) }),
    });
    this.#row += chunk.rowCount;
    return this.stop === undefined;
  }

  /** Indexes of the rows to keep; undefined for all of them. Sets `stop` at a row that ends the import. */
  #goodRows(bad: ArrayLike<number>): readonly number[] | undefined {
    let keep: number[] | undefined;
    for (let row = 0; row < bad.length; row++) {
      const code = bad[row];
      if (code !== 0) {
        keep ??= Array.from({ length: row }, (_, index) => index);
        if (this.#refuse(code, row)) return keep;
      } else keep?.push(row);
    }
    return keep;
  }

  /** @returns true when the import ends here */
  #refuse(code: number, row: number): boolean {
    if (code === END_CODE) {
      this.stop = { kind: "end" };
      return true;
    }
    if (code === TEXT_USER_CODE || code === TEXT_ITEM_CODE) {
      this.stop = { kind: "text-ids", side: code === TEXT_USER_CODE ? "user" : "item" };
      return true;
    }
    if (code === ZERO_CODE) {
      this.#target.builder.drop(ZERO_REASON);
      return false;
    }
    const problem = valueProblems[code - 1];
    if (this.#onBadRow === "fail") {
      this.stop = { kind: "bad-row", suspect: { row: this.#row + row, problem } };
      return true;
    }
    this.#target.builder.drop(reasonOf(problem));
    return false;
  }
}

function only<T extends Float64Array | Id[]>(values: T, keep: readonly number[] | undefined): T {
  if (keep === undefined) return values;
  return (Array.isArray(values) ? keep.map((row) => values[row]) : Float64Array.from(keep, (row) => values[row])) as T;
}

function notesOf(plans: readonly Plan[], ratings: Ratings): string[] {
  const notes = plans.flatMap((plan) => plan.file.notes);
  const groups = new Map<string, string[]>();
  for (const plan of plans) groups.set(plan.note, [...(groups.get(plan.note) ?? []), shortName(plan.file)]);
  for (const [note, [first, ...more]] of groups)
    notes.push(`${first}${more.length === 0 ? "" : ` and ${more.length} more`}: ${note}`);
  for (const side of ["user", "item"] as const) {
    const ids = side === "user" ? ratings.users : ratings.items;
    const planned = plans.every((plan) => plan.ids[side] === "number");
    if (planned && ids.kind === "string")
      notes.push(`${side} ids are kept as text, because not all are plain whole numbers`);
  }
  return notes;
}
