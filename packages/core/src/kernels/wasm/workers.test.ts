/** Workers of the wasm backend, of Node and of a page: when they are started, and what happens where they fail or cannot be had. */
import { resolveObjectURL } from "node:buffer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openKernels } from "../choose.ts";
import { explicitWorld, fillRandom } from "../worlds.case.ts";
import { nodeThreads } from "./host.ts";
import { alone, longCall, pooled } from "./opened.case.ts";
import { endIdle } from "./pool.ts";

describe("workers", () => {
  const threads = nodeThreads();
  if (threads === undefined) throw new Error("these tests need node:worker_threads");
  const Original = threads.Worker;
  const created: InstanceType<typeof Original>[] = [];

  beforeEach(async () => {
    await endIdle();
    created.length = 0;
    threads.Worker = class extends Original {
      constructor(...args: ConstructorParameters<typeof Original>) {
        super(...args);
        created.push(this);
      }
    };
  });

  afterEach(async () => {
    threads.Worker = Original;
    await endIdle();
  });

  it("are started for the first job, kept for the next, and ended on request", async () => {
    const { problem, workspace } = explicitWorld(await pooled(), { rank: 4 });
    await workspace.solveRows(problem, { kind: "cholesky" });
    await workspace.solveRows(problem, { kind: "cholesky" });
    expect(created).toHaveLength(2);
    await endIdle();
    await workspace.solveRows(problem, { kind: "cholesky" });
    expect(created).toHaveLength(4);
    workspace.close();
  });

  it("of which one dies in a job fail that call, and the next call succeeds", async () => {
    const { solve, workspace } = longCall(await pooled());
    await solve();
    const failing = solve();
    await new Promise(setImmediate);
    await created[0].terminate();
    await expect(failing).rejects.toMatchObject({ code: "kernel", message: expect.stringContaining("solveExplicit") });
    expect(await solve()).toBeUndefined();
    expect(created).toHaveLength(3);
    workspace.close();
  });

  it("and the calling thread report a kernel that leaves its memory, and go on", async () => {
    for (const kernels of [await pooled(), await alone()]) {
      const { problem, workspace } = explicitWorld(kernels, { rank: 4 });
      const right = problem.entries.index[0];
      problem.entries.index[0] = 40_000_000;
      const failing = workspace.solveRows(problem, { kind: "cholesky" });
      await expect(failing).rejects.toMatchObject({
        code: "kernel",
        message: expect.stringContaining("out of bounds"),
      });
      problem.entries.index[0] = right;
      expect(await workspace.solveRows(problem, { kind: "cholesky" })).toBeUndefined();
      workspace.close();
    }
  });

  it.each([
    ["the second of two", (sent: number) => sent > 2],
    ["both", () => true],
  ])("of which %s cannot be sent messages leave the work to the others, with the same result", async (_, refuses) => {
    const { problem, workspace } = explicitWorld(await pooled(), { rank: 7, rows: 300 });
    await workspace.solveRows(problem, { kind: "cholesky" });
    const expected = problem.out.data.slice();
    await endIdle();
    let sent = 0;
    threads.Worker = class extends Original {
      override postMessage(message: unknown): void {
        if (refuses(++sent)) throw new Error("could not be cloned");
        super.postMessage(message);
      }
    };
    fillRandom(problem.out, 5);
    expect(await workspace.solveRows(problem, { kind: "cholesky" })).toBeUndefined();
    expect(problem.out.data).toEqual(expected);
    expect(sent).toBeGreaterThan(1);
    workspace.close();
  });

  it.each([
    ["cannot be made", () => expect.fail("no workers here")],
    ["end before they begin", (): string => "process.exit(0)"],
  ])("that %s leave the work to the calling thread, with the same result", async (_, source) => {
    const { problem, workspace } = explicitWorld(await pooled(), { rank: 7 });
    await workspace.solveRows(problem, { kind: "cholesky" });
    const expected = problem.out.data.slice();
    await endIdle();
    threads.Worker = class extends Original {
      constructor(_source: string, options: ConstructorParameters<typeof Original>[1]) {
        super(source(), options);
      }
    };
    fillRandom(problem.out, 5);
    expect(await workspace.solveRows(problem, { kind: "cholesky" })).toBeUndefined();
    expect(problem.out.data).toEqual(expected);
    workspace.close();
  });
});

/** A browser's Worker in so far as the pool uses it: the script runs in this thread, messages take a turn. */
class PageWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly #scope: { onmessage?: (event: { data: unknown }) => void; postMessage(data: unknown): void };
  readonly #started: Promise<void>;

  constructor(url: string) {
    this.#scope = { postMessage: (data) => setImmediate(() => this.onmessage?.({ data })) };
    const blob = resolveObjectURL(url);
    this.#started = (blob?.text() ?? Promise.reject(new Error("no script")))
      .then((source) => new Function("self", "process", source)(this.#scope, undefined))
      .catch((error) => this.onerror?.({ message: String(error) }));
  }

  postMessage(data: unknown): void {
    void this.#started.then(() => this.#scope.onmessage?.({ data }));
  }

  terminate(): void {}
}

describe("in a page", () => {
  const { getBuiltinModule } = process;
  const page = globalThis as { Worker?: unknown };

  beforeEach(async () => {
    await endIdle();
    process.getBuiltinModule = () => undefined as never;
  });

  afterEach(async () => {
    await endIdle();
    process.getBuiltinModule = getBuiltinModule;
    delete page.Worker;
  });

  it("web workers from a blob give the same rows as the calling thread", async () => {
    page.Worker = PageWorker;
    const [web, here] = [await pooled(), await alone()].map((kernels) =>
      explicitWorld(kernels, { rank: 11, rows: 50 }),
    );
    for (const { problem, workspace } of [web, here]) {
      expect(await workspace.solveRows(problem, { kind: "cholesky" })).toBeUndefined();
    }
    expect(Array.from(web.problem.out.data)).toEqual(Array.from(here.problem.out.data));
    web.workspace.close();
    here.workspace.close();
  });

  it("kernels opened for 2 threads say 2 where a worker starts, 1 where none does, and try only one worker for that", async () => {
    let tried = 0;
    page.Worker = class {
      constructor() {
        tried++;
        throw new Error("refused by Content Security Policy");
      }
    };
    for (let time = 0; time < 3; time++) {
      const kernels = await openKernels({ threads: 2 });
      expect(kernels).toMatchObject({ backend: "wasm", threads: 1 });
      expect(kernels.reason).toContain("cannot start workers");
    }
    expect(tried).toBe(1);
    await endIdle();
    page.Worker = class extends PageWorker {
      constructor() {
        super("blob:nothing");
      }
    };
    expect(await openKernels({ threads: 2 })).toMatchObject({ threads: 1 });
    await endIdle();
    page.Worker = PageWorker;
    expect(await openKernels({ threads: 2 })).toMatchObject({ threads: 2 });
  });

  it("a pool that is emptied while its first worker starts is no refusal", async () => {
    page.Worker = PageWorker;
    const opening = openKernels({ threads: 2 });
    await endIdle();
    expect(await opening).toMatchObject({ threads: 2 });
  });

  it("web workers that a content policy forbids leave the work to the calling thread", async () => {
    for (const Forbidden of [
      class {
        constructor() {
          throw new Error("refused by Content Security Policy");
        }
      },
      class extends PageWorker {
        constructor() {
          super("blob:nothing");
        }
      },
    ]) {
      page.Worker = Forbidden;
      const { problem, workspace } = explicitWorld(await pooled(), { rank: 11 });
      expect(await workspace.solveRows(problem, { kind: "cholesky" })).toBeUndefined();
      expect(problem.out.data.some((value) => value !== 0)).toBe(true);
      workspace.close();
    }
  });
});
