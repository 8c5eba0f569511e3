/** ease() on real data: NumPy's closed form on MovieLens 1M, and a catalogue that is too large. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ease, factorize } from "../src/factorizers/index.ts";
import { itemWeight } from "../src/model/index.ts";
import { ratingsFrom } from "../src/ratings/index.ts";
import { sharedData } from "./shared-data.ts";

/**
 * B of MovieLens 1M, every rating a 1, λ = 300: `-P / np.diag(P)` with zeros on its diagonal, P = `np.linalg.inv(X.T @ X + 300 * np.eye(3706))`,
 * NumPy 2.4.6 in f64. Pairs of item ids drawn by `default_rng(0)`, and the first two items.
 */
const NUMPY = {
  rmse: 0.12508226148806426,
  frobenius: 15.624274183827893,
  sum: 2940.8576460657005,
  absolute: 35032.723502708555,
  weights: [
    [1, 2, 0.014675641935966507],
    [2, 1, 0.024318615124011185],
    [3382, 2556, 6.147209609758011e-6],
    [2075, 1068, 0.00017518906932038615],
    [1231, 157, -0.004302872030892899],
    [287, 63, -0.0020241668730545327],
    [671, 3237, -0.00031659209865027364],
    [2608, 3622, -0.000566367499593519],
    [2047, 2441, 0.0002668763276401665],
    [3842, 2911, -1.8411957962440893e-5],
    [2538, 2195, 8.848179646572735e-5],
    [2265, 3707, -0.002107542051083642],
    [1099, 3247, -0.006085164093546705],
    [2690, 11, -0.014986593750065133],
  ],
} as const;

it("ease equals NumPy's closed form on MovieLens 1M to 1e-6: weights, norms, and the error of X B", async () => {
  const columns = { user: [] as number[], item: [] as number[] };
  for (const line of readFileSync(sharedData("ml-1m", "ratings.no-timestamps.dat"), "latin1").split("\n")) {
    if (line === "") continue;
    const [user, item] = line.split("::").map(Number);
    columns.user.push(user);
    columns.item.push(item);
  }
  const { model, report } = await factorize(ratingsFrom(columns), ease({ regularization: 300 }));
  const { items, weights } = model;
  let [squares, sum, absolute] = [0, 0, 0];
  for (const weight of weights.value) {
    squares += weight * weight;
    sum += weight;
    absolute += Math.abs(weight);
  }
  const near = (got: number, exact: number) => expect(Math.abs(got / exact - 1)).toBeLessThan(1e-6);
  near(report.loss[0], NUMPY.rmse);
  near(Math.sqrt(squares), NUMPY.frobenius);
  near(sum, NUMPY.sum);
  near(absolute, NUMPY.absolute);
  for (const [from, to, weight] of NUMPY.weights) {
    near(itemWeight(model, items.index(from) as number, items.index(to) as number), weight);
  }
});

it("ease refuses Gowalla's 40,981 items at once, with 13 GB and minutes, and names itemKnn", async () => {
  const columns = { user: [] as number[], item: [] as number[] };
  for (const line of readFileSync(sharedData("gowalla", "train.txt"), "utf8").split("\n")) {
    const [user, ...items] = line.trim().split(/\s+/).map(Number);
    for (const item of items) {
      columns.user.push(user);
      columns.item.push(item);
    }
  }
  const error = await factorize(ratingsFrom(columns), ease()).catch((cause) => cause);
  expect(error).toMatchObject({ code: "memory", facts: { items: 40_981 } });
  expect(error.message).toMatch(/take 13 GB while training, 6\.7 GB in the model and about \d+ minutes; .*itemKnn/);
});
