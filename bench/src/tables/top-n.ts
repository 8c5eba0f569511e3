/** Lists of ten from trained models, ours beside implicit: all users, and one user with very many items. */
import { type FactorModel, type Kernels, openKernels, openRecommender, type Recommender } from "@lowrank/core";
import { pythonWith } from "../environments.ts";
import { interleave, type Standing, timed } from "../interleave.ts";
import { time, timeOf, times } from "../page.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { matrix, withArrays } from "../scratch.ts";
import { trainedOn } from "../trained.ts";
import { type WorldSize, world20M } from "../worlds.ts";

const THREADS = 2;
const ROUNDS = 5;
const N = 10;
const ONE_USER = 0;

interface Question {
  readonly what: string;
  readonly size: WorldSize;
  readonly rank: number;
  /** Lists for everybody, or as many times for one user */
  readonly lists: "everybody" | number;
  /** Factors drawn instead of trained: no item is short, so that none is passed over for its length */
  readonly drawn?: true;
}

const manyItems: WorldSize = { users: 50_000, items: 1_000_000, ratings: 5_000_000 };

const questions: readonly Question[] = [
  { what: "everybody, 138,000 users × 27,000 items", size: world20M, rank: 64, lists: "everybody" },
  { what: "everybody, 138,000 users × 27,000 items", size: world20M, rank: 128, lists: "everybody" },
  { what: "one user, 1,000,000 items", size: manyItems, rank: 64, lists: 100 },
  { what: "one user, 1,000,000 items, drawn factors", size: manyItems, rank: 64, lists: 100, drawn: true },
];

const small: WorldSize = { users: 3000, items: 2000, ratings: 100_000 };
const quickQuestions: readonly Question[] = [
  { what: "everybody", size: small, rank: 16, lists: "everybody" },
  { what: "one user", size: small, rank: 16, lists: 100 },
];

interface Answered extends Question {
  readonly standings: readonly Standing[];
  /** From a model to its first list of ours: items brought into kernel memory, and their codes */
  readonly openSeconds: number;
}

export async function run({ quick }: Context): Promise<Table> {
  const kernels = await openKernels({ threads: THREADS });
  const program = await pythonWith("implicit");
  const answered: Answered[] = [];
  let versions = {};
  for (const question of quick ? quickQuestions : questions) {
    // Many lists are shared out between implicit's own threads; one is a product of BLAS, whose threads are then to be as many.
    const args = question.lists === "everybody" ? [THREADS] : [THREADS, THREADS];
    const rival = await Rival.start({ program, script: "implicit_als.py", args });
    versions = rival.versions;
    try {
      answered.push({ ...question, ...(await ask(question, kernels, rival, quick ? 1 : ROUNDS)) });
    } finally {
      rival.stop();
    }
  }
  return table(answered, versions);
}

async function ask(
  { size, rank, lists, drawn }: Question,
  kernels: Kernels,
  rival: Rival,
  rounds: number,
): Promise<Pick<Answered, "standings" | "openSeconds">> {
  const trained = await trainedOn(size, rank, kernels);
  const model = drawn === true ? withDrawnFactors(trained) : trained;
  const { history, userFactors, itemFactors } = model;
  if (history === undefined) throw new Error("the model keeps its history, to leave it out");
  const opening = await timed(async () => {
    const recommender = await openRecommender(model, { kernels });
    await firstList(recommender, model);
    return recommender;
  });
  const recommender = opening.value;
  try {
    const standings = await withArrays(
      { ...matrix(history), "row.f32": userFactors, "column.f32": itemFactors },
      async (folder) => {
        await rival.ask({ case: "load", folder, rows: history.rows, columns: history.columns });
        await rival.ask({ case: "factors", folder, rank });
        const row = lists === "everybody" ? null : ONE_USER;
        const contestants = [
          { name: "lowrank", turn: () => ourTurn(recommender, model, lists) },
          {
            name: "implicit",
            turn: async () => {
              const answer = await rival.ask({ case: "recommend", row, n: N, repeat: lists });
              sameList(model, answer.columns as number[], await firstList(recommender, model));
              return { seconds: answer.seconds as number, count: answer.lists as number, quality: 0 };
            },
          },
        ];
        return interleave(contestants, { rounds });
      },
    );
    return { standings, openSeconds: opening.seconds };
  } finally {
    await recommender.close();
  }
}

/** Sums of twelve uniform numbers are near enough to normal ones. */
function withDrawnFactors(model: FactorModel): FactorModel {
  const drawn = (factors: Float32Array, seed: number) => {
    let state = seed;
    return factors.map(() => {
      let sum = -6;
      for (let i = 0; i < 12; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        sum += state / 2 ** 32;
      }
      return sum / 10;
    });
  };
  return { ...model, userFactors: drawn(model.userFactors, 1), itemFactors: drawn(model.itemFactors, 2) };
}

async function ourTurn(recommender: Recommender, model: FactorModel, lists: Question["lists"]) {
  let count = 0;
  const { seconds } = await timed(async () => {
    if (lists === "everybody") for await (const _ of recommender.recommendAll({ n: N })) count++;
    else for (; count < lists; count++) await recommender.recommend(model.users.id(ONE_USER), { n: N });
  });
  return { seconds, count, quality: 0 };
}

/** Indexes of the items for the first user. */
async function firstList(recommender: Recommender, model: FactorModel): Promise<number[]> {
  const list = await recommender.recommend(model.users.id(ONE_USER), { n: N });
  if (list.status !== "known") throw new Error(`the first user is ${list.status}`);
  return list.items.map(({ item }) => model.items.index(item) ?? -1);
}

/** @throws Error unless both lists score the same, place by place; items of equal scores may change places */
function sameList({ rank, userFactors, itemFactors }: FactorModel, theirs: readonly number[], ours: readonly number[]) {
  const score = (item: number) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += userFactors[ONE_USER * rank + k] * itemFactors[item * rank + k];
    return sum;
  };
  for (const [place, item] of ours.entries()) {
    if (Math.abs(score(item) - score(theirs[place])) > 1e-5) {
      throw new Error(`place ${place + 1} differs: ${item} of ours, ${theirs[place]} of implicit's`);
    }
  }
}

function table(answered: readonly Answered[], versions: Readonly<Record<string, string>>): Table {
  return {
    name: "top-n",
    title: `Lists of ${N}: lowrank beside implicit`,
    notes: [
      `Models trained by ials on seeded synthetic worlds; both sides rank every item but those that the user has seen, with the same factors, ${THREADS} threads.`,
      "Time of one list; for everybody, in one call, the lists handed out in the caller's ids on our side, as arrays of indexes on theirs. Before the first list ours brings the items into",
      "kernel memory and makes short codes of them, once for a model: the last column, in no other figure. Codes let items be passed over that cannot be on the list: most where",
      "lengths of factors differ, as those of trained ones do; drawn ones are all about as long.",
    ],
    versions,
    columns: [
      { key: "what", title: "for" },
      { key: "rank", title: "rank" },
      { key: "ours", title: "lowrank, a list" },
      { key: "theirs", title: "implicit, a list" },
      { key: "ratio", title: "lists a second, of implicit's" },
      { key: "open", title: "lowrank, before the first" },
    ],
    rows: answered.map(({ what, rank, standings: [ours, theirs], openSeconds }) => ({
      open: time(openSeconds),
      what,
      rank,
      ours: timeOf(ours),
      theirs: timeOf(theirs),
      ratio: times(theirs.secondsEach / ours.secondsEach),
    })),
    comparisons: answered.map(
      ({ what, rank, standings: [ours, theirs] }): Comparison => ({
        what: `lists of ${N}, ${what}, rank ${rank}`,
        rival: "implicit",
        measure: "seconds a list",
        ours: ours.secondsEach,
        theirs: theirs.secondsEach,
        better: "lower",
      }),
    ),
    details: answered,
  };
}
