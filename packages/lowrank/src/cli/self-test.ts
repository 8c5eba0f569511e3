/**
 * A tiny training whose strict result is known: tells whether this machine computes what every other one does.
 *
 * The digest below changes only when the arithmetic of `als` changes on purpose; self-test.test.ts holds it.
 */
import { als, type FitReport, factorize, type RatingRecord, ratingsFrom } from "@lowrank/core";

/** Digest of the strict build's model after the settings below; the same on every engine and machine. */
export const RECORDED_DIGEST = "fbae41705e8dc6ae";

/** 30 users, 20 items, about every third pair rated from 1 to 5, by whole-number rules only. */
function smallWorld(): RatingRecord[] {
  const records: RatingRecord[] = [];
  for (let user = 0; user < 30; user++) {
    for (let item = 0; item < 20; item++) {
      if ((user * 7 + item * 11) % 3 === 0)
        records.push({ user, item, rating: 1 + ((user * item + user + 2 * item) % 5) });
    }
  }
  return records;
}

/** Trains the small world. `strict` asks for the reproducible build; otherwise whatever this host prefers. */
export async function selfTest(strict: boolean): Promise<FitReport> {
  const { report } = await factorize(ratingsFrom(smallWorld()), als({ rank: 5, sweeps: 4, regularization: 0.1 }), {
    seed: 1,
    backend: "wasm",
    ...(strict ? { reproducible: true } : {}),
  });
  return report;
}
