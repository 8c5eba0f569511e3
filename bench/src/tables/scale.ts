/** How time and memory of our own methods grow with the ratings: 1, 10 and 100 million, each in a process of its own. */
import { trainApart } from "../apart.ts";
import { median } from "../interleave.ts";
import { time } from "../page.ts";
import type { Context, Table } from "../results.ts";
import type { ScaleFigures, ScaleMethod } from "../scale-run.ts";
import { worldFolder } from "../worlds.ts";

const RANK = 32;
const PASSES = 5;
const THREADS = 2;
const ITEMS = 20_000;
const RATINGS_PER_USER = 150;
const methods: readonly ScaleMethod[] = ["sgd", "als", "ials"];

interface Row {
  readonly method: ScaleMethod;
  readonly figures: ScaleFigures;
}

export async function run({ quick }: Context): Promise<Table> {
  const rows: Row[] = [];
  for (const ratings of quick ? [100_000, 200_000] : [1_000_000, 10_000_000, 100_000_000]) {
    const size = { users: Math.round(ratings / RATINGS_PER_USER), items: quick ? 1000 : ITEMS, ratings };
    // Made here, so that making it is no part of the memory.
    await worldFolder(size);
    for (const method of methods) {
      rows.push({ method, figures: trainApart(size, method, { rank: RANK, passes: PASSES, threads: THREADS }) });
    }
  }
  return {
    name: "scale",
    title: "How time and memory grow with the ratings",
    notes: [
      `Seeded worlds of half stars, ${ITEMS} items, ${RATINGS_PER_USER} ratings a user on average, nine tenths of them trained on; rank ${RANK}, ${PASSES} passes, ${THREADS} threads. Each`,
      "training in a process of its own. Linear: time of a pass per rating, as a multiple of the smallest world's; beside it the same of preparation and all passes. Memory is the peak of the",
      "process; beside it, for each rating, what that is above an empty process and the factor tables: the loaded ratings and their working copies.",
    ],
    versions: {},
    columns: [
      { key: "method", title: "method" },
      { key: "ratings", title: "ratings" },
      { key: "prepare", title: "preparation" },
      { key: "pass", title: "a pass" },
      { key: "each", title: "a rating" },
      { key: "linear", title: "linear" },
      { key: "all", title: "with preparation" },
      { key: "peak", title: "memory" },
      { key: "bytes", title: "bytes a rating" },
    ],
    rows: rows.map(({ method, figures }) => {
      const smallest = rows.find((row) => row.method === method) ?? rows[0];
      return {
        method,
        ratings: figures.ratings.toLocaleString("en"),
        prepare: time(figures.prepareSeconds),
        pass: time(median(figures.passSeconds)),
        each: time(each(figures)),
        linear: `${(each(figures) / each(smallest.figures)).toFixed(2)} ×`,
        all: `${(eachOfAll(figures) / eachOfAll(smallest.figures)).toFixed(2)} ×`,
        peak: `${(figures.peakBytes / 2 ** 30).toFixed(2)} GiB`,
        bytes: ((figures.peakBytes - figures.emptyBytes - figures.tableBytes) / figures.ratings).toFixed(1),
      };
    }),
    comparisons: [],
    details: rows,
  };
}

/** Preparation and all passes. */
function eachOfAll({ prepareSeconds, passSeconds, ratings }: ScaleFigures): number {
  return passSeconds.reduce((sum, seconds) => sum + seconds, prepareSeconds) / ratings;
}

function each({ passSeconds, ratings }: ScaleFigures): number {
  return median(passSeconds) / ratings;
}
