/** Callers without types get an error that says what is wanted, never one about `undefined` inside the engine. */
import { describe, expect, it } from "vitest";
import * as core from "../src/index.ts";

const ratings = core.plantedWorld({ users: 8, items: 6, rank: 1 }).ratings;
const nothing = [null, undefined, 3] as unknown as never[];

const takers: readonly (readonly [name: string, call: (given: never) => unknown, wanted: RegExp])[] = [
  ["factorize, the ratings", (given) => core.factorize(given, core.als()), /^factorize: ratings must be Ratings, got /],
  ["factorize, the method", (given) => core.factorize(ratings, given), /^factorize: method must be a method such as /],
  ["plan, the ratings", (given) => core.plan(given, core.als()), /^plan: ratings must be Ratings, got /],
  ["plan, the method", (given) => core.plan(ratings, given), /^plan: method must be a method such as /],
  [
    "evaluate, the model",
    (given) => core.evaluate(given, ratings),
    /^evaluate: scorer must be a model or a scorer, got /,
  ],
  ["evaluate, the ratings", async (given) => core.evaluate(await trained(), given), /^evaluate: test must be Ratings/],
  ["crossValidate", (given) => core.crossValidate(given, core.als()), /^crossValidate: splits must be at least one/],
  ["heldOut", (given) => core.heldOut(given, ratings, "rmse"), /^heldOut: valid must be Ratings/],
  [
    "rankSweep",
    (given) => core.rankSweep(given, { ranks: [1], method: (rank) => core.als({ rank }) }),
    /^rankSweep: ratings must be Ratings/,
  ],
  ["svdOptimum", (given) => core.svdOptimum(given, [1]), /^svdOptimum: ratings must be Ratings/],
  ["truncatedSvd", (given) => core.truncatedSvd(given, { rank: 1 }), /^truncatedSvd: ratings must be Ratings/],
  ["randomSplit", core.randomSplit, /^randomSplit: ratings must be Ratings, got .*make them with ratingsFrom/],
  ["kFold", core.kFold, /^kFold: ratings must be Ratings/],
  ["splitPerUser", core.splitPerUser, /^splitPerUser: ratings must be Ratings/],
  ["leaveLastOut", core.leaveLastOut, /^leaveLastOut: ratings must be Ratings/],
  ["splitByTime", core.splitByTime, /^splitByTime: ratings must be Ratings/],
  ["describeRatings", core.describeRatings, /^describeRatings: ratings must be Ratings/],
  ["align", (given) => core.align(given, ratings), /^align: ratings must be Ratings/],
  ["suggestMethod", core.suggestMethod, /^suggestMethod: ratings must be Ratings/],
  ["openRecommender", (given) => core.openRecommender(given), /model: must be what a training gives or a file holds/],
  ["encodeModel", core.encodeModel, /model: must be what a training gives or a file holds/],
  ["decodeModel", core.decodeModel, /^model file: not a lowrank model: .* in place of the bytes of a file/],
  ["decodeCheckpoint", core.decodeCheckpoint, /not a lowrank checkpoint: .* in place of the bytes of a file/],
];

const trained = async () => (await core.factorize(ratings, core.als({ rank: 1, sweeps: 1 }))).model;

describe("null, undefined and a number are refused by", () => {
  it.each(takers)("%s", async (_, call, wanted) => {
    for (const given of nothing) {
      const refused = await Promise.resolve()
        .then(() => call(given))
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(core.LowrankError);
      expect((refused as Error).message).toMatch(wanted);
    }
  });
});
