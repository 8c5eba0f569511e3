/** A plan beside what trainings then open and give. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Kernels, openKernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { plantedWorld, Ratings, ratingsFrom, someHistories } from "../ratings/index.ts";
import {
  als,
  type Factorizer,
  factorize,
  gradient,
  ials,
  logistic,
  methods,
  plan,
  sgd,
  softmax,
  warp,
} from "./index.ts";

afterEach(() => vi.restoreAllMocks());

const world = plantedWorld({
  users: 90,
  items: 50,
  ratings: 1500,
  rank: 3,
  noise: 0.2,
  seed: 5,
  scale: { min: 1, max: 5, step: 0.5 },
}).ratings;
/** svd takes whole matrices. */
const whole = plantedWorld({ users: 200, items: 150, ratings: 30_000, rank: 3, noise: 0.2, seed: 5 }).ratings;

/** Bytes of every workspace that a training opens, and of its model's number arrays. */
async function taken(ratings: Ratings, method: Factorizer<Model>, threads: number) {
  const kernels = await openKernels({ threads });
  const opened: number[] = [];
  const open: Kernels["open"] = (layout) => {
    opened.push(kernels.bytesFor(layout));
    return kernels.open(layout);
  };
  const { model } = await factorize(ratings, method, { kernels: { ...kernels, open }, certificate: false });
  return { opened, model, kernels };
}

describe("a plan of", () => {
  it.each(Object.entries(methods))(
    "%s has the bytes of kernel memory that its training opens",
    async (name, { make }) => {
      const ratings = name === "svd" ? whole : world;
      const method: Factorizer<Model> = make({});
      for (const threads of [1, 3]) {
        const { opened, kernels } = await taken(ratings, method, threads);
        const { bytes, obstacles } = await plan(ratings, method, { kernels, trial: false });
        expect([bytes.kernel.total]).toEqual(opened.length === 0 ? [0] : opened);
        const { tables, ratings: copies, other, scratch, total } = bytes.kernel;
        expect(tables + copies + other + scratch).toBe(total);
        expect(obstacles).toEqual([]);
      }
    },
  );
});

describe("plan", () => {
  it("counts 8 bytes a rating of its own copies for sgd, 6 for als of half stars, 4 for ials; tables of rows of 64 bytes at rank 3", async () => {
    const of = async (method: Factorizer) => (await plan(world, method, { trial: false, threads: 1 })).bytes;
    const near = (bytes: number, exact: number) => expect(Math.abs(bytes - exact)).toBeLessThan(64 * 4);
    const [bySgd, byAls] = [await of(sgd({ rank: 3 })), await of(als({ rank: 3 }))];
    near(bySgd.kernel.ratings, 8 * 1500);
    near(byAls.kernel.ratings, 6 * 1500);
    // Confidences that are all 1 take nothing.
    near((await of(ials({ rank: 3 }))).kernel.ratings, 4 * 1500);
    near((await of(ials({ rank: 3, confidence: "linear" }))).kernel.ratings, 6 * 1500);
    near(bySgd.kernel.tables, 64 * (90 + 50));
    near(byAls.kernel.tables, 64 * (90 + 50));
    // Two bytes of item, one of the value, a table of the seven that occur.
    expect(byAls.ratings).toBe(3 * 1500 + 4 * 7 + 4 * 91);
    expect(byAls.model).toBe(4 * 4 * (90 + 50));
    const adam = await of(gradient({ rank: 3, optimizer: "adam" }));
    // Factors, their gradients and two moments
    near(adam.kernel.tables, 4 * 64 * (90 + 50));
  });

  it("says which solver als and ials take for these ratings", async () => {
    expect((await plan(world, als({ rank: 4 }), { trial: false })).options.solver).toBe("cholesky");
    const { report } = await factorize(world, ials({ rank: 48, sweeps: 1 }), { certificate: false });
    expect((await plan(world, ials({ rank: 48 }), { trial: false })).options.solver).toBe(report.options.solver);
  });

  it("measures a trial: seconds of a pass and of all, and how many ratings it was made on", async () => {
    const { seconds, untimed } = await plan(world, als({ rank: 4, sweeps: 7 }), { threads: 1 });
    expect(untimed).toBeUndefined();
    expect(seconds?.trial).toBe(1500);
    expect(seconds?.pass).toBeGreaterThan(0);
    expect(seconds?.total).toBeCloseTo((seconds?.prepare ?? 0) + 7 * (seconds?.pass ?? 0), 12);
    expect((await plan(world, als(), { trial: false })).seconds).toBeUndefined();
  });

  it("makes two trials where the first is long: 1 s of every item's and 1 µs a rating are 1.15 s at 150,000 ratings", async () => {
    const { ratings } = plantedWorld({ users: 600, items: 400, ratings: 150_000, rank: 2, noise: 0.2, seed: 5 });
    let clock = 0;
    vi.spyOn(performance, "now").mockImplementation(() => clock);
    const method = gradient({ rank: 2 });
    const start = async ({ size }: Ratings) => ({
      passes: async () => {
        clock += 1000 + size / 1000;
      },
      close: () => {},
    });
    const { seconds } = await plan(ratings, { ...method, start: start as never }, { threads: 1 });
    expect(seconds?.pass).toBeCloseTo(1.15, 9);
    expect(seconds?.trial).toBeLessThan(110_000);
  });

  it("counts the operations of ease, which part of the users does not shorten", async () => {
    const { seconds } = await plan(world, methods.ease.make({}));
    expect(seconds?.trial).toBeUndefined();
    expect(seconds?.total).toBeGreaterThan(0);
  });

  it("counts for ease every pair in a history and every weight, beside the inverse: 10^8 to 10^10 a second on a thread", async () => {
    const secondsOf = async (users: number, items: number, each: number) => {
      const length = users * each;
      const user = Array.from({ length }, (_, n) => Math.floor(n / each));
      const item = Array.from({ length }, (_, n) => (user[n] + (n % each)) % items);
      const { seconds } = await plan(ratingsFrom({ user, item }), methods.ease.make({}), { threads: 1 });
      return seconds?.total as number;
    };
    const few = await secondsOf(100, 50, 40);
    const many = await secondsOf(4000, 50, 40);
    const pairs = (4000 - 100) * 40 ** 2;
    expect(many - few).toBeGreaterThan(pairs / 1e10);
    // An entry that is copied takes as long as some pairs.
    expect(many - few).toBeLessThan(2 * (pairs / 1e8));
    const wide = await secondsOf(1000, 1000, 2);
    expect(wide).toBeGreaterThan((1000 ** 3 / 2 + 1000 ** 2) / 1e10);
    expect(wide).toBeLessThan((1000 ** 3 / 2 + 1000 ** 2) / 1e8);
  });

  it("counts what stands outside kernel memory: a square of the rank where new people's rows are solved for, else nothing", async () => {
    const hostOf = async (method: Factorizer) => (await plan(world, method, { trial: false })).bytes.host;
    const square = 8 * 64 * (64 + 4);
    expect(await hostOf(warp({ rank: 64 }))).toBe(square);
    expect(await hostOf(logistic({ rank: 64 }))).toBe(square);
    expect(await hostOf(logistic({ rank: 64, biases: "item" }))).toBe(0);
    expect(await hostOf(softmax({ rank: 64 }))).toBe(0);
  });

  it("says why there are no seconds: als on clicks", async () => {
    const clicks = ratingsFrom({ user: [1, 2, 2], item: [1, 1, 2] });
    const { seconds, untimed } = await plan(clicks, als());
    expect(seconds).toBeUndefined();
    expect(untimed).toMatch(/these records have no rating/);
  });

  it("finds 4 GiB of kernel memory too little, and the rank that fits", async () => {
    const small = await openKernels({ threads: 1 });
    const method = als({ rank: 128 });
    const { bytes } = await plan(world, method, { kernels: small, trial: false });
    const { total, tables } = bytes.kernel;
    // As if a block held a quarter of the tables less
    const limit = total - Math.ceil(tables / 4);
    const { obstacles } = await plan(world, method, { kernels: { ...small, mostBytes: limit }, trial: false });
    expect(obstacles).toMatchObject([{ code: "kernel-memory", bytes: total, limit }]);
    expect(obstacles[0].message).toMatch(/kernel memory would take .* a rank of 80 would fit|a rank of 96 would fit/);
    const lower = als({ rank: 80 });
    expect((await plan(world, lower, { kernels: { ...small, mostBytes: limit }, trial: false })).obstacles).toEqual([]);
  });

  it("holds a training against the memory allowed, and refuses an allowance of 0", async () => {
    const { bytes } = await plan(world, als(), { trial: false });
    expect((await plan(world, als(), { trial: false, memory: bytes.total })).obstacles).toEqual([]);
    const { obstacles } = await plan(world, als(), { trial: false, memory: bytes.total - 1 });
    expect(obstacles.map(({ code, limit }) => [code, limit])).toEqual([["memory", bytes.total - 1]]);
    await expect(plan(world, als(), { memory: 0 })).rejects.toThrow("plan: memory must be");
    await expect(plan(world, als(), { memori: 1 } as never)).rejects.toThrow("plan has no such option");
  });

  it("makes no ratings by item to count the bytes of als, and stops on a signal", async () => {
    const made = vi.spyOn(Ratings.prototype, "byItem", "get");
    await plan(world, als(), { trial: false });
    expect(made).not.toHaveBeenCalled();
    await expect(plan(world, als(), { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
  });
});

it("some histories: whole ones, spread over all users, about as many ratings as asked for, and every item", () => {
  const some = someHistories(world, 500);
  expect(some.users.size).toBe(30);
  expect(Math.abs(some.size - 500)).toBeLessThan(150);
  expect(some.items).toBe(world.items);
  for (let n = 0; n < some.users.size; n++) {
    const user = world.users.index(some.users.id(n)) as number;
    const of = (r: Ratings, row: number) => [...r.byUser.index.subarray(r.byUser.start[row], r.byUser.start[row + 1])];
    expect(of(some, n)).toEqual(of(world, user));
  }
  expect(someHistories(world, 1500)).toBe(world);
  expect(someHistories(whole, 3000).isComplete).toBe(true);
});
