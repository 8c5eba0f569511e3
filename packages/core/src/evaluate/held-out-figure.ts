/**
 * A figure on held-out ratings, and how sure it is: train, test and a metric in; for each model its value and that of ten groups of
 * users out.
 */
import type { Factorizer, Validation } from "../factorizers/index.ts";
import type { Kernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { type Ratings, subset } from "../ratings/index.ts";
import { shuffled, streamSeed } from "../support/index.ts";
import { standardErrorOf } from "./suggest-rank.ts";
import { defaultMetric, heldOut, type ValidationMetric } from "./validation.ts";

export interface HeldOutFigure {
  readonly name: string;
  readonly value: number;
  /** The same figure of each of ten groups of held-out users, the same at every rank; empty with fewer than 20 users */
  readonly groups: readonly number[];
  /** Of the value, from ten groups of held-out users; undefined with fewer than 20 such users */
  readonly standardError: number | undefined;
}

const GROUPS = 10;
const LEAST_USERS = 2 * GROUPS;

/** The held-out figure of a model and its standard error. */
export class Measure {
  readonly #whole: Validation;
  readonly #groups: readonly Validation[];

  constructor(
    train: Ratings,
    test: Ratings,
    method: Factorizer<Model>,
    metric: ValidationMetric | undefined,
    seed: number,
  ) {
    const own = metric ?? defaultMetric(test, method);
    this.#whole = heldOut(test, train, own);
    this.#groups = groupsOf(test, seed).map((group) => heldOut(group, train, own));
  }

  get better(): "lower" | "higher" {
    return this.#whole.better;
  }

  async of(model: Model, kernels: Kernels, signal: AbortSignal | undefined): Promise<HeldOutFigure> {
    const value = await this.#whole.measure(model, { kernels, signal });
    const figures: number[] = [];
    for (const group of this.#groups) figures.push(await group.measure(model, { kernels, signal }));
    return { name: this.#whole.name, value, groups: figures, standardError: standardErrorOf(figures) };
  }
}

/** The held-out ratings in groups of users, each user in one: their figures are independent of each other. */
function groupsOf(test: Ratings, seed: number): Ratings[] {
  const { start, rows } = test.byUser;
  const users: number[] = [];
  for (let user = 0; user < rows; user++) if (start[user + 1] > start[user]) users.push(user);
  if (users.length < LEAST_USERS) return [];
  const order = shuffled(streamSeed(seed, "held-out groups"), users.length);
  return Array.from({ length: GROUPS }, (_, group) => {
    const keep = new Uint8Array(test.size);
    for (let n = group; n < users.length; n += GROUPS) {
      const user = users[order[n]];
      keep.fill(1, start[user], start[user + 1]);
    }
    return subset(test, keep);
  });
}
