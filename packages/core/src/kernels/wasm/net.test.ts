/** Nets on workers that fail: phases wait for each other, and nobody may wait for ever. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { slot } from "../kernels.ts";
import { closeNet, moveNet, netShapes, netWorld } from "../net.case.ts";
import { type NetSide, netPlaces, netScoringSlots, netScratch, netTrainingSlots } from "../net.ts";
import { type NodeThreads, type NodeWorker, nodeThreads } from "./host.ts";
import { openWasm } from "./index.ts";
import { endIdle } from "./pool.ts";

const pooled = () => openWasm({ build: "strict", threads: 3, reason: "a test", spread: true });
const size = { batchSize: 500, entries: 60_000 };

describe("batches of a net on three workers", () => {
  const threads = nodeThreads() as NodeThreads;
  const Original = threads.Worker;
  let created: NodeWorker[] = [];

  beforeEach(async () => {
    await endIdle();
    created = [];
    threads.Worker = class extends Original {
      constructor(...from: ConstructorParameters<typeof Original>) {
        super(...from);
        created.push(this);
      }
    };
  });

  afterEach(async () => {
    threads.Worker = Original;
    await endIdle();
  });

  it("of which one dies fail that call, the others let go, and the next call gives what it would have given", async () => {
    const kernels = await pooled();
    const [world, twin] = [netWorld(kernels, netShapes[2], size), netWorld(kernels, netShapes[2], size)];
    const start = world.movedArrays().map(([, array]) => array.slice());
    await moveNet(world, { to: 1 }); // all three have answered from here on
    const dying = created[1];
    const post = dying.postMessage.bind(dying);
    dying.postMessage = (message) => {
      if ((message as { kind: string }).kind !== "run") return post(message);
      // Dies with a unit in its hands: without it no later phase can begin.
      Atomics.add(world.problem.work.netTickets, 0, 1);
      void dying.terminate();
    };
    await expect(moveNet(world)).rejects.toMatchObject({
      code: "kernel",
      message: expect.stringContaining("netTrain failed (a worker ended)"),
    });
    for (const [i, [, array]] of world.movedArrays().entries()) array.set(start[i]);
    expect(await moveNet(world)).toBe(await moveNet(twin));
    expect(world.movedArrays()).toEqual(twin.movedArrays());
    closeNet(world);
    closeNet(twin);
  });

  it("where a row lies outside of its memory fail that call, and nobody is left waiting", async () => {
    const world = netWorld(await pooled(), netShapes[2], size);
    const row = world.problem.left.row;
    const right = row[30_000];
    row[30_000] = 40_000_000;
    await expect(moveNet(world)).rejects.toMatchObject({ code: "kernel" });
    row[30_000] = right;
    expect(await moveNet(world)).toSatisfy(Number.isFinite);
    closeNet(world);
  });

  it("of which only one can be sent messages are done by that one, with the same bytes", async () => {
    const [world, twin] = [netWorld(await pooled(), netShapes[2], size), netWorld(await pooled(), netShapes[2], size)];
    const expected = await moveNet(twin);
    let sent = 0;
    for (const worker of created.slice(1)) {
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message) => {
        if (++sent > 0) throw new Error("no message today");
        post(message);
      };
    }
    expect(await moveNet(world)).toBe(expected);
    expect(sent).toBeGreaterThan(0);
    expect(world.movedArrays()).toEqual(twin.movedArrays());
    closeNet(world);
    closeNet(twin);
  });
});

it("a net that needs more scratch than the workspace's layout planned is refused by every routine", async () => {
  const kernels = await openWasm({ build: "strict", threads: 1, reason: "a test" });
  const shape = { rank: 3, hidden: [40], product: false };
  const w = kernels.open({
    left: slot.realTable(2, 3),
    right: slot.realTable(2, 3),
    layers: slot.real(netPlaces(shape).length),
    row: slot.u32(4),
    out: slot.f32(4),
    value: slot.real(4),
    ...netScoringSlots(shape, 2),
    ...netTrainingSlots(shape, 2, 2, 4),
    netScratch: slot.perThread(netScratch({ ...shape, hidden: [16] }).length),
  });
  const { left, right, layers, row, out, value } = w.at;
  const bare = (table: typeof left) => ({ table, product: undefined, bias: undefined });
  const scorer = { shape, left: bare(left), right: bare(right), layers, offset: 0, work: w.at };
  const message = "larger than those of the workspace's layout";
  await expect(w.netPairs({ ...scorer, leftRow: row, rightRow: row, out })).rejects.toThrow(
    `netPairs: a table or net is ${message}`,
  );
  await expect(w.netScores({ ...scorer, query: row.subarray(0, 1), out })).rejects.toThrow(
    `netScores: a table or net is ${message}`,
  );
  const none = { first: new Float32Array(0), second: new Float32Array(0) };
  const side = (table: typeof left): NetSide => ({
    factors: { table, value: table.data, ...none },
    product: undefined,
    bias: undefined,
    row,
    regularization: 0,
    biasRegularization: 0,
  });
  const problem = {
    shape,
    left: side(left),
    right: side(right),
    layers: { value: layers, ...none },
    layerRegularization: 0,
    offset: 0,
    value,
    order: row,
    batchSize: 4,
    work: w.at,
  };
  const batches = {
    optimizer: { kind: "sgd", momentum: 0 },
    done: 0,
    rates: Float64Array.of(0.1),
    from: 0,
    to: 1,
  } as const;
  await expect(w.netBatches(problem, batches)).rejects.toThrow(`netBatches: a table or net is ${message}`);
  w.close();
});
