/** What stands after an example's name on the command line; `--plots` may stand anywhere. */

export const PLOTS = "--plots";

/** What the caller of an example has to mend. */
export class UsageError extends Error {}

/**
 * @param file made only when none is given
 * @throws UsageError for steps that are no whole number from 1 on
 */
export function stepsAndFile(steps: number, file: () => string): [number, string] {
  const given = process.argv.slice(3).filter((argument) => !argument.startsWith("--"));
  const count = Number(given[0] ?? steps);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`steps must be a whole number from 1 on, got ${given[0]}`);
  return [count, given[1] ?? file()];
}
