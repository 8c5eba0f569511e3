/** The leading singular values of the Gowalla training matrix, ours beside SciPy's ARPACK, in turns. */
import { readFile } from "node:fs/promises";
import { openKernels, type RatingRecord, ratingsFrom, truncatedSvd } from "@lowrank/core";
import { dataFile } from "../data.ts";
import { pythonWith } from "../environments.ts";
import { interleave, timed } from "../interleave.ts";
import { timeOf, times } from "../page.ts";
import type { Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { matrix, withArrays } from "../scratch.ts";

const ROUNDS = 3;
const THREADS = 2;
const RANK = 64;
const OURS = "lowrank truncatedSvd";
const dtypes = ["float64", "float32"] as const;

export async function run({ quick }: Context): Promise<Table> {
  const ratings = ratingsFrom(visits(await readFile(dataFile("gowalla", "train.txt"), "utf8")));
  const kernels = await openKernels({ threads: THREADS });
  const rival = await Rival.start({ program: await pythonWith("scipy"), script: "scipy_svd.py" });
  const values = new Map<string, readonly number[]>();
  try {
    return await withArrays(matrix(ratings.byUser), async (folder) => {
      const question = { folder, rows: ratings.users.size, columns: ratings.items.size, rank: RANK };
      const ours = {
        name: OURS,
        turn: async () => {
          const { seconds, value } = await timed(() => truncatedSvd(ratings, { rank: RANK, missing: "zero", kernels }));
          values.set(OURS, Array.from(value.values));
          return { seconds, count: 1, quality: value.errorEstimate };
        },
      };
      const theirs = dtypes.map((dtype) => ({
        name: `SciPy svds (ARPACK), ${dtype}`,
        turn: async () => {
          const answer = await rival.ask({ ...question, dtype });
          values.set(dtype, answer.values as number[]);
          return { seconds: answer.seconds as number, count: 1, quality: 0 };
        },
      }));
      const rounds = quick ? { rounds: 1, warmUp: false } : { rounds: ROUNDS };
      const standings = await interleave([ours, ...theirs], rounds);
      const apart = farthest(values.get(OURS) ?? [], values.get("float64") ?? []);
      return {
        name: "svd",
        title: `Truncated SVD of the Gowalla training matrix, rank ${RANK}`,
        notes: [
          `${ratings.users.size} × ${ratings.items.size}, ${ratings.size} ones; ${ROUNDS} rounds in turns after a warm-up, ${THREADS} threads;`,
          `SciPy's time is of svds alone. The ${RANK} singular values differ from its float64 ones by at most ${apart.toExponential(1)}, relatively.`,
        ],
        versions: rival.versions,
        columns: [
          { key: "name", title: "" },
          { key: "time", title: "time" },
          { key: "ratio", title: "of lowrank's" },
        ],
        rows: standings.map((standing) => ({
          name: standing.name,
          time: timeOf(standing),
          ratio: times(standing.secondsEach / standings[0].secondsEach),
        })),
        comparisons: standings.slice(1).map(({ name: rival, secondsEach }) => ({
          what: `Gowalla training matrix, rank ${RANK}`,
          rival,
          measure: "seconds",
          ours: standings[0].secondsEach,
          theirs: secondsEach,
          better: "lower",
        })),
        details: { standings, values: Object.fromEntries(values) },
      };
    });
  } finally {
    rival.stop();
  }
}

/** The largest relative difference. */
function farthest(a: readonly number[], b: readonly number[]): number {
  return Math.max(...b.map((value, i) => Math.abs(a[i] / value - 1)));
}

/** A line for each user: the user, then the items visited. */
function* visits(text: string): Generator<RatingRecord> {
  for (const line of text.trim().split("\n")) {
    const [user, ...items] = line.trim().split(/\s+/).map(Number);
    for (const item of items) yield { user, item };
  }
}
