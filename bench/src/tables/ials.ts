/** Implicit feedback by alternating least squares, ours beside implicit: time to the same objective, exact solves, factors. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CellValues,
  type FactorModel,
  factorize,
  type IalsOptions,
  ials,
  type Kernels,
  openKernels,
  type Ratings,
} from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { pythonWith } from "../environments.ts";
import { interleave, type Standing } from "../interleave.ts";
import { timeOf, times } from "../page.ts";
import { apart, implicitObjective } from "../quality.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { matrix, withArrays } from "../scratch.ts";
import { fresh } from "../worlds.ts";

const THREADS = 2;
const ROUNDS = 5;
const RANKS = [32, 64, 128];
const EXACT_RANK = 64;
/** implicit's, whose objective is the target */
const ITERATIONS = 12;
/** In which ours must reach it */
const MOST_SWEEPS = 30;
const SEED = 1;

/** The same objective on both sides: seen cells weigh 1 + 2 · rating, unseen ones 1. */
const CONFIDENCE_SCALE = 2;
const REGULARIZATION = 0.1;
const shared: IalsOptions = {
  regularization: REGULARIZATION,
  regularizationExponent: 0,
  unobservedWeight: 1,
  observedInUnobserved: false,
  confidence: "linear",
  confidenceScale: CONFIDENCE_SCALE,
};

/** One line of the table. */
interface Race {
  readonly what: string;
  readonly measure: string;
  readonly standings: readonly Standing[];
  readonly objective: readonly string[];
  readonly passes: readonly [number, number];
}

export async function run({ quick }: Context): Promise<Table> {
  const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
  const kernels = await openKernels({ threads: THREADS });
  const program = await pythonWith("implicit");
  const rival = await Rival.start({ program, script: "implicit_als.py", args: [THREADS] });
  const rounds = quick ? 1 : ROUNDS;
  try {
    return await withArrays(matrix(weighted(ratings)), async (folder) => {
      await rival.ask({ case: "load", folder, rows: ratings.items.size, columns: ratings.users.size });
      const sides = { ratings, kernels, rival, folder, rounds };
      const races: Race[] = [];
      for (const rank of quick ? [RANKS[0]] : RANKS) races.push(await toObjective(rank, sides));
      races.push(await exactSweeps(sides));
      const agreement = await factorsAgree(sides);
      return table(races, agreement, rival, ratings);
    });
  } finally {
    rival.stop();
  }
}

interface Sides {
  readonly ratings: Ratings;
  readonly kernels: Kernels;
  readonly rival: Rival;
  readonly folder: string;
  readonly rounds: number;
}

/**
 * Confidences, items by users: our sweep solves the items first, implicit's its rows, so the items are its rows.
 */
function weighted({ byItem }: Ratings) {
  return { ...byItem, value: CellValues.of(byItem.value.toFloats().map((rating) => 1 + CONFIDENCE_SCALE * rating)) };
}

/** implicit's iterations against as many sweeps of ours as get below its objective. */
async function toObjective(rank: number, { ratings, kernels, rival, folder, rounds }: Sides): Promise<Race> {
  const question = {
    case: "fit",
    rank,
    regularization: REGULARIZATION,
    iterations: ITERATIONS,
    exact: false,
    seed: SEED,
  };
  await rival.ask({ ...question, keep: folder });
  const confidences = weighted(ratings);
  const objective = (rowFactors: Float32Array, columnFactors: Float32Array) =>
    implicitObjective(confidences, { rank, rowFactors, columnFactors }, REGULARIZATION);
  const target = objective(await floats(folder, "row.f32"), await floats(folder, "column.f32"));
  const method = (sweeps: number) => ials({ ...shared, rank, sweeps, solver: "cg" });
  const course = await factorize(ratings, method(MOST_SWEEPS), {
    kernels,
    seed: SEED,
    certificate: false,
    validation: {
      name: "objective",
      better: "lower",
      measure: async (model) => {
        const { itemFactors, userFactors } = model as FactorModel;
        return objective(itemFactors, userFactors);
      },
    },
  });
  const there = course.report.validation?.values.find(({ value }) => value <= target);
  if (there === undefined) throw new Error(`ials did not reach ${target} in ${MOST_SWEEPS} sweeps at rank ${rank}`);
  const standings = await interleave(
    [
      {
        name: "lowrank",
        turn: async () => {
          const { report } = await factorize(fresh(ratings), method(there.pass), {
            kernels,
            seed: SEED,
            certificate: false,
          });
          return { seconds: report.seconds.total, count: 1, quality: there.value };
        },
      },
      {
        name: "implicit",
        turn: async () => ({ seconds: (await rival.ask(question)).seconds as number, count: 1, quality: target }),
      },
    ],
    { rounds },
  );
  return {
    what: `conjugate gradient, rank ${rank}`,
    measure: "seconds to the same objective",
    standings,
    objective: [there.value, target].map((value) => value.toFixed(0)),
    passes: [there.pass, ITERATIONS],
  };
}

/** Passes over both sides, each row solved exactly; what comes before them is left out on both sides. */
async function exactSweeps({ ratings, kernels, rival, rounds }: Sides): Promise<Race> {
  const [rank, sweeps] = [EXACT_RANK, 3];
  const question = { case: "fit", rank, regularization: REGULARIZATION, iterations: sweeps, exact: true, seed: SEED };
  const method = ials({ ...shared, rank, sweeps, solver: "cholesky" });
  const standings = await interleave(
    [
      {
        name: "lowrank",
        turn: async () => {
          const { report } = await factorize(fresh(ratings), method, { kernels, seed: SEED, certificate: false });
          return { seconds: sumOf(report.seconds.passes), count: sweeps, quality: 0 };
        },
      },
      {
        name: "implicit",
        turn: async () => ({
          seconds: sumOf((await rival.ask(question)).passes as number[]),
          count: sweeps,
          quality: 0,
        }),
      },
    ],
    { rounds },
  );
  return {
    what: `exact, rank ${rank}`,
    measure: "seconds per pass",
    standings,
    objective: ["", ""],
    passes: [sweeps, sweeps],
  };
}

const sumOf = (seconds: readonly number[]) => seconds.reduce((sum, each) => sum + each, 0);

/** How far the factors are apart after two exact passes from the same start. */
async function factorsAgree({ ratings, kernels, rival, folder }: Sides): Promise<number> {
  const [rank, sweeps] = [EXACT_RANK, 2];
  const method = ials({ ...shared, rank, sweeps, solver: "cholesky" });
  const begun = await method.start(ratings, kernels, SEED);
  const { userFactors } = begun.model(0) as FactorModel;
  begun.close();
  return withArrays({ "start.f32": userFactors }, async (from) => {
    const start = join(from, "start.f32");
    const question = { case: "fit", rank, regularization: REGULARIZATION, iterations: sweeps, exact: true, seed: SEED };
    await rival.ask({ ...question, start, keep: folder });
    const { model } = await factorize(ratings, method, { kernels, seed: SEED });
    return Math.max(
      apart(model.itemFactors, await floats(folder, "row.f32")),
      apart(model.userFactors, await floats(folder, "column.f32")),
    );
  });
}

async function floats(folder: string, name: string): Promise<Float32Array> {
  return new Float32Array((await readFile(join(folder, name))).buffer as ArrayBuffer);
}

function table(races: readonly Race[], agreement: number, rival: Rival, ratings: Ratings): Table {
  return {
    name: "ials",
    title: "Implicit feedback by alternating least squares: lowrank beside implicit",
    notes: [
      `MovieLens 1M (${ratings.size} ratings) as implicit feedback: a seen cell weighs 1 + ${CONFIDENCE_SCALE} · rating, an unseen one 1, λ ${REGULARIZATION}; ${THREADS} threads each.`,
      `Conjugate gradient: implicit makes ${ITERATIONS} iterations of 3 steps; lowrank as many sweeps as reach that objective. Time is of the whole fit on both`,
      "sides, the transposed ratings included; of exact passes, of these alone, our training figure with them. The objective is worked out here in double precision, by one formula for both.",
      'Solvers are named on both sides; solver "auto" of ials() solves exactly up to rank 32 or so, where that costs least.',
      `From the same start, factors differ after two exact passes by at most ${agreement.toExponential(1)} of the largest.`,
    ],
    versions: rival.versions,
    columns: [
      { key: "what", title: "solver" },
      { key: "measure", title: "" },
      { key: "ours", title: "lowrank" },
      { key: "theirs", title: "implicit" },
      { key: "ratio", title: "of implicit's" },
      { key: "passes", title: "passes, ours / theirs" },
      { key: "objective", title: "objective, ours / theirs" },
    ],
    rows: races.map(({ what, measure, standings: [ours, theirs], objective, passes }) => ({
      what,
      measure,
      ours: timeOf(ours),
      theirs: timeOf(theirs),
      ratio: times(ours.secondsEach / theirs.secondsEach),
      passes: passes.join(" / "),
      objective: objective[0] === "" ? "" : objective.join(" / "),
    })),
    comparisons: races.map(
      ({ what, measure, standings: [ours, theirs] }): Comparison => ({
        what: `MovieLens 1M, implicit feedback, ${what}`,
        rival: "implicit",
        measure,
        ours: ours.secondsEach,
        theirs: theirs.secondsEach,
        better: "lower",
      }),
    ),
    details: { races, agreement },
  };
}
