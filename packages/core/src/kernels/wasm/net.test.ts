/** Nets on workers that fail: phases wait for each other, and nobody may wait for ever. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { closeNet, moveNet, netShapes, netWorld } from "../net.case.ts";
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
    await moveNet(world, { to: 1 }); // all three are at work from here on
    const failing = moveNet(world);
    await new Promise(setImmediate);
    await created[1].terminate();
    await expect(failing).rejects.toMatchObject({ code: "kernel", message: expect.stringContaining("netTrain") });
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
