/** The tables, in the order of docs/benchmarks.md. */
import type { Run } from "./results.ts";

interface TableEntry {
  /** What it measures, for `--help` */
  readonly about: string;
  readonly load: () => Promise<{ run: Run }>;
}

export const tables: Readonly<Record<string, TableEntry>> = {
  seeds: { about: "the seed notebooks' training loops beside PyTorch", load: () => import("./tables/seeds.ts") },
  collaborative: {
    about: "the cost of seed notebook 002: Adam, and als until it is as low",
    load: () => import("./tables/collaborative.ts"),
  },
  net: { about: "the dense net on MovieLens 1M beside PyTorch", load: () => import("./tables/net.ts") },
  svd: { about: "truncated SVD of the Gowalla matrix beside SciPy", load: () => import("./tables/svd.ts") },
  sgd: { about: "sgd on MovieLens 1M beside LIBMF", load: () => import("./tables/sgd.ts") },
  "sgd-20m": { about: "sgd on 20 million made ratings beside LIBMF", load: () => import("./tables/sgd-20m.ts") },
  ratings: { about: "explicit ratings of 1M beside cmfrec and Surprise", load: () => import("./tables/ratings.ts") },
  ials: { about: "implicit feedback by least squares beside implicit", load: () => import("./tables/ials.ts") },
  "top-n": { about: "making lists of 10 beside implicit", load: () => import("./tables/top-n.ts") },
  threads: { about: "our own methods with one thread and two", load: () => import("./tables/threads.ts") },
  scale: { about: "time and memory of 1, 10 and 100 million ratings", load: () => import("./tables/scale.ts") },
  memory: { about: "peak memory beside LIBMF and implicit", load: () => import("./tables/memory.ts") },
  rivals: { about: "which rivals install here, and their versions", load: () => import("./tables/rivals.ts") },
};
