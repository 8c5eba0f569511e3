/**
 * What can be wrong with a row, once: the short reason that a report counts, and the sentence of the error with its
 * remedy.
 */
import type { DataError } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { refusal, type Say } from "../remedy.ts";

/** Problems of values, which the SQL of the import finds. Their order is their precedence and their code, from 1. */
export const valueProblems = [
  "header-again",
  "rating-missing",
  "rating-text",
  "rating-not-finite",
  "rating-vanishes",
  "time-missing",
  "time-text",
  "user-missing",
  "item-missing",
  "user-nested",
  "item-nested",
] as const;
export type ValueProblem = (typeof valueProblems)[number];

/** Problems of the form, which stop DuckDB. */
export type FormProblem =
  | "fields"
  | "open-quote"
  | "after-quote"
  | "too-long"
  | "stray-return"
  | "encoding"
  | "not-json"
  | "not-an-object";

export type Problem = ValueProblem | FormProblem;

/** Where a bad row stands and what it holds. */
export interface BadRow {
  readonly file: string;
  /** Line in a text file, row in Parquet; both counted from 1 */
  readonly line: number;
  readonly unit: "line" | "row";
  readonly problem: Problem;
  /** The value or text at fault */
  readonly got: string | undefined;
  /** False where bad rows cannot be dropped: then no remedy speaks of it */
  readonly droppable?: boolean;
  /** Fields that are there and that ought to be, for problem `fields` */
  readonly count?: {
    readonly found: number;
    readonly expected: number;
    readonly header: boolean;
    readonly spaces: boolean;
  };
}

/** As reports count it: `rating is not a number`. */
export function reasonOf(problem: Problem): string {
  switch (problem) {
    case "header-again":
      return "the header line again";
    case "rating-missing":
      return "rating is missing";
    case "rating-text":
      return "rating is not a number";
    case "rating-not-finite":
      return "rating is NaN, infinite or beyond 3.4e38";
    case "rating-vanishes":
      return "rating is not 0, and is as a 32-bit number";
    case "time-missing":
      return "time is missing";
    case "time-text":
      return "time is not a number, date or timestamp";
    case "user-missing":
      return "user is missing";
    case "item-missing":
      return "item is missing";
    case "user-nested":
      return "user is a list or an object";
    case "item-nested":
      return "item is a list or an object";
    case "fields":
      return "wrong number of fields";
    case "open-quote":
      return "quote that is never closed";
    case "after-quote":
      return "text after a closing quote";
    case "too-long":
      return "line longer than 2 MB";
    case "stray-return":
      return "carriage return inside a line";
    case "encoding":
      return "bytes that are not UTF-8";
    case "not-json":
      return "line is not JSON";
    case "not-an-object":
      return "line is not a JSON object";
    default:
      return problem satisfies never;
  }
}

/** Reason of rows left out because the caller said that 0 means missing. */
export const ZERO_REASON = "rating 0, declared missing";

const correct = ({ unit, droppable }: BadRow, say: Say) =>
  `correct the ${unit}${droppable === false ? "" : `, or leave such rows out with ${say('onBadRow: "drop"', "--bad-rows drop")}`}`;

export function badRowError(row: BadRow): DataError {
  const { file, line, unit, problem, got, count } = row;
  const { sentence } = explained(row, (option) => option);
  return refusal(`${file} ${unit} ${line}: ${sentence}`, (say) => explained(row, say).remedy, {
    file,
    [unit]: line,
    problem,
    reason: reasonOf(problem),
    ...(got === undefined ? {} : { got }),
    ...(count === undefined ? {} : { found: count.found, expected: count.expected }),
  });
}

function explained(row: BadRow, say: Say): { readonly sentence: string; readonly remedy: string } {
  const { problem } = row;
  const got = show(row.got ?? "");
  const plain = { sentence: reasonOf(problem), remedy: correct(row, say) };
  switch (problem) {
    case "header-again":
      return {
        sentence: "the header stands here again, as when files are joined",
        remedy: `remove the line, or pass ${say('onBadRow: "drop"', "--bad-rows drop")}`,
      };
    case "rating-text":
      return {
        sentence: `rating ${got} is not a number`,
        remedy: /^\s*[+-]?\d+,\d+\s*$/.test(row.got ?? "")
          ? `use a decimal point, or pass ${say('decimal: ","', '--decimal ","')}`
          : correct(row, say),
      };
    case "rating-not-finite":
      return { sentence: `rating ${got} is not a finite number up to 3.4e38`, remedy: correct(row, say) };
    case "rating-vanishes":
      return {
        sentence: `rating ${got} is 0 as a 32-bit number, which begin at 1.4e-45`,
        remedy: `scale the ratings up, or ${correct(row, say)}`,
      };
    case "time-text":
    case "time-missing":
      return explainedTime(row, say);
    case "user-nested":
    case "item-nested":
      return {
        sentence: `${reasonOf(problem)}, ${got}`,
        remedy: `give text or a whole number, or ${correct(row, say)}`,
      };
    case "fields":
      return explainedFields(row, say);
    case "open-quote":
      return { sentence: "a quote opens here and is never closed", remedy: `close it, or ${correct(row, say)}` };
    case "after-quote":
      return {
        sentence: "text follows a closing quote",
        remedy: `write quotes inside a field as "", or ${correct(row, say)}`,
      };
    case "encoding":
      return {
        sentence: `${got} is not UTF-8`,
        remedy: `state the encoding of the file, most often ${say('encoding: "latin-1"', "--encoding latin-1")}`,
      };
    case "not-json":
      return { sentence: `${got} is not JSON`, remedy: correct(row, say) };
    case "not-an-object":
      return {
        sentence: `${got} is not a JSON object`,
        remedy: 'give one object a line, such as {"user": 1, "item": 2, "rating": 4}',
      };
    case "rating-missing":
    case "user-missing":
    case "item-missing":
    case "too-long":
    case "stray-return":
      return plain;
    default:
      return problem satisfies never;
  }
}

function explainedTime(row: BadRow, say: Say): { readonly sentence: string; readonly remedy: string } {
  const without = `pass ${say("noTime: true", "--no-time")} to do without times`;
  if (row.problem === "time-missing") {
    return { sentence: reasonOf(row.problem), remedy: `${correct(row, say)}, or ${without}` };
  }
  const got = show(row.got ?? "");
  return {
    sentence: `time ${got} is not a number, nor a date like 2015-03-02, nor a timestamp like 2015-03-02 12:00:00`,
    remedy: `write it so, or ${without}`,
  };
}

function explainedFields(row: BadRow, say: Say): { readonly sentence: string; readonly remedy: string } {
  const { count } = row;
  if (count === undefined) return { sentence: reasonOf("fields"), remedy: correct(row, say) };
  const { found, expected, header, spaces } = count;
  const sentence = `has ${found} ${found === 1 ? "field" : "fields"} where ${header ? "the header has" : "the first line has"} ${expected}`;
  const lists = `if each line is a user and then that user's items, pass ${say('format: "lists"', "--format lists")}`;
  return { sentence, remedy: spaces ? `${correct(row, say)}; ${lists}` : correct(row, say) };
}
