/** The routine of nonnegative.ts on a WebAssembly memory: a problem in, a job out. */

import { type NonNegativeRoutines, type NonNegativeRows, nonNegativeScratch } from "../nonnegative.ts";
import { checkNonNegativeRows } from "../nonnegative-checks.ts";
import { checkScratch } from "./plan.ts";
import type { Runner } from "./runner.ts";

/** @param next runs a call after those before it on the same workspace */
export function nonNegativeRoutines(
  runner: Runner,
  next: <T>(call: () => Promise<T>) => Promise<T>,
): NonNegativeRoutines {
  return { nonNegativeRows: (problem) => next(() => nonNegativeRows(runner, problem)) };
}

async function nonNegativeRows(runner: Runner, problem: NonNegativeRows): Promise<void> {
  checkNonNegativeRows(problem);
  const { rule, out, fixed, entries, value, gram, regularization } = problem;
  checkScratch("nonNegativeRows", 4 * nonNegativeScratch(out.rank), runner.sizes.scratchBytes);
  const before = [
    rule === "multiplicative" ? 1 : 0,
    ...[out.data, fixed.data, entries.start].map((array) => runner.address(array)),
  ];
  const given = runner.entries("nonNegativeRows", entries, value, out.rows);
  const after = [runner.address(gram), runner.address(regularization), out.rank, 4 * out.stride];
  const perEntry = gram !== undefined || rule === "multiplicative" ? 2 * out.stride : out.rank * out.stride;
  const cost = perEntry * entries.start[out.rows] + out.rows * out.stride ** 2;
  await runner.runRows("nonNegativeRows", before, given, after, out.rows, cost);
}
