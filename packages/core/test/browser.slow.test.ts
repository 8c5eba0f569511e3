/** @lowrank/core as built, in a real browser: the same bytes as in Node, on web workers where the page's headers allow them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { openChromium } from "./browser/chromium.ts";
import { distFolder, servePage } from "./browser/server.ts";
import { type Results, work } from "./browser/work.js";

/** What page.js posts. */
interface PageResult {
  readonly error?: string;
  readonly isolated: boolean;
  readonly strict: Results;
  readonly byDefault: Results;
  /** One per training: strict als and ials, then default als and ials */
  readonly trainings: readonly { readonly ms: number; readonly ticks: number; readonly longestMs: number }[];
  /** Jobs that each web worker finished */
  readonly jobs: readonly number[];
  /** Answers of each web worker to a message, before and after releaseWorkers */
  readonly answersBefore: readonly number[];
  readonly answersAfter: readonly number[];
}

const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** As strict as a page may be that wants all threads: docs/browser.md tells people this one. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:";
const POLICY_WITHOUT_WORKERS = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const PATIENCE_MS = 300_000;
const methods = ["als", "ials"] as const;

/** @param query what page.js reads from its address */
async function inBrowser<T extends { readonly error?: string }>(
  headers: Record<string, string>,
  query = "",
): Promise<T> {
  const server = await servePage(headers);
  let timer: NodeJS.Timeout | undefined;
  try {
    const browser = await openChromium(server.url + query);
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`the page gave no result in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
      });
      const result = (await Promise.race([server.result, browser.ended, late])) as T;
      if (result.error !== undefined) throw new Error(`in the page: ${result.error}`);
      return result;
    } finally {
      clearTimeout(timer);
      await browser.close();
    }
  } finally {
    await server.close();
  }
}

let inNode: Results;
/** Of the default build, one per page */
const digests: string[] = [];

beforeAll(async () => {
  const entry = join(distFolder, "index.js");
  if (!existsSync(entry)) throw new Error("packages/core/dist is not there; run npm run build first");
  const core = (await import(pathToFileURL(entry).href)) as typeof import("../src/index.ts");
  inNode = await work(core, { reproducible: true, threads: 1 });
  return () => core.releaseWorkers();
}, PATIENCE_MS);

interface Page {
  readonly name: string;
  readonly headers: Record<string, string>;
  readonly query?: string;
  readonly isolated: boolean;
  readonly reason: string;
}

const pages: readonly Page[] = [
  {
    name: "a page with both isolation headers and a policy that allows workers from blobs",
    headers: { ...isolation, "Content-Security-Policy": POLICY },
    isolated: true,
    reason: "2 threads, as asked",
  },
  {
    name: "a worker of such a page, itself a file with the same headers",
    headers: { ...isolation, "Content-Security-Policy": POLICY.replace("worker-src", "worker-src 'self'") },
    query: "?in=worker",
    isolated: true,
    reason: "2 threads, as asked",
  },
  {
    name: "a page without the isolation headers",
    headers: {},
    isolated: false,
    reason:
      "one thread: this page is not cross-origin isolated (it needs the headers Cross-Origin-Opener-Policy: same-origin " +
      "and Cross-Origin-Embedder-Policy: require-corp)",
  },
  {
    name: "a page with both isolation headers and a policy that forbids workers",
    headers: { ...isolation, "Content-Security-Policy": POLICY_WITHOUT_WORKERS },
    isolated: true,
    reason: "one thread: this host cannot start workers (a page's content policy must allow worker-src blob:)",
  },
];

describe.each(pages)("$name", ({ name, headers, query, isolated, reason }) => {
  const threads = reason.startsWith("one") ? 1 : 2;
  let page: PageResult;

  beforeAll(async () => {
    page = await inBrowser<PageResult>(headers, query);
    digests.push(methods.map((method) => page.byDefault[method].digest).join(" "));
    const lines = page.trainings.map(({ ms, ticks, longestMs }, t) => {
      const what = `${t < methods.length ? "strict" : "default"} ${methods[t % methods.length]}`;
      return `${what}: ${ms.toFixed(0)} ms, ${ticks} ticks, longest pause of the page ${longestMs.toFixed(0)} ms`;
    });
    console.log([`${name}: ${page.jobs.length} workers, jobs ${page.jobs}`, ...lines].join("\n"));
  }, 2 * PATIENCE_MS);

  it("trains, lists, explains and writes with the strict build exactly what Node does, to the last bit", () => {
    for (const method of methods) {
      const { kernels: _k, threads: _t, ...answer } = page.strict[method];
      const { kernels: _nk, threads: _nt, ...expected } = inNode[method];
      expect(answer).toEqual(expected);
      expect(answer.list).toHaveLength(10);
      expect(answer.digestOfDecoded).toBe(answer.digest);
    }
  });

  it("comes with the default build, where it is the relaxed one, within 1e-3 of the same training figures", () => {
    for (const method of methods) {
      const { data, loss, digest, digestOfDecoded, list } = page.byDefault[method];
      expect(data).toBe(inNode[method].data);
      for (const [pass, figure] of inNode[method].loss.entries()) {
        expect(Math.abs(loss[pass] - figure)).toBeLessThan(1e-3 * Math.abs(figure));
      }
      expect(digestOfDecoded).toBe(digest);
      expect(list).toHaveLength(10);
    }
  });

  it(`reports ${reason}`, () => {
    expect(page.isolated).toBe(isolated);
    for (const result of [page.strict, page.byDefault].flatMap((both) => methods.map((method) => both[method]))) {
      expect(result.threads).toBe(threads);
      expect(result.kernels).toContain(reason);
    }
  });

  it("has its timer tick during each of the 4 trainings", () => {
    expect(page.trainings).toHaveLength(4);
    for (const { ticks } of page.trainings) expect(ticks).toBeGreaterThan(0);
  });

  if (threads === 2) {
    it("has 2 web workers do at least one job per half-sweep each, and releaseWorkers ends them", () => {
      expect(page.jobs).toHaveLength(2);
      const halfSweeps = page.trainings.length * 4 * 2;
      for (const jobs of page.jobs) expect(jobs).toBeGreaterThanOrEqual(halfSweeps);
      expect(page.answersBefore).toEqual(page.jobs.map(() => 1));
      expect(page.answersAfter).toEqual(page.jobs.map(() => 0));
    });
  } else {
    it(`does all the work on its own thread, having tried ${isolated ? "one worker" : "no worker"}`, () => {
      expect(page.jobs).toEqual(isolated ? [0] : []);
    });
  }
});

it(
  "a page whose policy forbids WebAssembly gets plain TypeScript on auto, and a refusal by name on wasm",
  async () => {
    const policy = { "Content-Security-Policy": "default-src 'self'" };
    const { auto, wasm } = await inBrowser<{ error?: string; auto: string; wasm: string }>(policy, "?only=kernels");
    expect(auto).toBe(
      "plain TypeScript in double precision on one thread: this page's content policy forbids WebAssembly " +
        "(script-src must allow 'wasm-unsafe-eval')",
    );
    expect(wasm).toContain('backend "wasm" cannot run: this page\'s content policy forbids WebAssembly');
  },
  2 * PATIENCE_MS,
);

it("the default build gives the same bytes in all pages, whatever the threads", () => {
  expect(digests).toHaveLength(pages.length);
  expect(new Set(digests)).toHaveProperty("size", 1);
});
