/** Top-n lists: query rows and item rows in, the best item rows out. Scores every item and sorts. */
import type { TopNProblem } from "../kernels.ts";
import { dotRows } from "./rows.ts";

export function topN(problem: TopNProblem): void {
  const { query, queries, items, itemBias, excluded, allowed, n } = problem;
  const scores = new Float32Array(items.rows);
  for (let q = 0; q < query.length; q++) {
    const seen = new Set(excluded?.index.subarray(excluded.start[q], excluded.start[q + 1]));
    const candidates: number[] = [];
    for (let i = 0; i < items.rows; i++) {
      scores[i] = dotRows(queries, query[q], items, i) + (itemBias === undefined ? 0 : itemBias[i]);
      const listable = scores[i] > Number.NEGATIVE_INFINITY; // neither −∞ nor NaN
      if (listable && !seen.has(i) && allowed?.[i] !== 0) candidates.push(i);
    }
    candidates.sort((a, b) => scores[b] - scores[a] || a - b);
    const best = candidates.slice(0, n);
    problem.listed[q] = best.length;
    for (const [place, i] of best.entries()) {
      problem.item[q * n + place] = i;
      problem.score[q * n + place] = scores[i];
    }
  }
}
