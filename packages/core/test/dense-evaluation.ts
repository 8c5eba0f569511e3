/**
 * Evaluation the slow way, for tests: ids, maps, sorted arrays and Math.log2; shares nothing with src/evaluate.
 * Formulas are those of docs/metrics.md, written anew.
 */
import type { Id, RatingRecord } from "../src/ratings/index.ts";

export interface DenseWorld {
  /** Ids known to the model; items in the order that ties go by */
  readonly users: readonly Id[];
  readonly items: readonly Id[];
  score(user: Id, item: Id): number;
  readonly train: readonly RatingRecord[];
  readonly test: readonly RatingRecord[];
}

export interface DenseOptions {
  readonly n: number;
  readonly relevantFrom: number;
  readonly recallDenominator?: "relevant" | "reachable";
  readonly gain?: "binary" | "linear" | "exponential";
  readonly unknownItems?: "miss" | "leave-out";
}

export function denseRanking(world: DenseWorld, options: DenseOptions) {
  const { n } = options;
  const knownItems = new Set(world.items);
  const gainOf = (rating: number) =>
    options.gain === "linear" ? rating : options.gain === "exponential" ? 2 ** rating - 1 : 1;
  const totals = { precision: 0, recall: 0, hitRate: 0, ndcg: 0, map: 0, mrr: 0 };
  const shown = new Set<Id>();
  let users = 0;
  for (const user of world.users) {
    const seen = new Set(world.train.filter((r) => r.user === user).map((r) => r.item));
    const relevant = new Map(
      world.test
        .filter((r) => r.user === user && !seen.has(r.item) && (r.rating ?? 1) >= options.relevantFrom)
        .filter((r) => options.unknownItems !== "leave-out" || knownItems.has(r.item))
        .map((r) => [r.item, gainOf(r.rating ?? 1)]),
    );
    if (relevant.size === 0) continue;
    users++;
    const list = world.items
      .map((item, place) => ({ item, place, score: world.score(user, item) }))
      .filter(({ item }) => !seen.has(item))
      .sort((a, b) => b.score - a.score || a.place - b.place)
      .slice(0, n)
      .map(({ item }) => item);
    for (const item of list) shown.add(item);
    const isHit = list.map((item) => relevant.has(item));
    const hits = isHit.filter(Boolean).length;
    const reachable = Math.min(n, relevant.size);
    totals.precision += hits / n;
    totals.recall += hits / (options.recallDenominator === "reachable" ? reachable : relevant.size);
    totals.hitRate += hits > 0 ? 1 : 0;
    const dcg = (values: number[]) => values.reduce((sum, value, p) => sum + value / Math.log2(p + 2), 0);
    const ideal = [...relevant.values()].sort((a, b) => b - a).slice(0, n);
    totals.ndcg += dcg(list.map((item) => relevant.get(item) ?? 0)) / dcg(ideal);
    const precisions = isHit.map((hit, p) => (hit ? isHit.slice(0, p + 1).filter(Boolean).length / (p + 1) : 0));
    totals.map += precisions.reduce((a, b) => a + b, 0) / reachable;
    totals.mrr += isHit.includes(true) ? 1 / (isHit.indexOf(true) + 1) : 0;
  }
  const means = Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, total / users]));
  return { users, figures: { n, ...(means as typeof totals), coverage: shown.size / world.items.length } };
}
