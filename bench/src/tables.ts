/** The tables, in the order of docs/benchmarks.md. */
import type { Run } from "./results.ts";

export const tables: Readonly<Record<string, () => Promise<{ run: Run }>>> = {
  seeds: () => import("./tables/seeds.ts"),
  collaborative: () => import("./tables/collaborative.ts"),
  net: () => import("./tables/net.ts"),
  svd: () => import("./tables/svd.ts"),
  sgd: () => import("./tables/sgd.ts"),
  "sgd-20m": () => import("./tables/sgd-20m.ts"),
  ratings: () => import("./tables/ratings.ts"),
  ials: () => import("./tables/ials.ts"),
  "top-n": () => import("./tables/top-n.ts"),
  scale: () => import("./tables/scale.ts"),
  rivals: () => import("./tables/rivals.ts"),
};
