/** The leading singular values of the Gowalla training matrix, ours beside SciPy's ARPACK, in turns. */
import { readFile } from "node:fs/promises";
import { openKernels, type RatingRecord, ratingsFrom, truncatedSvd } from "@lowrank/core";
import { dataFile } from "../data.ts";
import { interleave } from "../interleave.ts";
import { time, times, writeResults } from "../results.ts";
import { Rival } from "../rival.ts";
import { withArrays } from "../scratch.ts";

const ROUNDS = 3;
const THREADS = 2;
const RANK = 64;

export async function run(): Promise<string> {
  const ratings = ratingsFrom(visits(await readFile(dataFile("gowalla", "train.txt"), "utf8")));
  const { start, index, value } = ratings.byUser;
  const kernels = await openKernels({ threads: THREADS });
  const rival = await Rival.start("scipy_svd.py", []);
  const values: Record<string, readonly number[]> = {};
  try {
    return await withArrays({ "start.u32": start, "index.u32": index, "value.f32": value }, async (folder) => {
      const question = { folder, rows: ratings.users.size, columns: ratings.items.size, rank: RANK };
      const ours = async () => {
        const started = performance.now();
        const svd = await truncatedSvd(ratings, { rank: RANK, missing: "zero", kernels });
        values.lowrank = Array.from(svd.values);
        return { seconds: (performance.now() - started) / 1000, count: 1, quality: svd.errorEstimate };
      };
      const theirs = async () => {
        const answer = await rival.ask(question);
        values.scipy = answer.values as number[];
        return { seconds: answer.seconds as number, count: 1, quality: 0 };
      };
      const standings = await interleave(
        [
          { name: "lowrank truncatedSvd", turn: ours },
          { name: "SciPy svds (ARPACK)", turn: theirs },
        ],
        ROUNDS,
      );
      const apart = Math.max(...values.lowrank.map((value, i) => Math.abs(value / values.scipy[i] - 1)));
      return writeResults({
        name: "svd",
        title: `Truncated SVD of the Gowalla training matrix, rank ${RANK}`,
        notes: [
          `${ratings.users.size} × ${ratings.items.size}, ${ratings.size} ones; medians of ${ROUNDS} rounds in turns after a warm-up, ${THREADS} threads for lowrank;`,
          `SciPy's time is of svds alone. The ${RANK} singular values differ by at most ${apart.toExponential(1)}, relatively.`,
        ],
        versions: rival.versions,
        columns: [
          { key: "name", title: "" },
          { key: "time", title: "time" },
          { key: "ratio", title: "of SciPy's" },
        ],
        rows: standings.map(({ name, secondsEach }) => ({
          name,
          time: time(secondsEach),
          ratio: times(secondsEach / standings[1].secondsEach),
        })),
        details: { standings, values },
      });
    });
  } finally {
    rival.stop();
  }
}

/** A line for each user: the user, then the items visited. */
function* visits(text: string): Generator<RatingRecord> {
  for (const line of text.trim().split("\n")) {
    const [user, ...items] = line.trim().split(/\s+/).map(Number);
    for (const item of items) yield { user, item };
  }
}
