/**
 * ials by exact sweeps beside the Python package implicit, element by element: implicit/make.py wrote down what implicit found from the same
 * start, and with which versions.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Factorizer, type FactorModel, ials, openKernels, type RatingRecord, ratingsFrom } from "../src/index.ts";

const [USERS, ITEMS, RANK, SWEEPS] = [240, 70, 5, 4];

interface Found {
  readonly items: string;
  readonly users: string;
}
const golden: { versions: { implicit: string }; proportional: Found; linear: Found } = JSON.parse(
  readFileSync(new URL("implicit/factors.json", import.meta.url), "utf8"),
);

/** The world of make.py. */
function counts(): RatingRecord[] {
  const records: RatingRecord[] = [];
  for (let user = 0; user < USERS; user++) {
    for (let item = 0; item < ITEMS; item++) {
      if ((3 * user * user + 11 * item + user * item) % 19 >= 3) continue;
      records.push({ user, item, rating: 1 + ((user * item + user + 2 * item) % 5) });
    }
  }
  return records;
}

/** The users' factors that make.py begins from. */
function start(): Float32Array {
  const factors = new Float32Array(USERS * RANK);
  for (let user = 0; user < USERS; user++) {
    for (let f = 0; f < RANK; f++) factors[user * RANK + f] = (((13 * user + 7 * f + user * f) % 29) - 14) / 100;
  }
  return factors;
}

async function swept(method: Factorizer, backend: "wasm" | "reference"): Promise<FactorModel> {
  const state = { arrays: { userFactors: start(), itemFactors: new Float32Array(ITEMS * RANK) } };
  const kernels = await openKernels({ backend });
  const run = await method.start(ratingsFrom(counts()), kernels, 0, { passes: 0, state });
  for (let made = 0; made < SWEEPS; ) made += (await run.passes(SWEEPS - made, undefined)).length;
  const model = run.model(SWEEPS) as FactorModel;
  run.close();
  return model;
}

function decoded(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** The largest difference over the largest number. */
function apart(ours: Float32Array, theirs: Float32Array): number {
  expect(ours).toHaveLength(theirs.length);
  const largest = theirs.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return ours.reduce((most, x, j) => Math.max(most, Math.abs(x - theirs[j])), 0) / largest;
}

describe.each(["wasm", "reference"] as const)(`ials on %s beside implicit ${golden.versions.implicit}`, (backend) => {
  it.each(["proportional", "linear"] as const)(
    "confidence %s, scale 2: after 4 exact sweeps from one start no factor of 240 users and 70 items differs by 1e-4 of the largest",
    async (confidence) => {
      const method = ials({
        rank: RANK,
        solver: "cholesky",
        regularization: 0.1,
        regularizationExponent: 0,
        unobservedWeight: 1,
        observedInUnobserved: false,
        confidence,
        confidenceScale: 2,
      });
      const model = await swept(method, backend);
      expect(apart(model.itemFactors, decoded(golden[confidence].items))).toBeLessThan(1e-4);
      expect(apart(model.userFactors, decoded(golden[confidence].users))).toBeLessThan(1e-4);
    },
  );
});
