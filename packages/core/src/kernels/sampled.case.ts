/**
 * Sampled gradients on every backend, and the world they are tried on. The loss of a batch is written here once more from
 * sampled.ts, in f64, as a function of all numbers, and its gradient taken by central differences.
 */
import { describe, expect, it } from "vitest";
import { Digest, hash32, normal, unit } from "../support/index.ts";
import type { Optimizer } from "./descent.ts";
import { type Kernels, type Reals, slot } from "./kernels.ts";
import type { Moved } from "./net.ts";
import { mostEntries, type SampledLoss, type SampledProblem, type SampledSide, sampledSlots } from "./sampled.ts";
import { once } from "./worlds.case.ts";

export const sampledLosses: readonly SampledLoss[] = [
  { kind: "softmax", temperature: 0.5, positiveTemperature: undefined },
  { kind: "softmax", temperature: 0.4, positiveTemperature: 0.7 },
  { kind: "bpr", temperature: 0.6, hardestOf: undefined },
  { kind: "logistic", unobservedWeight: 0.3 },
  { kind: "warp", margin: 0.8 },
  { kind: "bpr", temperature: 0.6, hardestOf: 3 },
];

const pairwise: SampledLoss = { kind: "bpr", temperature: 0.6, hardestOf: undefined };

export interface SampledWorldOptions {
  readonly loss: SampledLoss;
  readonly leftRows?: number;
  readonly rightRows?: number;
  readonly rank?: number;
  readonly batchSize?: number;
  readonly candidates?: number;
  readonly cosine?: boolean;
  readonly biases?: boolean;
  /** Left rows are made of their entries too, and right rows have offsets */
  readonly history?: boolean;
  readonly optimizer?: Optimizer;
  /** Share of the pairs that are entries; the first left row has none, the last every right row */
  readonly density?: number;
}

/** Random tables and entries in a workspace with both moments. */
export function sampledWorld(kernels: Kernels, options: SampledWorldOptions) {
  const { loss, leftRows = 17, rightRows = 40, rank = 5, batchSize = 7, candidates = 13, cosine = false } = options;
  const { biases = !cosine, density = 0.2, history = false } = options;
  const start = new Uint32Array(leftRows + 1);
  const index: number[] = [];
  for (let l = 0; l < leftRows; l++) {
    for (let r = 0; r < rightRows; r++) {
      if (l === leftRows - 1 || (l > 0 && unit(3, l * rightRows + r) < density)) index.push(r);
    }
    start[l + 1] = index.length;
  }
  const table = { left: slot.realTable(leftRows, rank), right: slot.realTable(rightRows, rank) };
  const w = kernels.open({
    ...table,
    leftFirst: table.left,
    leftSecond: table.left,
    rightFirst: table.right,
    rightSecond: table.right,
    bias: slot.real(3 * (leftRows + rightRows)),
    start: slot.u32(leftRows + 1),
    index: slot.u32(index.length),
    weight: slot.real(leftRows),
    historyWeight: slot.real(leftRows),
    offset: slot.real(rightRows),
    order: slot.u32(leftRows),
    ...sampledSlots({ rightRows, rank, batchSize, candidates, entries: mostEntries({ start }, batchSize) }),
  });
  const { at } = w;
  at.start.set(start);
  at.index.set(index);
  for (let l = 0; l < leftRows; l++) {
    at.order[l] = (l * 7) % leftRows;
    at.weight[l] = 0.5 + unit(4, l);
    at.historyWeight[l] = 0.2 + unit(8, l);
  }
  for (let r = 0; r < rightRows; r++) at.offset[r] = normal(9, r) / 3;
  const side = (which: "left" | "right", from: number): SampledSide => {
    const { rows, data, stride } = at[which];
    for (let i = 0; i < rows * rank; i++) data[Math.floor(i / rank) * stride + (i % rank)] = normal(5 + from, i) / 2;
    const part = (k: number) => at.bias.subarray(3 * from + k * rows, 3 * from + (k + 1) * rows);
    for (let i = 0; i < rows; i++) part(0)[i] = normal(6 + from, i) / 3;
    return {
      factors: { table: at[which], value: data, first: at[`${which}First`].data, second: at[`${which}Second`].data },
      bias: biases ? { value: part(0), first: part(1), second: part(2) } : undefined,
      regularization: cosine ? 0 : 0.03,
      biasRegularization: biases ? 0.02 : 0,
    };
  };
  const problem: SampledProblem = {
    left: side("left", 0),
    right: side("right", leftRows),
    cosine,
    loss,
    entries: { start: at.start, index: at.index },
    weight: at.weight,
    historyWeight: history ? at.historyWeight : undefined,
    offset: history ? at.offset : undefined,
    order: at.order,
    batchSize,
    candidates,
    seed: 77,
    work: at,
  };
  const optimizer = options.optimizer ?? { kind: "sgd", momentum: 0 };
  const move = (from: number, to: number, rate = 0.05, done = from): Promise<number> =>
    w.sampledBatches(problem, { optimizer, done, rates: Float64Array.of(rate), from, to });
  return { problem, move, batches: Math.ceil(leftRows / batchSize), numbers: () => numbersOf(problem), close: w.close };
}

type World = ReturnType<typeof sampledWorld>;

/** Every number that moves, by name. */
function numbersOf({ left, right }: SampledProblem): [string, Reals][] {
  const of = (name: string, { factors, bias }: SampledSide): [string, Reals][] => {
    const named = (what: string, moved: Moved): [string, Reals][] => [
      [`${name} ${what}`, moved.value],
      [`${name} ${what} first`, moved.first],
      [`${name} ${what} second`, moved.second],
    ];
    return [...named("factors", factors), ...(bias === undefined ? [] : named("bias", bias))];
  };
  return [...of("left", left), ...of("right", right)];
}

const draw = (hash: number, count: number) => Math.floor((hash / 2 ** 32) * count);

/** The batch's candidates, as sampled.ts says. */
function candidatesOf({ seed, candidates, right }: SampledProblem, batch: number): number[] {
  const { rows } = right.factors.table;
  const drawn: number[] = [];
  for (let i = 0; drawn.length < candidates; i++) {
    const row = candidates === rows ? i : draw(hash32(hash32(seed, batch), i), rows);
    if (!drawn.includes(row)) drawn.push(row);
  }
  return drawn;
}

/** What a batch is a function of: copies of the four arrays. */
interface Point {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly leftBias: Float64Array | undefined;
  readonly rightBias: Float64Array | undefined;
}

function pointOf({ left, right }: SampledProblem): Point {
  const copy = (moved: Moved | undefined) => (moved === undefined ? undefined : Float64Array.from(moved.value));
  return {
    left: Float64Array.from(left.factors.value),
    right: Float64Array.from(right.factors.value),
    leftBias: copy(left.bias),
    rightBias: copy(right.bias),
  };
}

const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const harmonic = (k: number) => Array.from({ length: k }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0);
const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Σ weight · loss of a batch, and that with its penalties, at any point; WARP's choices are those of the point `at`. */
function batchLoss(problem: SampledProblem, batch: number, place: number, at: Point, point: Point) {
  const { left, right, entries, weight, order, batchSize, cosine, loss, historyWeight, offset } = problem;
  const { rank, stride } = left.factors.table;
  const candidates = candidatesOf(problem, batch);
  const row = (data: Float64Array, r: number) => [...data.subarray(r * stride, r * stride + rank)];
  const score = (p: Point, l: number, r: number): number => {
    const y = row(p.right, r);
    const z = row(p.left, l);
    for (const entry of historyWeight === undefined
      ? []
      : entries.index.subarray(entries.start[l], entries.start[l + 1])) {
      const other = row(p.right, entry);
      const share = (historyWeight?.[l] ?? 0) / (cosine ? Math.hypot(...other) : 1);
      for (const [k, v] of other.entries()) z[k] += share * v;
    }
    const product = sumOf(z.map((v, k) => v * y[k]));
    const scaled = cosine ? product / Math.hypot(...z) / Math.hypot(...y) : product;
    return scaled + (p.leftBias?.[l] ?? 0) + (p.rightBias?.[r] ?? 0) + (offset?.[r] ?? 0);
  };
  const pay = (side: SampledSide, data: Float64Array, bias: Float64Array | undefined, r: number) =>
    side.regularization * sumOf(row(data, r).map((v) => v * v)) + side.biasRegularization * (bias?.[r] ?? 0) ** 2;
  let total = 0;
  let penalties = 0;
  for (const l of order.subarray(place * batchSize, (place + 1) * batchSize)) {
    const own = [...entries.index.subarray(entries.start[l], entries.start[l + 1])];
    const negatives = candidates.filter((r) => !own.includes(r));
    if (own.length === 0 || negatives.length === 0) continue;
    const [n, m] = [own.length, negatives.length];
    const [above, below] = [own.map((r) => score(point, l, r)), negatives.map((r) => score(point, l, r))];
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
        const scores = looked.map((r) => score(at, l, r));
        const j = looked[scores.indexOf(Math.max(...scores))];
        value -= Math.log(sigma((s - score(point, l, j)) / loss.temperature));
      }
    } else if (loss.kind === "bpr") {
      value = sumOf(above.map((s) => sumOf(below.map((t) => -Math.log(sigma((s - t) / loss.temperature)))))) / m;
    } else if (loss.kind === "logistic") {
      value = sumOf(above.map((s) => -Math.log(sigma(s))));
      value += ((loss.unobservedWeight * unseen) / m) * sumOf(below.map((s) => -Math.log(sigma(-s))));
    } else {
      for (const [k, s] of above.entries()) {
        const round = looks(k);
        const t = round.findIndex((r) => score(at, l, r) > score(at, l, own[k]) - loss.margin);
        if (t < 0) continue;
        const hinge = loss.margin - s + score(point, l, round[t]);
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

  it("gives back a sum that is not finite when a number is not", async () => {
    const world = sampledWorld(kernels, { loss: pairwise });
    world.problem.right.factors.value[2] = Number.NaN;
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
