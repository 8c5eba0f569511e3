/**
 * When a row is bad: which line, what is wrong, what to do. And the copy without rows of broken form, for callers who
 * said to drop them.
 */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { DataError } from "@lowrank/core";
import type { Duck } from "./duck.ts";
import type { ParquetPlan } from "./plan.ts";
import { type BadRow, badRowError, type FormProblem, reasonOf, type ValueProblem } from "./problems.ts";
import { rowQuery } from "./sql.ts";
import { valueProblem, type WalkedPlan, type WalkedRow, walk } from "./walk.ts";

/** A row that the import query found bad. */
export interface Suspect {
  /** Counted from 0, header and blank lines left out */
  readonly row: number;
  readonly problem: ValueProblem;
}

/**
 * The first bad row of a file, as an error; undefined when every row looks well.
 *
 * @param suspect the walk ends there at the latest, and believes the query when it sees nothing wrong itself
 */
export async function firstBadRow(
  plan: WalkedPlan,
  suspect: Suspect | undefined,
  signal: AbortSignal | undefined,
): Promise<DataError | undefined> {
  let row = 0;
  for await (const batch of walk(plan, signal)) {
    for (const walked of batch) {
      if (walked.isHeader && walked.problem === undefined) continue;
      const isSuspect = suspect !== undefined && plan.kind !== "lists" && row === suspect.row;
      const problem = walked.problem ?? valueProblem(plan, walked) ?? (isSuspect ? suspect.problem : undefined);
      if (problem !== undefined) return badRowError(describe(plan, walked, problem));
      row++;
    }
  }
  return undefined;
}

function describe(plan: WalkedPlan, row: WalkedRow, problem: BadRow["problem"]): BadRow {
  const base = { file: plan.file.name, line: row.line, unit: "line" as const, problem };
  if (problem === "fields" && plan.kind === "text") {
    const { fields, header, dialect } = plan.layout;
    const count = {
      found: row.found ?? 0,
      expected: fields,
      header: header !== undefined,
      spaces: dialect.separator === " ",
    };
    return { ...base, got: row.got, count };
  }
  return { ...base, got: row.got ?? row.values[problem.split("-")[0]] };
}

/** The error for a bad row of a Parquet file, which has rows but no lines. */
export async function badParquetRow(plan: ParquetPlan, suspect: Suspect, duck: Duck): Promise<DataError> {
  const [[user, item, rating, time]] = await duck.rows(rowQuery(plan, suspect.row));
  const values: Record<string, unknown> = { user, item, rating, time };
  const value = values[suspect.problem.split("-")[0]];
  return badRowError({
    file: plan.file.name,
    line: suspect.row + 1,
    unit: "row",
    problem: suspect.problem,
    got: value == null ? undefined : String(value),
  });
}

/** Writes the rows that are whole to another file, packed or not as before: not. @returns what was left out, by reason */
export async function copyWellFormed(
  plan: WalkedPlan,
  to: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const dropped = new Map<string, number>();
  const count = (problem: FormProblem) => dropped.set(reasonOf(problem), (dropped.get(reasonOf(problem)) ?? 0) + 1);
  const pieces = async function* () {
    for await (const batch of walk(plan, signal)) {
      let kept = "";
      for (const row of batch) {
        if (row.problem === undefined) kept += row.raw.endsWith("\n") ? row.raw : `${row.raw}\n`;
        else count(row.problem);
      }
      yield Buffer.from(kept, "latin1");
    }
  };
  await pipeline(Readable.from(pieces()), createWriteStream(to));
  return dropped;
}
