/** What only the wasm backend has: memories that are kept, arrays outside of them, turns of the event loop. */
import { describe, expect, it } from "vitest";
import { descentWorld } from "../descent-worlds.case.ts";
import { rowStride, slot } from "../kernels.ts";
import { subspaceScratch } from "../subspace.ts";
import { explicitWorld } from "../worlds.case.ts";
import { GIVEN_BYTES } from "./descent-record.ts";
import { openWasm } from "./index.ts";
import { compile, instantiate, moduleBytes } from "./module.ts";
import { alone, longCall, pooled } from "./opened.case.ts";
import { OPTIMIZER_BYTES } from "./optimizer.ts";
import { DESCENT_RECORD_BYTES, descentScratchBytes, pieceArea, rowScratchBytes } from "./plan.ts";

describe("the module", () => {
  it("for memory that is not shared differs in one byte from the other, and both compile", async () => {
    for (const build of ["strict", "relaxed"] as const) {
      const shared = moduleBytes(build, true);
      const unshared = moduleBytes(build, false);
      expect([...shared.keys()].filter((i) => shared[i] !== unshared[i])).toHaveLength(1);
    }
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    expect(Object.keys(instantiate(await compile("strict", false), memory))).toContain("solveExplicit");
    const shared = await compile("strict", true);
    expect(() => instantiate(shared, memory)).toThrow("memory");
  });
});

describe("scratch", () => {
  it("planned for a thread's rows is what the kernels say they need, for ranks from 1 to 1024", async () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { rowScratch, descentScratch, ...kernels } = instantiate(await compile("strict", false), memory);
    for (const rank of [1, 16, 17, 32, 33, 48, 100, 128, 300, 1024]) {
      expect(rowScratchBytes(rank)).toBe(rowScratch(4 * rowStride(rank)));
      expect(descentScratchBytes(rank)).toBe(descentScratch(4 * rowStride(rank)));
      for (const [blockSize, entries] of [
        [16, 1],
        [64, 400],
      ]) {
        const blockPitch = 4 * Math.min(blockSize, rowStride(rank));
        const needed = kernels.subspaceScratch(4 * rowStride(rank), blockPitch, 4 * Math.ceil(entries / 4));
        expect(4 * subspaceScratch(rank, blockSize, entries)).toBe(needed);
      }
    }
  });

  it("planned for unpacked entries is what the kernels say they need, for 0 to 1,000,000 entries", async () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const kernels = instantiate(await compile("strict", false), memory);
    for (const entries of [0, 1, 15, 16, 17, 8192, 1_000_000])
      expect(pieceArea(entries)).toBe(kernels.pieceArea(entries));
  });

  it("the records of a descent and an optimizer are as long as the kernels say, in what is written and in all", async () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { descentGiven, descentRecord, optimizerRecord } = instantiate(await compile("strict", false), memory);
    expect(optimizerRecord()).toBe(OPTIMIZER_BYTES);
    expect(descentGiven()).toBe(GIVEN_BYTES);
    expect(descentRecord()).toBe(DESCENT_RECORD_BYTES);
  });
});

describe("memory", () => {
  it("of a closed workspace serves the next one, zeroed, for either kind of memory", async () => {
    for (const kernels of [await alone(), await pooled()]) {
      // No other test's memory has this size: of two alike, the one that was kept first would serve.
      const layout = { t: slot.table(51_111, 16) };
      const first = kernels.open(layout);
      const { buffer } = first.at.t.data;
      first.at.t.data.fill(3);
      first.close();
      await Promise.resolve();
      await Promise.resolve();
      const second = kernels.open(layout);
      expect(second.at.t.data.buffer).toBe(buffer);
      expect(second.at.t.data.every((value) => value === 0)).toBe(true);
      const third = kernels.open(layout);
      expect(third.at.t.data.buffer).not.toBe(buffer);
      second.close();
      third.close();
    }
  });

  it("takes at most a page more than bytesFor says, and bytesFor little more than the arrays", async () => {
    const kernels = await pooled();
    const layout = { t: slot.table(100_000, 32), u: slot.u32(1_000_000) };
    const bytes = kernels.bytesFor(layout);
    const w = kernels.open(layout);
    expect(w.at.t.data.buffer.byteLength - bytes).toBeLessThan(65536);
    expect(bytes - 16_800_000).toBeLessThan(1_000_000);
    w.close();
  });

  it("above 4 GiB is refused naming the bytes", async () => {
    const kernels = await pooled();
    const layout = { t: slot.table(40_000_000, 32) };
    const bytes = kernels.bytesFor(layout);
    expect(() => kernels.open(layout)).toThrow(`cannot give ${bytes} bytes`);
  });
});

describe("arrays in pieces", () => {
  const layout = {
    t: slot.table(100, 16),
    code: slot.inPieces(slot.u8(1_000_000)),
    index: slot.inPieces(slot.u16(1_000_000)),
    plain: slot.u32(1000),
    pieces: slot.pieces(5000),
  };
  const opened = (mostBytes: number | undefined, threads: number) =>
    openWasm({ build: "strict", threads, reason: "a test", ...(mostBytes === undefined ? {} : { mostBytes }) });

  it.each([1, 2])(
    "lie outside, the largest first, as far as the memory would be too large, on %i threads",
    async (threads) => {
      const all = (await opened(undefined, threads)).addressedBytes(layout);
      for (const [mostBytes, outside] of [
        [all, []],
        [all - 1, ["index"]],
        [all - 2_000_001, ["index", "code"]],
      ] as const) {
        const kernels = await opened(mostBytes, threads);
        expect(kernels.bytesFor(layout)).toBe(all);
        expect(kernels.addressedBytes(layout)).toBeLessThanOrEqual(mostBytes);
        const w = kernels.open(layout);
        const { buffer } = w.at.t.data;
        const names = (["index", "code"] as const).filter((name) => w.at[name].buffer !== buffer);
        expect(names).toEqual(outside);
        expect(w.at.plain.buffer).toBe(buffer);
        for (const name of names) {
          expect(w.at[name].buffer instanceof SharedArrayBuffer).toBe(threads > 1);
          expect(w.at[name]).toHaveLength(1_000_000);
        }
        w.close();
      }
    },
  );

  it("packed in a layout without room to unpack the longest row are refused, naming both lengths", async () => {
    const kernels = await alone();
    const w = kernels.open({
      x: slot.table(1, 4),
      y: slot.table(60, 4),
      start: slot.u32(2),
      index: slot.u16(50),
      value: slot.f32(50),
      regularization: slot.f32(1),
      pieces: slot.pieces(49),
    });
    const { x, y, start, index, value, regularization } = w.at;
    start[1] = 50;
    const penalties = { outBias: undefined, fixedBias: undefined, biasRegularization: undefined, regularization };
    const problem = {
      kind: "explicit",
      out: x,
      fixed: y,
      entries: { start, index },
      value,
      offset: 0,
      ...penalties,
    } as const;
    const solving = w.solveRows(problem, { kind: "cholesky" });
    await expect(solving).rejects.toMatchObject({ code: "shape", facts: { longest: 50, present: 49 } });
    w.close();
  });
});

describe("a workspace", () => {
  it("refuses arrays that are not its own, and tables beyond its layout", async () => {
    const kernels = await alone();
    const a = kernels.open({ t: slot.table(4, 4), out: slot.f32(256) });
    const b = kernels.open({ t: slot.table(4, 4), out: slot.f32(2304) });
    await expect(a.gram(b.at.t, a.at.out)).rejects.toMatchObject({ code: "shape" });
    const wide = { data: b.at.out, rows: 48, rank: 48, stride: 48 };
    await expect(b.gram(wide, b.at.out)).rejects.toThrow("larger than those of the workspace's layout");
    a.close();
    b.close();
  });

  it("closed while a call runs finishes the call and only then gives its memory away", async () => {
    const kernels = await pooled();
    const { problem, workspace } = explicitWorld(kernels, { rank: 9, rows: 300, columns: 60 });
    const running = workspace.solveRows(problem, { kind: "cholesky" });
    workspace.close();
    const other = kernels.open({ t: slot.table(300, 9) });
    expect(other.at.t.data.buffer).not.toBe(problem.out.data.buffer);
    expect(await running).toBeUndefined();
    other.close();
  });
});

/** Turns that others have while a call runs. */
async function turnsDuring(call: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const tick = () => {
    turns++;
    if (!done) setImmediate(tick);
  };
  setImmediate(tick);
  await call();
  done = true;
  return turns;
}

describe("long work on the calling thread", () => {
  it("lets the event loop turn: a solve of about 10⁹ multiply-adds gives others at least 2 turns", async () => {
    const { solve, workspace } = longCall(await alone());
    expect(await turnsDuring(solve)).toBeGreaterThanOrEqual(2);
    workspace.close();
  });

  it.each([1, 8])(
    "lets it turn in 2,000 epochs over 1,400 entries in batches of %i, and in 2,000 steps",
    async (batchSize) => {
      const shape = { rank: 64, leftRows: 60, rightRows: 60, batchSize };
      const { workspace, batch, full, at } = descentWorld(await alone(), shape, 1, 2000);
      const settings = {
        optimizer: { kind: "sgd", momentum: 0 },
        done: 0,
        rates: at.rates,
        clipNorm: undefined,
      } as const;
      at.rates.fill(1e-6);
      const epochs = () => workspace.epochs(batch, settings, at.losses);
      expect(await turnsDuring(epochs)).toBeGreaterThanOrEqual(2);
      await workspace.loss(full);
      const steps = () => workspace.descend(full, settings, at.losses);
      expect(await turnsDuring(steps)).toBeGreaterThanOrEqual(2);
      workspace.close();
    },
  );
});
