/**
 * One training in a process of its own, so that its peak of memory can be told: `node scale-run.js WORLD METHOD RANK PASSES THREADS`,
 * WORLD as JSON. Says what it took, as a line of JSON.
 */
import { als, factorize, ials, sgd } from "@lowrank/core";
import { type WorldSize, world } from "./worlds.ts";

/** What a run says. */
export interface ScaleFigures {
  readonly ratings: number;
  readonly prepareSeconds: number;
  /** Of each pass */
  readonly passSeconds: readonly number[];
  /** What the process held before it loaded the ratings, and at its peak */
  readonly emptyBytes: number;
  readonly peakBytes: number;
  /** Of the two factor tables */
  readonly tableBytes: number;
}

const methods = {
  als: (rank: number, sweeps: number) => als({ rank, sweeps }),
  ials: (rank: number, sweeps: number) => ials({ rank, sweeps }),
  sgd: (rank: number, epochs: number) => sgd({ rank, epochs }),
};

export type ScaleMethod = keyof typeof methods;

const [size, method, rank, passes, threads] = process.argv.slice(2);
const emptyBytes = process.memoryUsage.rss();
const { train } = await world(JSON.parse(size) as WorldSize);
const { model, report } = await factorize(train, methods[method as ScaleMethod](Number(rank), Number(passes)), {
  threads: Number(threads),
  certificate: false,
});
const figures: ScaleFigures = {
  ratings: train.size,
  prepareSeconds: report.seconds.prepare,
  passSeconds: report.seconds.passes,
  emptyBytes,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  tableBytes: model.userFactors.byteLength + model.itemFactors.byteLength,
};
console.log(JSON.stringify(figures));
