/** sgd() beside LIBMF on a synthetic world of 20 million ratings. */
import type { Run } from "../results.ts";
import { raceBesideLibmf } from "../sgd-race.ts";
import { world, world20M } from "../worlds.ts";

export const run: Run = (context) =>
  raceBesideLibmf(
    {
      table: "sgd-20m",
      data: "20 million ratings",
      about: "A world made from a seed: 138,000 users, 27,000 items, half stars, a planted rank of 12 with noise.",
      rounds: 3,
      load: () => world(world20M),
      withNpm: false,
    },
    context,
  );
