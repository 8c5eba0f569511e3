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
      // A training of LIBMF's takes up to two minutes here; one before the round, for the target.
      rounds: 1,
      penalties: [0.04],
      penaltiesNote:
        "L2 penalty 0.04, of 0.03, 0.04, 0.05 and 0.07 the best for it at rank 32 on these very held-out ratings",
      load: () => world(world20M),
      withNpm: false,
    },
    context,
  );
