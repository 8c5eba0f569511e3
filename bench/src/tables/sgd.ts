/** sgd() beside LIBMF on MovieLens 1M. */
import { randomSplit } from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import type { Run } from "../results.ts";
import { raceBesideLibmf } from "../sgd-race.ts";

export const run: Run = (context) =>
  raceBesideLibmf(
    {
      table: "sgd",
      data: "MovieLens 1M",
      about: "Random 90/10.",
      rounds: 5,
      penalties: [0.03, 0.04, 0.05, 0.07, 0.1],
      load: async () => {
        const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
        return randomSplit(ratings, { testFraction: 0.1, seed: 1 });
      },
      withNpm: true,
    },
    context,
  );
