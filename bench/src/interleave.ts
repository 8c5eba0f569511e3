/** Contestants take turns, round after round, on the same machine in the same minutes; medians and ratios come out. */

/** What one turn took and what it reached. */
export interface Turn {
  /** Of the timed part alone */
  readonly seconds: number;
  /** Steps, updates or runs made in that time */
  readonly count: number;
  /** What was reached: a loss, an RMSE */
  readonly quality: number;
}

export interface Contestant {
  readonly name: string;
  readonly turn: () => Promise<Turn>;
}

export interface Standing {
  readonly name: string;
  /** Median over the rounds, seconds for one step, update or run */
  readonly secondsEach: number;
  /** The quickest and the slowest round */
  readonly least: number;
  readonly most: number;
  readonly quality: number;
}

export interface InterleaveOptions {
  /** Turns of each contestant that count */
  readonly rounds: number;
  /** Whether each has a turn before them that does not count, to be warm. Default true */
  readonly warmUp?: boolean;
}

export async function interleave(
  contestants: readonly Contestant[],
  { rounds, warmUp = true }: InterleaveOptions,
): Promise<Standing[]> {
  const times = contestants.map((): number[] => []);
  const qualities = contestants.map((): number[] => []);
  if (warmUp) for (const { turn } of contestants) await turn();
  for (let round = 0; round < rounds; round++) {
    for (const [i, { turn }] of contestants.entries()) {
      const { seconds, count, quality } = await turn();
      times[i].push(seconds / count);
      qualities[i].push(quality);
    }
  }
  return contestants.map(({ name }, i) => ({
    name,
    secondsEach: median(times[i]),
    least: Math.min(...times[i]),
    most: Math.max(...times[i]),
    quality: median(qualities[i]),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Wall-clock seconds of a call, and what it returned. */
export async function timed<T>(call: () => Promise<T> | T): Promise<{ seconds: number; value: T }> {
  const started = performance.now();
  const value = await call();
  return { seconds: (performance.now() - started) / 1000, value };
}
