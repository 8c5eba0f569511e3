/**
 * From questions about users to outcomes: unknown users and empty histories told apart, the others ranked in batches,
 * indexes turned back into ids, short lists given their reason.
 */
import type { Model } from "../model/index.ts";
import type { Id, Indexes } from "../ratings/index.ts";
import { knownOptions, LowrankError, oneOf, trueOrFalse, wholeNumber } from "../support/index.ts";
import { type Filters, filterMask, filterOptions, type Mask } from "./filters.ts";
import type { PopularList, Recommendations, RecommendedItem, ShortList } from "./outcomes.ts";
import { shortList } from "./outcomes.ts";
import type { RankBatch } from "./ranker.ts";
import { indexesOf } from "./rows.ts";
import type { UserRanker } from "./user-ranker.ts";

export interface RecommendOptions extends Filters {
  /** How many items, from 1 (default 10) */
  readonly n?: number | undefined;
  /** List items of the history too (default false) */
  readonly includeSeen?: boolean | undefined;
  /** What to offer to someone of whom nothing is known (default "none") */
  readonly fallback?: "none" | "popular" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A question with its options checked and its filters turned into a mask. */
export interface Question {
  readonly who: string;
  readonly asked: number;
  readonly includeSeen: boolean;
  readonly popular: boolean;
  readonly mask: Mask;
  readonly signal: AbortSignal | undefined;
}

export function checkedQuestion(who: string, model: Model, options: RecommendOptions): Question {
  knownOptions(who, options, ["n", "includeSeen", "fallback", "signal", ...filterOptions]);
  return {
    who,
    asked: wholeNumber(who, "n", options.n ?? 10, 1, Number.MAX_SAFE_INTEGER),
    includeSeen: trueOrFalse(who, "includeSeen", options.includeSeen ?? false),
    popular: oneOf(who, "fallback", options.fallback ?? "none", ["none", "popular"]) === "popular",
    mask: filterMask(who, model.items, options),
    signal: options.signal,
  };
}

/** Seen items can only be left out where the model knows them, and a model of items has nothing else to score by. */
export function needHistory(model: Model, { who, includeSeen }: Question): void {
  if (model.history !== undefined) return;
  if (model.kind === "items") {
    throw new LowrankError(
      "no-history",
      `${who}: this model was kept without its training ratings, and its users' scores follow from them; call recommendFor with a history, or train with keepHistory: true`,
    );
  }
  if (includeSeen) return;
  throw new LowrankError(
    "no-history",
    `${who}: this model was kept without its training ratings, so seen items cannot be left out; pass includeSeen: true, or train with keepHistory: true`,
  );
}

/** Outcomes of some users, in their order. Memory: one outcome per user, so callers pass bounded blocks. */
export async function listsForUsers(
  model: Model,
  ranker: UserRanker,
  question: Question,
  popular: () => PopularList | undefined,
  users: readonly Id[],
): Promise<Recommendations[]> {
  const outcomes = new Array<Recommendations>(users.length);
  const known: { readonly place: number; readonly index: number }[] = [];
  for (const [place, user] of users.entries()) {
    const index = model.users.index(user);
    if (index === undefined) outcomes[place] = { status: "unknown-user", user, popular: popular() };
    else if (seenBy(model, index)?.length === 0)
      outcomes[place] = { status: "empty-history", user, popular: popular() };
    else known.push({ place, index });
  }
  const seen = (q: number) => seenBy(model, known[q].index) as Uint32Array;
  const batches = ranker.batches({
    who: question.who,
    count: known.length,
    user: (q) => known[q].index,
    excluded: question.includeSeen ? undefined : seen,
    allowed: question.mask.allowed,
    n: Math.min(question.asked, model.items.size),
    signal: question.signal,
  });
  for await (const batch of batches) {
    for (let q = 0; q < batch.count; q++) {
      const { place, index } = known[batch.first + q];
      const list = listed(model, batch, q, ranker.baseOf(index));
      const short = whyShort(model, question, list.length, question.includeSeen ? undefined : seenBy(model, index));
      const { asked, mask } = question;
      outcomes[place] = { status: "known", user: users[place], items: list, asked, short, unknownIds: mask.unknownIds };
    }
  }
  return outcomes;
}

/** List q of a batch with ids and full scores. */
export function listed(model: Model, batch: RankBatch, q: number, base: number): RecommendedItem[] {
  const items: RecommendedItem[] = [];
  for (let place = q * batch.n; place < q * batch.n + batch.listed[q]; place++) {
    items.push({ item: model.items.id(batch.item[place]), score: base + batch.score[place] });
  }
  return items;
}

/** @param seen item indexes that were left out, or undefined when none were */
export function whyShort(
  model: Model,
  { asked, mask }: Question,
  count: number,
  seen: Indexes | undefined,
): ShortList | undefined {
  if (count >= asked) return undefined;
  let seenToo = 0;
  for (const item of seen ?? []) if (mask.allowed === undefined || mask.allowed[item] === 1) seenToo++;
  return shortList(asked, count, { catalogue: model.items.size, filteredOut: mask.filteredOut, seen: seenToo });
}

function seenBy({ history }: Model, user: number): Indexes | undefined {
  return history && indexesOf(history, user);
}
