/**
 * Sampled gradients on every backend. The loss of a batch is written here once more from sampled.ts, in f64, as a function of all
 * numbers, and its gradient taken by central differences.
 */
import { describe, expect, it } from "vitest";
import { Digest, hash32 } from "../support/index.ts";
import type { Optimizer } from "./descent.ts";
import { type Kernels, slot } from "./kernels.ts";
import type { SampledLoss, SampledProblem, SampledSide } from "./sampled.ts";
import {
  candidatesOf,
  draw,
  type Point,
  pairwise,
  pointOf,
  sampledLosses,
  sampledWorld,
  type World,
} from "./sampled-worlds.case.ts";
import { once } from "./worlds.case.ts";

const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const harmonic = (k: number) => Array.from({ length: k }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0);
const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function product(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += x[k] * y[k];
  return sum;
}

/** Scores at the points that choices are made at, by left and right row. */
const scoresAt = new WeakMap<Point, Map<string, number>>();

/** Σ weight · loss of a batch, and that with its penalties, at any point; WARP's choices are those of the point `at`. */
function batchLoss(problem: SampledProblem, batch: number, place: number, at: Point, point: Point) {
  const { left, right, entries, weight, order, batchSize, cosine, loss, historyWeight, offset } = problem;
  const { rank, stride } = left.factors.table;
  const candidates = candidatesOf(problem, batch);
  const row = (data: Float64Array, r: number) => data.subarray(r * stride, r * stride + rank);
  const lengthOf = (x: Float64Array) => (cosine ? Math.sqrt(product(x, x)) : 1);
  /** The scores of a left row by right row. */
  const scores = (p: Point, l: number): ((r: number) => number) => {
    const z = row(p.left, l).slice();
    const history = historyWeight === undefined ? [] : entries.index.subarray(entries.start[l], entries.start[l + 1]);
    for (const entry of history) {
      const other = row(p.right, entry);
      const share = (historyWeight?.[l] ?? 0) / lengthOf(other);
      for (let k = 0; k < rank; k++) z[k] += share * other[k];
    }
    const length = lengthOf(z);
    return (r) => {
      const y = row(p.right, r);
      const scaled = product(z, y) / length / lengthOf(y);
      return scaled + (p.leftBias?.[l] ?? 0) + (p.rightBias?.[r] ?? 0) + (offset?.[r] ?? 0);
    };
  };
  const scoresThen = (l: number) => {
    const known = scoresAt.get(at) ?? new Map<string, number>();
    scoresAt.set(at, known);
    return (r: number): number => {
      const key = `${l} ${r}`;
      const score = known.get(key) ?? scores(at, l)(r);
      known.set(key, score);
      return score;
    };
  };
  const pay = (side: SampledSide, data: Float64Array, bias: Float64Array | undefined, r: number) =>
    side.regularization * product(row(data, r), row(data, r)) + side.biasRegularization * (bias?.[r] ?? 0) ** 2;
  let total = 0;
  let penalties = 0;
  for (const l of order.subarray(place * batchSize, (place + 1) * batchSize)) {
    const own = [...entries.index.subarray(entries.start[l], entries.start[l + 1])];
    const negatives = candidates.filter((r) => !own.includes(r));
    if (own.length === 0 || negatives.length === 0) continue;
    const [n, m] = [own.length, negatives.length];
    const score = scores(point, l);
    const [above, below] = [own.map(score), negatives.map(score)];
    const unseen = right.factors.table.rows - n;
    // The row's negatives in the order in which they are looked at for its k-th entry.
    const looks = (k: number) => {
      const from = draw(hash32(hash32(problem.seed, batch) ^ 0x5bd1e995, entries.start[l] + k), candidates.length);
      return [...candidates.slice(from), ...candidates.slice(0, from)].filter((r) => !own.includes(r));
    };
    let value = 0;
    if (loss.kind === "softmax") {
      const { temperature: tau, positiveTemperature: rho } = loss;
      value = n * Math.log((unseen / m) * sumOf(below.map((s) => Math.exp(s / tau))));
      if (rho === undefined) value -= sumOf(above) / tau;
      else value -= ((n * rho) / tau) * Math.log(sumOf(above.map((s) => Math.exp(s / rho))) / n);
    } else if (loss.kind === "bpr" && loss.hardestOf !== undefined) {
      for (const [k, s] of above.entries()) {
        const looked = looks(k).slice(0, loss.hardestOf);
        const then = looked.map(scoresThen(l));
        const j = looked[then.indexOf(Math.max(...then))];
        value -= Math.log(sigma((s - score(j)) / loss.temperature));
      }
    } else if (loss.kind === "bpr") {
      value = sumOf(above.map((s) => sumOf(below.map((t) => -Math.log(sigma((s - t) / loss.temperature)))))) / m;
    } else if (loss.kind === "logistic") {
      value = sumOf(above.map((s) => -Math.log(sigma(s))));
      value += ((loss.unobservedWeight * unseen) / m) * sumOf(below.map((s) => -Math.log(sigma(-s))));
    } else {
      for (const [k, s] of above.entries()) {
        const round = looks(k);
        const then = scoresThen(l);
        const t = round.findIndex((r) => then(r) > then(own[k]) - loss.margin);
        if (t < 0) continue;
        const hinge = loss.margin - s + score(round[t]);
        value += (harmonic(Math.floor(unseen / (t + 1))) / harmonic(unseen)) * hinge;
      }
    }
    total += weight[l] * value;
    const ofCandidates = sumOf(candidates.map((r) => pay(right, point.right, point.rightBias, r)));
    const ofEntries = sumOf(own.map((r) => pay(right, point.right, point.rightBias, r)));
    const ofLeft = n * pay(left, point.left, point.leftBias, l);
    penalties += weight[l] * (ofLeft + ofEntries + (n * ofCandidates) / candidates.length);
  }
  return { total, withPenalties: total + penalties };
}

/** Central differences of a batch's loss by every number that is not 0, found once for all backends that begin alike. */
function slopesOf(problem: SampledProblem, batch: number, place: number, at: Point): Point {
  const { entries, weight, order, historyWeight, offset, loss, cosine, batchSize, candidates, left, right } = problem;
  const numbers = new Digest();
  const given = [...Object.values(at), entries.start, entries.index, weight, order, historyWeight, offset];
  for (const array of given) if (array !== undefined) numbers.add(array);
  const penalties = [left, right].map((side) => [side.regularization, side.biasRegularization]);
  const rest = [batch, place, loss, cosine, batchSize, candidates, penalties, left.factors.table.rank, problem.seed];
  return once(["slopes of a batch", rest, numbers.hex()], () => {
    const slopes = (name: keyof Point) =>
      at[name]?.map((value, i, values) => {
        const h = 1e-5;
        const shifted = (by: number) => {
          const moved = values.slice();
          moved[i] += by;
          return batchLoss(problem, batch, place, at, { ...at, [name]: moved }).withPenalties;
        };
        return value === 0 ? 0 : (shifted(h) - shifted(-h)) / (2 * h);
      });
    const ofRows = { left: slopes("left") as Float64Array, right: slopes("right") as Float64Array };
    return { ...ofRows, leftBias: slopes("leftBias"), rightBias: slopes("rightBias") };
  });
}

/** Compares a step of plain descent with central differences of the loss, number by number. */
async function followsDifferences(world: World, batch: number, place: number, tolerance: number): Promise<void> {
  const rate = 2 ** -10;
  const { problem } = world;
  const at = pointOf(problem);
  const slopes = slopesOf(problem, batch, place, at);
  const expected = batchLoss(problem, batch, place, at, at).total;
  const got = await world.move(place, place + 1, rate, batch);
  expect(Math.abs(got - expected)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected)));
  const after = pointOf(problem);
  for (const name of ["left", "right", "leftBias", "rightBias"] as const) {
    for (const [i, slope] of slopes[name]?.entries() ?? []) {
      const made = ((at[name] as Float64Array)[i] - (after[name] as Float64Array)[i]) / rate;
      if (!(Math.abs(made - slope) <= tolerance * (1 + Math.abs(slope)))) {
        expect.fail(`${name}[${i}] moved by ${made} × the rate, its slope is ${slope}`);
      }
    }
  }
}

export function sampledCases(kernels: Kernels): void {
  // A step of 2⁻¹⁰ of a slope is known to 2⁻²⁴ of the number that made it.
  const tolerance = kernels.build === "f64" ? 1e-7 : 2e-3;

  describe.each(sampledLosses)("$kind %j", (loss) => {
    it("moves every number by the gradient of the batch's loss, by central differences", async () => {
      const world = sampledWorld(kernels, { loss });
      await followsDifferences(world, 40, 1, tolerance);
      world.close();
    });

    it("does so with every right row a candidate, in a last batch of fewer rows, without biases, at rank 17", async () => {
      const size = { leftRows: 9, rightRows: 20, candidates: 20, rank: 17 };
      const world = sampledWorld(kernels, { loss, biases: false, ...size });
      await followsDifferences(world, 3, 1, tolerance);
      world.close();
    });
  });

  it.each(sampledLosses.slice(0, 3))("moves directions where scores are cosines, with %j", async (loss) => {
    const world = sampledWorld(kernels, { loss, cosine: true });
    await followsDifferences(world, 5, 0, tolerance);
    world.close();
  });

  describe.each([true, false])("left rows made of their entries too, and offsets, with cosine %s", (cosine) => {
    it.each(sampledLosses)("move what they are made of, by central differences: %j", async (loss) => {
      const world = sampledWorld(kernels, { loss, cosine, history: true, leftRows: 9, rightRows: 20, candidates: 9 });
      await followsDifferences(world, 5, 0, tolerance);
      world.close();
    });
  });

  it("takes for each entry the hardest of all negatives where fewer are drawn than asked for", async () => {
    const worlds = [13, 1000].map((hardestOf) =>
      sampledWorld(kernels, { loss: { kind: "bpr", temperature: 0.6, hardestOf } }),
    );
    const [some, all] = await Promise.all(worlds.map((world) => world.move(0, world.batches)));
    expect(all).toBe(some);
    for (const world of worlds) world.close();
  });

  it("passes over rows without entries and rows that have every candidate, and moves no padding", async () => {
    const world = sampledWorld(kernels, { loss: pairwise, batchSize: 1 });
    const { left, order } = world.problem;
    const { stride, rank } = left.factors.table;
    const before = left.factors.value.slice();
    expect(await world.move(0, world.batches)).toBeGreaterThan(0);
    for (const row of order) {
      const own = left.factors.value.subarray(row * stride, row * stride + rank);
      const moved = own.some((value, k) => value !== before[row * stride + k]);
      expect(moved, `row ${row}`).toBe(row !== 0 && row !== 16);
    }
    for (const { factors } of [left, world.problem.right]) {
      const { data, rows } = factors.table;
      for (let row = 0; row < rows; row++) {
        for (let k = rank; k < stride; k++) expect(data[row * stride + k]).toBe(0);
      }
    }
    world.close();
  });

  it("gives the same bytes in one call as in several, and the numbers of batches count from the first of all", async () => {
    const optimizer: Optimizer = { kind: "adam", beta1: 0.5, beta2: 0.99, epsilon: 1e-8 };
    const worlds = [0, 1, 2].map(() => sampledWorld(kernels, { loss: pairwise, optimizer }));
    await worlds[0].move(0, 3, 0.05, 6);
    for (const batch of [0, 1, 2]) await worlds[1].move(batch, batch + 1, 0.05, 6 + batch);
    await worlds[2].move(0, 3, 0.05, 9);
    const [one, several, later] = worlds.map((world) => world.numbers().map(([, values]) => [...values]));
    expect(several).toEqual(one);
    expect(later).not.toEqual(one);
    for (const world of worlds) world.close();
  });

  it("draws every right row as often, and never one twice in a batch", async () => {
    const world = sampledWorld(kernels, {
      loss: pairwise,
      batchSize: 1,
      leftRows: 400,
      candidates: 10,
    });
    const { sampledCandidates } = world.problem.work;
    const counts = new Float64Array(40);
    if (kernels.backend === "wasm") {
      for (let batch = 0; batch < 400; batch++) {
        await world.move(batch, batch + 1, 1e-6);
        const drawn = [...sampledCandidates.subarray(0, 10)];
        expect(new Set(drawn).size).toBe(10);
        expect(drawn).toEqual(candidatesOf(world.problem, batch));
        for (const row of drawn) counts[row]++;
      }
      // 100 each on average, standard deviation √(400 · ¼ · ¾) = 8.7
      for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(45);
    }
    world.close();
  });

  it.each(sampledLosses)(
    "gives back a sum that is not finite when a number of either side is not: %o",
    async (loss) => {
      for (const side of ["left", "right"] as const) {
        const world = sampledWorld(kernels, { loss });
        // The first left row has no entries.
        world.problem[side].factors.value[world.problem[side].factors.table.stride + 2] = Number.NaN;
        expect(await world.move(0, world.batches)).toBeNaN();
        world.close();
      }
    },
  );

  it("gives back NaN for one negative that is no number among others that are, with the highest of all of them", async () => {
    const loss: SampledLoss = { kind: "bpr", temperature: 0.6, hardestOf: 40 };
    const world = sampledWorld(kernels, { loss, density: 0.05, candidates: 40 });
    const { right, entries } = world.problem;
    const { rows, stride } = right.factors.table;
    // The last left row has every right row, and so no negatives.
    const had = new Set(entries.index.subarray(0, entries.start[entries.start.length - 2]));
    const row = Array.from({ length: rows }, (_, r) => r).findIndex((r) => r > 5 && !had.has(r));
    expect(row).toBeGreaterThan(0);
    right.factors.value[row * stride] = Number.NaN;
    expect(await world.move(0, world.batches)).toBeNaN();
    world.close();
  });

  it.each([
    ["candidates", { candidates: 41 }],
    ["batchSize", { batchSize: 0 }],
    ["temperature", { loss: { kind: "softmax", temperature: 0, positiveTemperature: undefined } }],
    ["margin", { loss: { kind: "warp", margin: -1 } }],
    ["hardestOf", { loss: { kind: "bpr", temperature: 1, hardestOf: 0 } }],
    ["a bias or a penalty", { cosine: true }],
    ["order.length", { order: new Uint32Array(3) }],
  ] as const)("refuses a problem with a wrong %s", async (words, wrong) => {
    const { problem, close } = sampledWorld(kernels, { loss: pairwise });
    const w = kernels.open({ any: slot.u32(1) });
    const batches = {
      optimizer: { kind: "sgd", momentum: 0 },
      done: 0,
      rates: Float64Array.of(1),
      from: 0,
      to: 1,
    } as const;
    await expect(w.sampledBatches({ ...problem, ...wrong }, batches)).rejects.toThrow(words);
    w.close();
    close();
  });
}
