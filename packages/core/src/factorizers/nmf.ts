/**
 * Non-negative factors: r̂_ui = x_u·y_i with no factor below 0, so that a score is a sum of parts.
 *
 *   minimise  Σ (r_ui − x_u·y_i)²  +  Σ_u λ n_u^e |x_u|²  +  Σ_i λ n_i^e |y_i|²        over x, y ≥ 0
 *
 * Σ over the ratings that there are, or, with missing "zero" and for clicks, over all cells, the others being 0. Sums: no means and no
 * halves; n is the number of ratings of the user or item. A sweep makes one step of every item, then of every user, which never
 * makes the cost larger.
 * Source: coordinates by Cichocki & Phan, IEICE 2009 (HALS); multiplicative by Lee & Seung, NIPS 2000, over observed cells as in
 * Zhang et al., SDM 2006.
 */
import {
  type EntryNumbers,
  type Kernels,
  nonNegativeScratch,
  rowStride,
  slot,
  type Table,
  unpadded,
  type Workspace,
} from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { exactUnit, regularizations } from "../model/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { DataError, giveTurn, streamSeed, throwIfAborted, turnIsOver, uniform } from "../support/index.ts";
import { alternatingOptions } from "./alternating.ts";
import { MAX_PENALTY, rankOption } from "./common-options.ts";
import { multiply, unitFor } from "./descent-unit.ts";
import type { Factorizer, Run, RunState, StartFrom } from "./factorizer.ts";
import { type OptionTable, type Resolved, resolveOptions } from "./options.ts";
import { copyState, restoreState } from "./run-state.ts";
import {
  entrySlots,
  fillEntries,
  formOfValues,
  type NumberForms,
  type SideEntries,
  sideEntries,
} from "./side-entries.ts";
import { version } from "./version.ts";

export const nmfUpdates = ["coordinates", "multiplicative"] as const;
export type NmfUpdate = (typeof nmfUpdates)[number];

export const nmfMissing = ["ignore", "zero"] as const;
export type NmfMissing = (typeof nmfMissing)[number];

/** The best penalty grows with the spread of the ratings, as that of als. */
const AUTO_REGULARIZATION = 1.2;

export const nmfOptions = {
  rank: rankOption(16),
  sweeps: alternatingOptions.sweeps(50),
  update: {
    type: "choice",
    default: "coordinates",
    choices: nmfUpdates,
    about: "how a row steps: each coordinate in turn to its best (HALS), or all multiplied at once (Lee & Seung)",
  },
  missing: {
    type: "choice",
    default: "ignore",
    choices: nmfMissing,
    about: "cells without a rating: left out, or counted as 0; of clicks they always count as 0",
  },
  regularization: {
    type: "number",
    default: "auto",
    auto: `${AUTO_REGULARIZATION} × the standard deviation of the ratings; 0 for clicks and where every cell counts`,
    min: 0,
    max: MAX_PENALTY,
    about: "L2 penalty of the factors",
  },
  regularizationExponent: {
    type: "number",
    default: 0.5,
    min: 0,
    max: 2,
    about: "penalty grows with (number of ratings) to this power; 1 = ALS-WR, 0 = plain",
  },
} as const satisfies OptionTable;

/** Options of `nmf`; every one may be left out. */
export interface NmfOptions {
  /** Latent dimension, 1 to 1024. Default 16 */
  readonly rank?: number;
  /** Passes over the data, items then users. Default 50 */
  readonly sweeps?: number;
  /** Default `coordinates` */
  readonly update?: NmfUpdate;
  /** Cells without a rating: `ignore` (default) or `zero`; of clicks they are always 0 */
  readonly missing?: NmfMissing;
  /** λ ≥ 0, or `auto` (default): 1.2 × the standard deviation of the ratings; 0 where every cell counts */
  readonly regularization?: number | "auto";
  /** e, 0 to 2. Default 0.5 */
  readonly regularizationExponent?: number;
}

type Options = Resolved<typeof nmfOptions>;

/**
 * Non-negative matrix factorization.
 *
 * @throws OptionError for an unknown option or a value out of range; at the start of a training DataError for a rating below 0
 */
export function nmf(given: NmfOptions = {}): Factorizer {
  const options = resolveOptions("nmf", nmfOptions, given);
  return {
    name: "nmf",
    options,
    rank: options.rank,
    passName: "sweeps",
    passes: options.sweeps,
    ignores: ["time"],
    bytesFor: (ratings: Ratings, kernels: Kernels) => kernels.bytesFor(nmfLayout(ratings, options)),
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom, signal?: AbortSignal) => {
      if (ratings.min < 0) {
        throw new DataError(
          `nmf: the smallest rating is ${ratings.min}, and products of non-negative factors are never below 0; add to all ratings, or use als`,
          { method: "nmf", min: ratings.min },
        );
      }
      return NmfRun.start(ratings, kernels, options, seed, from, signal);
    },
  };
}

/** Whether every cell counts, those without a rating as 0. */
function isWhole(ratings: Ratings, { missing }: Options): boolean {
  return !ratings.isComplete && (missing === "zero" || !ratings.hasRatings);
}

type NmfLayout = ReturnType<typeof nmfLayout>;

function formsOf(ratings: Ratings): NumberForms {
  const form = formOfValues(ratings);
  return { user: form, item: form };
}

function nmfLayout(ratings: Ratings, options: Options) {
  const [users, items] = [ratings.users.size, ratings.items.size];
  const { rank } = options;
  const whole = isWhole(ratings, options);
  return {
    users: slot.table(users, rank),
    items: slot.table(items, rank),
    ...entrySlots(ratings, formsOf(ratings)),
    userPenalty: slot.f32(users),
    itemPenalty: slot.f32(items),
    userGram: slot.f32(whole ? rowStride(rank) ** 2 : 0),
    itemGram: slot.f32(whole ? rowStride(rank) ** 2 : 0),
    // What every rating is where only scores count
    zero: slot.f32(whole ? 1 : 0),
    figures: slot.f64(users),
    scratch: slot.perThread(nonNegativeScratch(rank)),
  };
}

class NmfRun implements Run {
  readonly lossName: string;
  initialLoss: number | undefined;
  readonly zeroLoss: number;
  readonly #ratings: Ratings;
  readonly #options: Options;
  readonly #seed: number;
  readonly #backend: string;
  readonly #space: Workspace<NmfLayout>;
  readonly #whole: boolean;
  /** Cells that count */
  readonly #cells: number;
  /** Kernel memory holds ratings divided by this, factors by its root */
  readonly #unit: number;

  static async start(
    ratings: Ratings,
    kernels: Kernels,
    options: Options,
    seed: number,
    from: StartFrom | undefined,
    signal: AbortSignal | undefined,
  ): Promise<NmfRun> {
    const run = new NmfRun(ratings, kernels, options, seed);
    try {
      run.#fill();
      if (turnIsOver()) await giveTurn("nmf", signal);
      if (from !== undefined) restoreState("nmf", run.#trained(), from.state);
      else {
        await run.#draw(signal);
        run.initialLoss = await run.#loss();
      }
      return run;
    } catch (error) {
      run.close();
      throw error;
    }
  }

  private constructor(ratings: Ratings, kernels: Kernels, options: Options, seed: number) {
    this.#ratings = ratings;
    this.#whole = isWhole(ratings, options);
    const { value } = ratings.byUser;
    const isAuto = options.regularization === "auto";
    const spread = this.#whole || !ratings.hasRatings ? 0 : standardDeviation(value, ratings.mean);
    this.#options = isAuto ? { ...options, regularization: AUTO_REGULARIZATION * spread } : options;
    this.#seed = seed;
    this.#backend = `${kernels.backend} ${kernels.build}`;
    this.#cells = this.#whole ? ratings.users.size * ratings.items.size : ratings.size;
    this.#unit = ratings.hasRatings ? exactUnit(unitFor("auto", "none", ratings)) : 1;
    this.lossName = this.#whole ? "RMSE over all cells" : "training RMSE";
    this.zeroLoss = standardDeviation(value, 0) * Math.sqrt(ratings.size / this.#cells);
    this.#space = kernels.open(nmfLayout(ratings, options));
  }

  /** One sweep a call: each is long enough for the loop. */
  async passes(_most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    await this.#halfSweep("item");
    throwIfAborted("nmf", signal);
    await this.#halfSweep("user");
    return [await this.#loss()];
  }

  state(): RunState {
    return copyState(this.#trained());
  }

  model(passes: number): FactorModel {
    const { users, items, byUser, hasRatings, min, max, hash } = this.#ratings;
    const { at } = this.#space;
    return {
      kind: "factors",
      rank: this.#options.rank,
      users,
      items,
      userFactors: multiply(unpadded(at.users), Math.sqrt(this.#unit)),
      itemFactors: multiply(unpadded(at.items), Math.sqrt(this.#unit)),
      userBias: undefined,
      itemBias: undefined,
      mean: 0,
      scale: hasRatings ? "rating" : "preference",
      range: hasRatings ? { min, max } : undefined,
      // A row is where its steps have come to, which no history tells.
      objective: undefined,
      history: byUser,
      provenance: {
        method: "nmf",
        options: this.#options,
        seed: this.#seed,
        dataHash: hash,
        backend: this.#backend,
        version,
        passes,
      },
    };
  }

  close(): void {
    this.#space.close();
  }

  #trained() {
    const { users, items } = this.#space.at;
    return { userFactors: users, itemFactors: items };
  }

  #fill(): void {
    const { at } = this.#space;
    const { users, items } = this.#ratings;
    fillEntries(this.#ratings, at, formsOf(this.#ratings));
    multiply(at.userTable, 1 / this.#unit);
    multiply(at.itemTable, 1 / this.#unit);
    const penalty = {
      kind: "explicit",
      regularization: (this.#options.regularization as number) / this.#unit,
      regularizationExponent: this.#options.regularizationExponent,
      center: "none",
      biases: "none",
      biasRegularization: undefined,
      biasRegularizationExponent: 0,
    } as const;
    regularizations(penalty, at.userStart, items.size, at.userPenalty);
    regularizations(penalty, at.itemStart, users.size, at.itemPenalty);
  }

  /** Even from 0 to what makes products of the mean of the cells that count, on average. */
  async #draw(signal: AbortSignal | undefined): Promise<void> {
    const { users, items } = this.#space.at;
    const { mean, size } = this.#ratings;
    const high = 2 * Math.sqrt((mean * size) / this.#unit / this.#cells / this.#options.rank);
    const draw = async ({ data, rows, rank, stride }: Table, purpose: string) => {
      const seed = streamSeed(this.#seed, purpose);
      for (let r = 0; r < rows; r++) {
        for (let k = 0; k < rank; k++) data[r * stride + k] = uniform(seed, r * rank + k, 0, high);
        if (turnIsOver()) await giveTurn("nmf", signal);
      }
    };
    await draw(users, "user factors");
    await draw(items, "item factors");
  }

  #entries(side: "user" | "item"): SideEntries {
    return sideEntries(this.#space.at, side, formsOf(this.#ratings));
  }

  async #halfSweep(side: "user" | "item"): Promise<void> {
    const { at } = this.#space;
    const isUser = side === "user";
    const fixed = isUser ? at.items : at.users;
    const gram = isUser ? at.itemGram : at.userGram;
    const { rows, numbers } = this.#entries(side);
    if (this.#whole) await this.#space.gram(fixed, gram);
    await this.#space.nonNegativeRows({
      rule: this.#options.update,
      out: isUser ? at.users : at.items,
      fixed,
      entries: rows,
      value: numbers,
      gram: this.#whole ? gram : undefined,
      regularization: isUser ? at.userPenalty : at.itemPenalty,
    });
  }

  /** Over the ratings; where all cells count, those without one bring Σ s² of all less Σ s² of the ratings'. */
  async #loss(): Promise<number> {
    const { at } = this.#space;
    let sum = await this.#squares(this.#entries("user").numbers);
    if (this.#whole) {
      sum -= await this.#squares({ code: undefined, table: at.zero });
      await this.#space.gram(at.users, at.userGram);
      await this.#space.gram(at.items, at.itemGram);
      for (let k = 0; k < at.userGram.length; k++) sum += at.userGram[k] * at.itemGram[k];
    }
    return this.#unit * Math.sqrt(Math.max(0, sum) / this.#cells);
  }

  /** Σ (value − score)² over the entries. */
  async #squares(value: EntryNumbers): Promise<number> {
    const { at } = this.#space;
    const { rows: entries } = this.#entries("user");
    const sides = { out: at.users, outBias: undefined, fixed: at.items, fixedBias: undefined };
    const penalties = { regularization: at.userPenalty, biasRegularization: undefined };
    await this.#space.rowLoss({ kind: "explicit", ...sides, entries, value, offset: 0, ...penalties }, at.figures);
    let sum = 0;
    for (let r = 0; r < at.users.rows; r++) sum += at.figures[r];
    return sum;
  }
}
