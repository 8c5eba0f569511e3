/** On which scale rows follow from histories: targets beside closed forms, systems of any rank. */
import { afterEach, expect, it, vi } from "vitest";
import { choleskyF64, solveCholeskyF64 } from "../kernels/index.ts";
import { ratingsFrom, subset } from "../ratings/index.ts";
import { nextTurn, normal, unit } from "../support/index.ts";
import { rowsFromHistories } from "./sampled-fold-in.ts";
import { turnAtEveryLook } from "./stopping.case.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  // By the real clock again
  await nextTurn();
});

const rest = async () => {};

it("finds the multiple of folded rows that trained rows are, at rank 512 as well, over users who chose something", async () => {
  // An item for each factor: rows of new people are 1 / (w + penalty + 1) where something was chosen, 0 elsewhere.
  const rank = 512;
  const users = 90;
  const records = Array.from({ length: rank }, (_, item) => ({ user: item % users, item }));
  // Cells are by user: those of the first one go.
  const ratings = subset(
    ratingsFrom(records),
    Uint8Array.from(records, (_, at) => Number(at >= Math.ceil(rank / users))),
  );
  expect(ratings.byUser.start[1]).toBe(0);
  const itemFactors = new Float32Array(rank * rank);
  for (let k = 0; k < rank; k++) itemFactors[k * rank + k] = 1;
  const unseen = Math.min(1, (10 * ratings.size) / (users * rank));
  const userFactors = new Float32Array(users * rank);
  const multiples = new Set<number>();
  for (let user = 0; user < users; user++) {
    const [from, to] = [ratings.byUser.start[user], ratings.byUser.start[user + 1]];
    const penalty = (0.01 / rank) * (to - from + unseen * rank);
    // Every user another multiple, 3 on average
    const multiple = 2 + (2 * ((user * 37) % users)) / (users - 1);
    multiples.add(multiple);
    for (let e = from; e < to; e++)
      userFactors[user * rank + ratings.byUser.index[e]] = multiple / (unseen + penalty + 1);
  }
  expect(multiples.size).toBe(users);
  const { kind, target } = (await rowsFromHistories(ratings, rank, userFactors, itemFactors, rest)) as {
    kind: string;
    target: number;
  };
  expect(kind).toBe("implicit");
  // Of 32 users the mean is within 0.1 = 0.58 / √32, the deviation being 0.58.
  expect(Math.abs(target - 3)).toBeLessThan(0.1);
});

it("agrees with systems solved by Cholesky to 0.1 % of the target, rows of items far from orthogonal", async () => {
  const [users, items, rank] = [60, 80, 20];
  const ratings = ratingsFrom(
    Array.from({ length: users * items }, (_, cell) => ({ user: Math.floor(cell / items), item: cell % items })).filter(
      (_, cell) => unit(3, cell) < 0.15,
    ),
  );
  // One direction is common to all items, as popular items make it.
  const itemFactors = Float32Array.from({ length: items * rank }, (_, at) => normal(5, at) + (at % rank === 0 ? 6 : 0));
  const userFactors = Float32Array.from({ length: users * rank }, (_, at) => normal(6, at) + (at % rank === 0 ? 2 : 0));
  const objective = await rowsFromHistories(ratings, rank, userFactors, itemFactors, rest);
  if (objective.kind !== "implicit") expect.fail(`${objective.kind} is not implicit`);
  const { unobservedWeight, regularization } = objective;
  const squares = itemFactors.reduce((sum, value) => sum + value * value, 0);
  expect(regularization).toBeCloseTo((0.01 * squares) / itemFactors.length, 6);
  let [together, own] = [0, 0];
  for (let user = 0; user < users; user++) {
    const history = ratings.byUser.index.subarray(ratings.byUser.start[user], ratings.byUser.start[user + 1]);
    const system = new Float64Array(rank * rank);
    const row = new Float64Array(rank);
    for (let item = 0; item < items; item++) {
      const chosen = history.includes(item) ? 1 : 0;
      for (let r = 0; r < rank; r++) {
        row[r] += chosen * itemFactors[item * rank + r];
        for (let c = 0; c < rank; c++) {
          system[r * rank + c] +=
            (unobservedWeight + chosen) * itemFactors[item * rank + r] * itemFactors[item * rank + c];
        }
      }
    }
    for (let k = 0; k < rank; k++) system[k * rank + k] += regularization * (history.length + unobservedWeight * items);
    expect(choleskyF64(system, rank)).toBeUndefined();
    solveCholeskyF64(system, rank, row);
    for (let k = 0; k < rank; k++) {
      together += row[k] * userFactors[user * rank + k];
      own += row[k] ** 2;
    }
  }
  expect(objective.target as number).toBeGreaterThan(0);
  expect(Math.abs((objective.target as number) / (together / own) - 1)).toBeLessThan(1e-3);
});

it("gives turns within systems of rank 300, and stops where a turn throws", async () => {
  const rank = 300;
  const ratings = ratingsFrom(Array.from({ length: 400 }, (_, n) => ({ user: n % 40, item: (n * 7) % 100 })));
  const table = (rows: number, seed: number) => Float32Array.from({ length: rows * rank }, (_, at) => normal(seed, at));
  turnAtEveryLook();
  let turns = 0;
  const stop = async () => {
    if (++turns === 3) throw new Error("stopped");
  };
  const { users, items } = ratings;
  const folded = rowsFromHistories(ratings, rank, table(users.size, 1), table(items.size, 2), stop);
  await expect(folded).rejects.toThrow("stopped");
  expect(turns).toBe(3);
});
