/**
 * Recommender: a model and kernels in, answers to people's questions out, all in the caller's own ids.
 *
 * Kernel memory is taken when a kind of question is first asked: the item table for lists, a table of unit rows for
 * each side's similarity, little for fold-in. Concurrent calls are right: those that share memory take turns, batch by
 * batch. Closing waits for calls in hand: what was begun before is answered whole, what comes later is refused.
 */
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import { checkModel, type FactorModel, type Model, type Scorer, scorerOf } from "../model/index.ts";
import type { Id } from "../ratings/index.ts";
import { knownOptions, LowrankError } from "../support/index.ts";
import { explainParts, remainderOf } from "./explain.ts";
import { explainByItems } from "./explain-items.ts";
import { idList } from "./filters.ts";
import { FoldIn, foldableOf, noRows, objectiveOf } from "./fold-in.ts";
import {
  type CleanHistory,
  cleanHistory,
  entriesOf,
  type HistoryItem,
  type HistoryUser,
  historyCounts,
  storedHistory,
} from "./history.ts";
import { ItemNeighbours } from "./item-neighbours.ts";
import type { ItemRanker } from "./item-ranker.ts";
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
import { checkedPopular, Popularity, type PopularOptions, type PopularQuestion } from "./popular.ts";
import { clampRange, type PredictOptions, predictOne } from "./predict.ts";
import { BATCH_QUERIES, type RankBatch, type RankRequest } from "./ranker.ts";
import { checkedSimilar, Neighbours, type SimilarOptions } from "./similar.ts";
import { type FactorRanker, openUserRanker, type UserRanker } from "./user-ranker.ts";

export type RecommenderOptions = EngineOptions;

/** Records of a block of lists that a stream holds at a time, some 25 MB: lists of up to 128 items do not shrink the block. */
const BLOCK_RECORDS = 1 << 18;

/**
 * @param model its arrays are read, never written; do not change them while the recommender is open
 * @throws DataError for a model whose arrays do not fit together or hold a number that is not finite
 */
export async function openRecommender(model: Model, options: RecommenderOptions = {}): Promise<Recommender> {
  const who = "openRecommender";
  knownOptions(who, options, engineOptionNames);
  checkModel(model);
  return new Recommender(model, await kernelsFor(who, options));
}

export class Recommender {
  readonly model: Model;
  readonly kernels: Kernels;
  readonly #scorer: Scorer;
  #ranker: UserRanker | undefined;
  #popularity: Popularity | undefined;
  readonly #foldIns = new Map<"user" | "item", FoldIn>();
  readonly #neighbours = new Map<"user" | "item", Promise<Neighbours | ItemNeighbours>>();
  #closed = false;
  /** Calls and streams that have begun and not ended: memory is theirs until then */
  #inHand = 0;

  /** Use `openRecommender`, which checks the model. */
  constructor(model: Model, kernels: Kernels) {
    this.model = model;
    this.kernels = kernels;
    this.#scorer = scorerOf(model);
  }

  /** The score of a user and an item: mean + user bias + item bias + dot product, in double precision. */
  predict(user: Id, item: Id, options: PredictOptions = {}): Prediction {
    this.#refuseClosed("predict");
    return predictOne(this.model, this.#scorer, user, item, clampRange("predict", this.model, options));
  }

  /** `predict` for many pairs, in their order. */
  predictMany(pairs: Iterable<{ readonly user: Id; readonly item: Id }>, options: PredictOptions = {}): Prediction[] {
    this.#refuseClosed("predictMany");
    const range = clampRange("predictMany", this.model, options);
    return Array.from(pairs, ({ user, item }) => predictOne(this.model, this.#scorer, user, item, range));
  }

  /** The best items for a user of the model. Items of the training history are left out unless `includeSeen`. */
  recommend(user: Id, options: RecommendOptions = {}): Promise<Recommendations> {
    return this.#call("recommend", async (who) => {
      const question = checkedQuestion(who, this.model, options);
      needHistory(this.model, question);
      const [outcome] = await this.#answer(question, [user]);
      return outcome;
    });
  }

  /**
   * `recommend` for many users, in their order, in batches of bounded memory. Options are looked at at once; the stream begins
   * when its first outcome is asked for.
   */
  recommendMany(users: Iterable<Id>, options: RecommendOptions = {}): AsyncGenerator<Recommendations> {
    this.#refuseClosed("recommendMany");
    const question = checkedQuestion("recommendMany", this.model, options);
    needHistory(this.model, question);
    return this.#stream(question, idList(question.who, "users", users));
  }

  /** `recommend` for every user of the model, in order of the ids. */
  recommendAll(options: RecommendOptions = {}): AsyncGenerator<Recommendations> {
    this.#refuseClosed("recommendAll");
    const question = checkedQuestion("recommendAll", this.model, options);
    needHistory(this.model, question);
    return this.#stream(question, this.model.users.ids());
  }

  /**
   * The best items for someone who is not in the model, from a history. Its items are left out unless `includeSeen`.
   *
   * @throws DivergenceError when the history has no stable row; LowrankError `no-objective`
   */
  recommendFor(history: Iterable<HistoryItem>, options: RecommendOptions = {}): Promise<RecommendationsForHistory> {
    return this.#call("recommendFor", async (who) => {
      if (this.model.kind !== "items") foldableOf(who, this.model);
      const question = checkedQuestion(who, this.model, options);
      return this.#answerFor(question, this.#cleanItems(who, history));
    });
  }

  /** The most rated items. @throws LowrankError `no-history` for a model without its training ratings */
  popular(options: PopularOptions = {}): PopularList {
    this.#refuseClosed("popular");
    return this.#popular(checkedPopular("popular", this.model, options));
  }

  /**
   * The items most similar to an item, by cosine of their factors (of a net: those that go into its layers); of a model of
   * items, those whose presence says most for it.
   */
  similarItems(id: Id, options: SimilarOptions = {}): Promise<Similar> {
    return this.#call("similarItems", (who) => this.#similar(who, "item", id, options));
  }

  /** The users most similar to a user, by cosine of their factors. @throws LowrankError `no-rows` for a model of items */
  similarUsers(id: Id, options: SimilarOptions = {}): Promise<Similar> {
    return this.#call("similarUsers", (who) => this.#similar(who, "user", id, options));
  }

  /**
   * The row that training would give to a user with this history, the items as they are.
   *
   * @throws DivergenceError when there is no stable row; LowrankError `no-objective`
   */
  foldInUser(history: Iterable<HistoryItem>): Promise<FoldedIn> {
    return this.#call("foldInUser", async (who) => {
      foldableOf(who, this.model);
      return this.#foldedIn(who, "user", this.#cleanItems(who, history));
    });
  }

  /** The row that training would give to an item with this history, the users as they are. */
  foldInItem(history: Iterable<HistoryUser>): Promise<FoldedIn> {
    return this.#call("foldInItem", async (who) => {
      foldableOf(who, this.model);
      const clean = cleanHistory(who, this.model, this.model.users, entriesOf(who, history, "user"));
      return this.#foldedIn(who, "item", clean);
    });
  }

  /**
   * Why a user of the model gets this score for an item: contributions of the training history that add up to it.
   *
   * @throws LowrankError `no-history` or `no-objective` when the model cannot tell; DivergenceError
   */
  explain(user: Id, item: Id): Promise<Explanation> {
    return this.#call("explain", async (who) => {
      const model = this.model.kind === "items" ? this.model : foldableOf(who, this.model);
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
          `${who}: this model was kept without its training ratings; train with keepHistory: true, or call explainFor with a history`,
        );
      }
      return this.#explained(who, history, i, this.#scorer.score(u, i));
    });
  }

  /** `explain` for someone who is not in the model, from a history. */
  explainFor(history: Iterable<HistoryItem>, item: Id): Promise<Explanation> {
    return this.#call("explainFor", async (who) => {
      if (this.model.kind !== "items") foldableOf(who, this.model);
      const i = this.model.items.index(item);
      const clean = this.#cleanItems(who, history);
      if (i === undefined) return { status: "unknown", missing: ["item"] };
      return this.#explained(who, clean, i, undefined);
    });
  }

  /**
   * Ends it: later calls of any kind, `predict` and `explain` included, are refused with code `closed`. Calls begun before, and
   * streams whose first outcome was asked for before, are answered whole; kernel memory is given back when the last
   * of them has ended (a stream that is left half-way ends by `return()`, as `for await` does). Closing twice is allowed.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#inHand === 0) this.#free();
  }

  /** One call that `close` waits for. Begins at once, so that a `close()` on the next line finds it in hand. */
  async #call<T>(who: string, answer: (who: string) => Promise<T>): Promise<T> {
    this.#begin(who);
    try {
      return await answer(who);
    } finally {
      this.#end();
    }
  }

  #begin(who: string): void {
    this.#refuseClosed(who);
    this.#inHand++;
  }

  #end(): void {
    this.#inHand--;
    if (this.#closed && this.#inHand === 0) this.#free();
  }

  #refuseClosed(who: string): void {
    if (this.#closed) throw new LowrankError("closed", `${who}: the recommender is closed; open a new one`);
  }

  #free(): void {
    this.#ranker?.close();
    for (const foldIn of this.#foldIns.values()) foldIn.close();
    for (const opening of this.#neighbours.values()) {
      opening.then(
        (neighbours) => neighbours.close(),
        () => {}, // whoever asked has been told
      );
    }
  }

  async *#stream(question: Question, users: Iterable<Id>): AsyncGenerator<Recommendations> {
    this.#begin(question.who);
    const places = Math.max(1, Math.min(question.asked, this.model.items.size));
    const most = Math.max(1, Math.min(BATCH_QUERIES, Math.floor(BLOCK_RECORDS / places)));
    try {
      let block: Id[] = [];
      for (const user of users) {
        block.push(user);
        if (block.length < most) continue;
        yield* await this.#answer(question, block);
        block = [];
      }
      yield* await this.#answer(question, block);
    } finally {
      this.#end();
    }
  }

  #answer(question: Question, users: readonly Id[]): Promise<Recommendations[]> {
    let popular: PopularList | undefined;
    const fallback = () => {
      popular ??= this.#fallback(question); // the same for everyone
      return popular;
    };
    return listsForUsers(this.model, this.#openRanker(), question, fallback, users);
  }

  async #answerFor(question: Question, history: CleanHistory): Promise<RecommendationsForHistory> {
    const { model } = this;
    if (history.index.length === 0) {
      return { status: "empty-history", unknownHistory: history.unknown, popular: this.#fallback(question) };
    }
    const seen = question.includeSeen ? undefined : history.index;
    const { batches, base } = await this.#rankFor(history, {
      who: question.who,
      count: 1,
      excluded: seen && (() => seen),
      allowed: question.mask.allowed,
      n: Math.min(question.asked, model.items.size),
      signal: question.signal,
    });
    const items = [];
    for await (const batch of batches) items.push(...listed(model, batch, 0, base));
    return {
      status: "known",
      items,
      asked: question.asked,
      short: whyShort(model, question, items.length, seen),
      unknownIds: question.mask.unknownIds,
      used: history.index.length,
      unknownHistory: history.unknown,
    };
  }

  /** The batches of one history, and what their scores leave out. */
  async #rankFor(
    history: CleanHistory,
    request: Omit<RankRequest, "row">,
  ): Promise<{ batches: AsyncGenerator<RankBatch>; base: number }> {
    const { who } = request;
    if (this.model.kind === "items") {
      const ranker = this.#openRanker() as ItemRanker;
      return { batches: ranker.forHistories({ ...request, history: () => history }), base: 0 };
    }
    const model = foldableOf(who, this.model);
    const { factors, bias } = await this.#foldIn(model, "user").solve(who, history);
    const ranker = this.#openRanker() as FactorRanker;
    return { batches: ranker.rows.batches({ ...request, row: () => factors }), base: model.mean + (bias ?? 0) };
  }

  #fallback(question: Question): PopularList | undefined {
    return question.popular ? this.#popular(question) : undefined;
  }

  #popular({ who, asked, mask }: PopularQuestion): PopularList {
    this.#popularity ??= new Popularity(who, this.model);
    return this.#popularity.list(asked, mask);
  }

  async #similar(who: string, side: "user" | "item", id: Id, options: SimilarOptions): Promise<Similar> {
    const question = checkedSimilar(who, side === "user" ? this.model.users : this.model.items, options);
    if (this.model.kind === "items" && side === "user") throw noRows(who, this.model);
    let neighbours = this.#neighbours.get(side);
    if (neighbours === undefined) {
      neighbours = this.#openNeighbours(side);
      this.#neighbours.set(side, neighbours);
      neighbours.catch(() => this.#neighbours.delete(side)); // the next call may find more memory
    }
    return (await neighbours).of(id, question);
  }

  async #openNeighbours(side: "user" | "item"): Promise<Neighbours | ItemNeighbours> {
    if (this.model.kind === "items") return new ItemNeighbours(this.model);
    const { rank, users, items, userFactors, itemFactors } = this.model;
    const [ids, factors] = side === "user" ? [users, userFactors] : [items, itemFactors];
    return Neighbours.open(this.kernels, { ids, rank, factors, counts: historyCounts(this.model, side) });
  }

  async #foldedIn(who: string, side: "user" | "item", clean: CleanHistory): Promise<FoldedIn> {
    if (clean.index.length === 0) return { status: "empty-history", unknownHistory: clean.unknown };
    const { factors, bias } = await this.#foldIn(foldableOf(who, this.model), side).solve(who, clean);
    const { merged, unknown } = clean;
    return { status: "known", factors, bias, used: clean.index.length, merged, unknownHistory: unknown };
  }

  /** @param score of the stored row; undefined for someone without one, whose score is that of the folded-in row */
  async #explained(who: string, history: CleanHistory, item: number, score: number | undefined): Promise<Explanation> {
    if (this.model.kind === "items") return explainByItems(this.model, history, item);
    const model = foldableOf(who, this.model);
    const objective = objectiveOf(who, model);
    if (history.index.length === 0) return { status: "empty-history", unknownHistory: history.unknown };
    const gram = objective.kind === "implicit" ? await this.#foldIn(model, "user").gram() : undefined;
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
    return cleanHistory(who, this.model, this.model.items, entriesOf(who, history, "item"));
  }

  #openRanker(): UserRanker {
    this.#ranker ??= openUserRanker(this.kernels, this.model, this.model.users.size);
    return this.#ranker;
  }

  #foldIn(model: FactorModel, side: "user" | "item"): FoldIn {
    let foldIn = this.#foldIns.get(side);
    if (foldIn === undefined) {
      foldIn = new FoldIn(this.kernels, model, side);
      this.#foldIns.set(side, foldIn);
    }
    return foldIn;
  }
}
