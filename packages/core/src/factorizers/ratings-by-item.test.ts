/** Which methods keep a second copy of the ratings, by item, outside kernel memory: 8 bytes a rating. */
import { afterEach, expect, it, vi } from "vitest";
import { CellValues, plantedWorld, Ratings } from "../ratings/index.ts";
import { als, type Factorizer, factorize, gradient, ials, nmf, sgd } from "./index.ts";

afterEach(() => vi.restoreAllMocks());

const world = plantedWorld({ users: 60, items: 40, ratings: 900, rank: 3, noise: 0.2, seed: 5 }).ratings;

const tried: readonly (readonly [string, Factorizer])[] = [
  ["als", als({ rank: 4, sweeps: 2 })],
  ["als by subspaces, centred by items", als({ rank: 20, sweeps: 2, solver: "subspace", center: "item" })],
  ["ials", ials({ rank: 4, sweeps: 2 })],
  ["nmf", nmf({ rank: 4, sweeps: 2, regularization: 1 })],
  ["sgd", sgd({ rank: 4, epochs: 2 })],
  ["gradient", gradient({ rank: 4, steps: 2 })],
];

it.each(tried)("%s asks for no ratings by item: it sorts them straight into kernel memory", async (_name, method) => {
  const { users, items, byUser, hasRatings, report } = world;
  const positive = { ...byUser, value: CellValues.of(byUser.value.toFloats().map((value) => Math.abs(value) + 1)) };
  const made = vi.spyOn(Ratings.prototype, "byItem", "get");
  const ratings = new Ratings({ users, items, byUser: positive, hasRatings, report });
  await factorize(ratings, method, { threads: 1, certificate: false });
  expect(made).not.toHaveBeenCalled();
});
