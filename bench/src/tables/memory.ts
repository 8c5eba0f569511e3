/** Peak memory of a training of 20 million ratings, ours beside LIBMF and implicit, each in a process of its own. */
import { trainApart } from "../apart.ts";
import { libraryOf, pythonWith } from "../environments.ts";
import { times } from "../page.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { cells, matrix, withArrays } from "../scratch.ts";
import { type WorldSize, world, world20M } from "../worlds.ts";

const RANK = 64;
const THREADS = 2;
/** Memory is at its peak in the first pass. */
const PASSES = 2;

interface Race {
  readonly what: string;
  readonly rival: string;
  /** Bytes of the process's peak above what it held before it read the ratings */
  readonly ours: number;
  readonly theirs: number;
  readonly ratings: number;
  readonly tableBytes: number;
}

export async function run({ quick }: Context): Promise<Table> {
  const size = quick ? { users: 3000, items: 2000, ratings: 100_000 } : world20M;
  const libmf = await Rival.start({
    program: await pythonWith("numpy"),
    script: "libmf_sgd.py",
    args: [await libraryOf("libmf")],
  });
  const implicit = await Rival.start({
    program: await pythonWith("implicit"),
    script: "implicit_als.py",
    args: [THREADS],
  });
  try {
    const bytes = await rivalsBytes(size, libmf, implicit);
    const races = [
      { method: "sgd", rival: "LIBMF", theirs: bytes.libmf },
      { method: "ials", rival: "implicit", theirs: bytes.implicit },
    ] as const;
    return table(
      races.map(({ method, rival, theirs }): Race => {
        const figures = trainApart(size, method, { rank: RANK, passes: PASSES, threads: THREADS });
        const { peakBytes, emptyBytes, ratings, tableBytes } = figures;
        return { what: `${method}()`, rival, ours: peakBytes - emptyBytes, theirs, ratings, tableBytes };
      }),
      { ...libmf.versions, ...implicit.versions },
    );
  } finally {
    libmf.stop();
    implicit.stop();
  }
}

async function rivalsBytes(size: WorldSize, libmf: Rival, implicit: Rival) {
  const { train, test } = await world(size);
  const shape = { users: train.users.size, items: train.items.size, rank: RANK, threads: THREADS };
  const sgd = await withArrays({ ...cells("train", train), ...cells("test", test) }, (folder) =>
    libmf.ask({ folder, ...shape, epochs: PASSES, learningRate: 0.1, regularization: 0.05, once: true }),
  );
  const als = await withArrays(matrix(train.byUser), async (folder) => {
    await implicit.ask({ case: "load", folder, rows: shape.users, columns: shape.items });
    return implicit.ask({ case: "fit", rank: RANK, regularization: 0.1, iterations: PASSES, exact: false, seed: 1 });
  });
  return { libmf: sgd.bytes as number, implicit: als.bytes as number };
}

function table(races: readonly Race[], versions: Readonly<Record<string, string>>): Table {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  const each = (bytes: number, { tableBytes, ratings }: Race) => ((bytes - tableBytes) / ratings).toFixed(1);
  return {
    name: "memory",
    title: "Peak memory of a training: lowrank beside LIBMF and implicit",
    notes: [
      `The made world of 20 million ratings, nine tenths of them trained on, rank ${RANK}, ${THREADS} threads. Each training in a process of its own: the peak of its memory above`,
      "what it held before it read the ratings from raw arrays; in brackets what that is for each rating, factor tables aside. LIBMF is given the ratings as the records that it works on,",
      "implicit a sparse matrix, both read without a second copy.",
    ],
    versions,
    columns: [
      { key: "what", title: "method" },
      { key: "rival", title: "rival" },
      { key: "ours", title: "lowrank" },
      { key: "theirs", title: "rival's" },
      { key: "ratio", title: "of the rival's" },
    ],
    rows: races.map((race) => ({
      what: race.what,
      rival: race.rival,
      ours: `${gib(race.ours)} (${each(race.ours, race)} bytes)`,
      theirs: `${gib(race.theirs)} (${each(race.theirs, race)} bytes)`,
      ratio: times(race.ours / race.theirs),
    })),
    comparisons: races.map(
      ({ what, rival, ours, theirs }): Comparison => ({
        what: `${what} on 20 million ratings, rank ${RANK}`,
        rival,
        measure: "bytes at the peak",
        ours,
        theirs,
        better: "lower",
      }),
    ),
    untimed: true,
    details: races,
  };
}
