/** 10,000 short fits in one process leak nothing: not the heap, not kernel memory, not workers. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";

const core = new URL("../dist/index.js", import.meta.url);

/** Fits, predicts and recommends over and over; prints memory after the first thousand rounds and after the last. */
const program = `
import { als, factorize, ials, openRecommender, ratingsFrom } from ${JSON.stringify(core.href)};
const records = [];
for (let u = 0; u < 30; u++) for (let i = 0; i < 20; i++) if ((u * 7 + i * 3) % 4) records.push({ user: u, item: i, rating: 1 + (u * i) % 5 });
const ratings = ratingsFrom(records);
const methods = [als({ rank: 4, sweeps: 2 }), ials({ rank: 5, sweeps: 2 }), ials({ rank: 3, sweeps: 2, solver: "cg" })];
const digests = new Set();
const measure = () => {
  global.gc(); global.gc();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { heapUsed, external, arrayBuffers, rss };
};
let early;
for (let round = 1; round <= 10_000; round++) {
  const { model, report } = await factorize(ratings, methods[round % 3], { threads: 1 + round % 2 });
  digests.add(report.digest);
  if (round % 10 === 0) {
    const recommender = await openRecommender(model);
    await recommender.recommend(3, { n: 5 });
    recommender.close();
  }
  if (round === 1_000) early = measure();
}
console.log(JSON.stringify({ early, late: measure(), digests: digests.size }));
`;

describe("10,000 short fits in one process", () => {
  it("leave heap and buffers within 2 MB and resident memory within 64 MB of where they were after 1,000", () => {
    if (!existsSync(core)) throw new Error("packages/core/dist is not there; run npm run build first");
    const output = execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    const { early, late, digests } = JSON.parse(output);
    console.log(output);
    for (const kind of ["heapUsed", "external", "arrayBuffers"]) {
      expect(late[kind] - early[kind]).toBeLessThan(2 * 2 ** 20);
    }
    // Resident memory also holds compiled code and the allocator's slack; the smallest kernel memory is 64 kB, so a leak of one a
    // fit would show as 576 MB.
    expect(late.rss - early.rss).toBeLessThan(64 * 2 ** 20);
    expect(digests).toBe(3);
  });
});
