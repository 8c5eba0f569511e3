/**
 * Recommender: a FactorModel and kernels in, answers to people's questions out, all in the caller's own ids.
 *
 * Kernel memory is taken when a kind of question is first asked: the item table for lists, a table of unit rows for
 * each side's similarity, little for fold-in. Concurrent calls are right: those that share memory take turns, batch by
 * batch.
 */
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import { checkModel, type FactorModel, factorScorer, type Scorer } from "../model/index.ts";
import type { Id } from "../ratings/index.ts";
import { knownOptions, LowrankError, OptionError, wholeNumber } from "../support/index.ts";
import { explainParts, remainderOf } from "./explain.ts";
import { type Filters, filterOptions, idList } from "./filters.ts";
import { FoldIn, objectiveOf } from "./fold-in.ts";
import { type CleanHistory, cleanHistory, type HistoryItem, type HistoryUser, storedHistory } from "./history.ts";
import {
  checkedQuestion,
  listed,
  listsForUsers,
  needHistory,
  type Question,
  type RecommendOptions,
  whyShort,
} from "./lists.ts";
import type {
  Explanation,
  FoldedIn,
  PopularList,
  Prediction,
  Recommendations,
  RecommendationsForHistory,
  Similar,
} from "./outcomes.ts";
import { Popularity } from "./popular.ts";
import { clampRange, type PredictOptions, predictOne } from "./predict.ts";
import { BATCH_QUERIES, Ranker } from "./ranker.ts";
import { Neighbours } from "./similar.ts";
import { itemTable } from "./top-n.ts";

export type RecommenderOptions = EngineOptions;

/**
 * @param model its arrays are read, never written; do not change them while the recommender is open
 * @throws DataError for a model whose arrays do not fit together or hold a number that is not finite
 */
export async function openRecommender(model: FactorModel, options: RecommenderOptions = {}): Promise<Recommender> {
  const who = "openRecommender";
  knownOptions(who, options, engineOptionNames);
  checkModel(model);
  return new Recommender(model, await kernelsFor(who, options));
}

export class Recommender {
  readonly model: FactorModel;
  readonly kernels: Kernels;
  readonly #scorer: Scorer;
  #ranker: Ranker | undefined;
  #popularity: Popularity | undefined;
  readonly #foldIns = new Map<"user" | "item", FoldIn>();
  readonly #neighbours = new Map<"user" | "item", Promise<Neighbours>>();
  #closed = false;

  /** Use `openRecommender`, which checks the model. */
  constructor(model: FactorModel, kernels: Kernels) {
    this.model = model;
    this.kernels = kernels;
    this.#scorer = factorScorer(model);
  }

  /** The score of a user and an item: mean + user bias + item bias + dot product, in double precision. */
  predict(user: Id, item: Id, options: PredictOptions = {}): Prediction {
    return predictOne(this.model, this.#scorer, user, item, clampRange("predict", this.model, options));
  }

  /** `predict` for many pairs, in their order. */
  predictMany(pairs: Iterable<{ readonly user: Id; readonly item: Id }>, options: PredictOptions = {}): Prediction[] {
    const range = clampRange("predictMany", this.model, options);
    return Array.from(pairs, ({ user, item }) => predictOne(this.model, this.#scorer, user, item, range));
  }

  /** The best items for a user of the model. Items of the training history are left out unless `includeSeen`. */
  async recommend(user: Id, options: RecommendOptions = {}): Promise<Recommendations> {
    const question = this.#question("recommend", options);
    needHistory(this.model, question);
    const [outcome] = await this.#answer(question, [user]);
    return outcome;
  }

  /** `recommend` for many users, in their order, in batches of bounded memory. Options are looked at once. */
  recommendMany(users: Iterable<Id>, options: RecommendOptions = {}): AsyncGenerator<Recommendations> {
    const question = this.#question("recommendMany", options);
    needHistory(this.model, question);
    return this.#stream(question, idList(question.who, "users", users));
  }

  /** `recommend` for every user of the model, in order of the ids. */
  recommendAll(options: RecommendOptions = {}): AsyncGenerator<Recommendations> {
    const question = this.#question("recommendAll", options);
    needHistory(this.model, question);
    return this.#stream(question, this.model.users.ids());
  }

  /**
   * The best items for someone who is not in the model, from a history. Its items are left out unless `includeSeen`.
   *
   * @throws DivergenceError when the history has no stable row; LowrankError `no-objective`
   */
  async recommendFor(
    history: Iterable<HistoryItem>,
    options: RecommendOptions = {},
  ): Promise<RecommendationsForHistory> {
    const { model } = this;
    const question = this.#question("recommendFor", options);
    const clean = this.#cleanItems(question.who, history);
    if (clean.index.length === 0) {
      return { status: "empty-history", unknownHistory: clean.unknown, popular: this.#fallback(question) };
    }
    const { factors, bias } = await this.#foldIn("user", question.who).solve(question.who, clean);
    const seen = question.includeSeen ? undefined : clean.index;
    const batches = this.#openRanker(question.who).batches({
      who: question.who,
      count: 1,
      row: () => factors,
      excluded: seen && (() => seen),
      allowed: question.mask.allowed,
      n: Math.min(question.asked, model.items.size),
      signal: question.signal,
    });
    const items = [];
    for await (const batch of batches) items.push(...listed(model, batch, 0, model.mean + (bias ?? 0)));
    return {
      status: "known",
      items,
      asked: question.asked,
      short: whyShort(model, question, items.length, seen),
      unknownIds: question.mask.unknownIds,
      used: clean.index.length,
      unknownHistory: clean.unknown,
    };
  }

  /** The most rated items. @throws LowrankError `no-history` for a model without its training ratings */
  popular(n = 10, filters: Filters = {}): PopularList {
    knownOptions("popular", filters, filterOptions);
    const question = this.#question("popular", { ...filters, n });
    return this.#popular(question);
  }

  /** The `n` items most similar to an item, by cosine of their factors. */
  similarItems(id: Id, n = 10, filters: Filters = {}): Promise<Similar> {
    return this.#similar("similarItems", "item", id, n, filters);
  }

  /** The `n` users most similar to a user, by cosine of their factors. */
  similarUsers(id: Id, n = 10, filters: Filters = {}): Promise<Similar> {
    return this.#similar("similarUsers", "user", id, n, filters);
  }

  /**
   * The row that training would give to a user with this history, the items as they are.
   *
   * @throws DivergenceError when there is no stable row; LowrankError `no-objective`
   */
  async foldInUser(history: Iterable<HistoryItem>): Promise<FoldedIn> {
    return this.#foldedIn("foldInUser", "user", this.#cleanItems("foldInUser", history));
  }

  /** The row that training would give to an item with this history, the users as they are. */
  async foldInItem(history: Iterable<HistoryUser>): Promise<FoldedIn> {
    const who = "foldInItem";
    const clean = cleanHistory(who, this.model, this.model.users, entriesOf(who, history, "user"));
    return this.#foldedIn(who, "item", clean);
  }

  /**
   * Why a user of the model gets this score for an item: contributions of the training history that add up to it.
   *
   * @throws LowrankError `no-history` or `no-objective` when the model cannot tell; DivergenceError
   */
  async explain(user: Id, item: Id): Promise<Explanation> {
    const { model } = this;
    const u = model.users.index(user);
    const i = model.items.index(item);
    if (u === undefined || i === undefined) {
      return {
        status: "unknown",
        missing: [...(u === undefined ? (["user"] as const) : []), ...(i === undefined ? (["item"] as const) : [])],
      };
    }
    const history = storedHistory(model, u);
    if (history === undefined) {
      throw new LowrankError(
        "no-history",
        "explain: this model was kept without its training ratings; train with keepHistory: true, or call explainFor with a history",
      );
    }
    return this.#explained("explain", history, i, this.#scorer.score(u, i));
  }

  /** `explain` for someone who is not in the model, from a history. */
  async explainFor(history: Iterable<HistoryItem>, item: Id): Promise<Explanation> {
    const i = this.model.items.index(item);
    const clean = this.#cleanItems("explainFor", history);
    if (i === undefined) return { status: "unknown", missing: ["item"] };
    return this.#explained("explainFor", clean, i, undefined);
  }

  /** Gives kernel memory back as soon as calls in hand are done; later calls are refused. Closing twice is allowed. */
  close(): void {
    this.#closed = true;
    this.#ranker?.close();
    for (const foldIn of this.#foldIns.values()) foldIn.close();
    for (const opening of this.#neighbours.values()) {
      opening.then(
        (neighbours) => neighbours.close(),
        () => {}, // whoever asked has been told
      );
    }
  }

  #question(who: string, options: RecommendOptions): Question {
    this.#open(who);
    return checkedQuestion(who, this.model, options);
  }

  async *#stream(question: Question, users: Iterable<Id>): AsyncGenerator<Recommendations> {
    let block: Id[] = [];
    for (const user of users) {
      block.push(user);
      if (block.length < BATCH_QUERIES) continue;
      yield* await this.#answer(question, block);
      block = [];
    }
    yield* await this.#answer(question, block);
  }

  #answer(question: Question, users: readonly Id[]): Promise<Recommendations[]> {
    let popular: PopularList | undefined;
    const fallback = () => {
      popular ??= this.#fallback(question); // the same for everyone
      return popular;
    };
    return listsForUsers(this.model, this.#openRanker(question.who), question, fallback, users);
  }

  #fallback(question: Question): PopularList | undefined {
    return question.popular ? this.#popular(question) : undefined;
  }

  #popular(question: Question): PopularList {
    this.#popularity ??= new Popularity(question.who, this.model);
    return this.#popularity.list(question.asked, question.mask);
  }

  async #similar(who: string, side: "user" | "item", id: Id, n: number, filters: Filters): Promise<Similar> {
    this.#open(who);
    knownOptions(who, filters, filterOptions);
    wholeNumber(who, "n", n, 1, Number.MAX_SAFE_INTEGER);
    const { rank, users, items, userFactors, itemFactors } = this.model;
    let neighbours = this.#neighbours.get(side);
    if (neighbours === undefined) {
      const [ids, factors] = side === "user" ? [users, userFactors] : [items, itemFactors];
      neighbours = Neighbours.open(this.kernels, ids, rank, factors);
      this.#neighbours.set(side, neighbours);
      neighbours.catch(() => this.#neighbours.delete(side)); // the next call may find more memory
    }
    return (await neighbours).of(who, id, n, filters);
  }

  async #foldedIn(who: string, side: "user" | "item", clean: CleanHistory): Promise<FoldedIn> {
    if (clean.index.length === 0) return { status: "empty-history", unknownHistory: clean.unknown };
    const { factors, bias } = await this.#foldIn(side, who).solve(who, clean);
    const { merged, unknown } = clean;
    return { status: "known", factors, bias, used: clean.index.length, merged, unknownHistory: unknown };
  }

  /** @param score of the stored row; undefined for someone without one, whose score is that of the folded-in row */
  async #explained(who: string, history: CleanHistory, item: number, score: number | undefined): Promise<Explanation> {
    this.#open(who);
    const { model } = this;
    const objective = objectiveOf(who, model);
    if (history.index.length === 0) return { status: "empty-history", unknownHistory: history.unknown };
    const gram = objective.kind === "implicit" ? await this.#foldIn("user", who).gram() : undefined;
    const parts = await explainParts({ who, model, objective, history, item, gram });
    const { baseline, contributions, folded } = parts;
    const known = {
      status: "known",
      item: model.items.id(item),
      score: score ?? folded,
      baseline,
      contributions,
    } as const;
    return { ...known, ...remainderOf(known.score, parts) };
  }

  #cleanItems(who: string, history: Iterable<HistoryItem>): CleanHistory {
    this.#open(who);
    return cleanHistory(who, this.model, this.model.items, entriesOf(who, history, "item"));
  }

  #openRanker(who: string): Ranker {
    this.#open(who);
    this.#ranker ??= new Ranker(this.kernels, itemTable(this.model), this.model.users.size);
    return this.#ranker;
  }

  #foldIn(side: "user" | "item", who: string): FoldIn {
    this.#open(who);
    let foldIn = this.#foldIns.get(side);
    if (foldIn === undefined) {
      foldIn = new FoldIn(this.kernels, this.model, side);
      this.#foldIns.set(side, foldIn);
    }
    return foldIn;
  }

  #open(who: string): void {
    if (this.#closed) throw new LowrankError("closed", `${who}: the recommender is closed; open a new one`);
  }
}

/** Entries under one name for both sides. @throws OptionError for an entry that is not a record with that field */
function* entriesOf<Field extends "user" | "item">(
  who: string,
  history: Iterable<{ readonly [F in Field]: Id } & { readonly rating?: number | undefined }>,
  field: Field,
): Generator<{ id: Id; rating: unknown }> {
  if (typeof history !== "object" || history === null || !(Symbol.iterator in history)) {
    throw new OptionError(who, "history", history, `a list of { ${field}, rating? }`);
  }
  for (const entry of history) {
    const id: unknown = entry?.[field];
    if (typeof id !== "string" && typeof id !== "number") {
      throw new OptionError(who, "history", entry, `a list of { ${field}, rating? }`);
    }
    yield { id, rating: entry.rating };
  }
}
