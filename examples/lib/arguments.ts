/** What stands after an example's name on the command line; `--plots` may stand anywhere. */

export const PLOTS = "--plots";

/** What the examples take that take anything. */
const takes: Readonly<Record<string, readonly string[]>> = { "seed-002": ["STEPS", "RATINGS_FILE"] };

/** What the caller of an example has to mend. */
export class UsageError extends Error {}

/** @throws UsageError for a flag that no example has, and for more words than the example takes */
export function checkArguments(name: string, given: readonly string[]): void {
  const flag = given.find((argument) => argument.startsWith("--") && argument !== PLOTS);
  if (flag !== undefined) throw new UsageError(`unknown flag ${flag}; the only one is ${PLOTS}`);
  const allowed = takes[name] ?? [];
  const extra = given.filter((argument) => argument !== PLOTS)[allowed.length];
  if (extra === undefined) return;
  const most = allowed.length === 0 ? "nothing" : `at most ${allowed.join(" and ")}`;
  throw new UsageError(`takes ${most}, got ${extra} too`);
}

/**
 * @param file looked for only when none is given
 * @throws UsageError for steps that are no whole number from 1 on
 */
export async function stepsAndFile(steps: number, file: () => Promise<string>): Promise<[number, string]> {
  const given = process.argv.slice(3).filter((argument) => !argument.startsWith("--"));
  const count = Number(given[0] ?? steps);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`steps must be a whole number from 1 on, got ${given[0]}`);
  return [count, given[1] ?? (await file())];
}
