/**
 * Held-out ratings in; per user the items that a good list would show, on the scorer's indexes, out.
 *
 * Nothing is dropped in silence: users and items that the scorer does not know, records that are not relevant and records
 * that the user already had in training are counted, and the counts are part of every Evaluation.
 */
import { type IdMap, type Indexes, type IndexTable, indexTable, type Ratings } from "../ratings/index.ts";
import { DataError, OptionError, powerOfTwo } from "../support/index.ts";
import type { Gain } from "./metrics/ndcg.ts";
import type { TrainingCells } from "./training-cells.ts";

/** From which rating on a held-out item is relevant; `"all"`: every held-out item is. */
export type RelevantFrom = number | "all";

/** What the held-out data held, in records (cells) unless another unit is named. */
export interface HeldOutCounts {
  readonly records: number;
  /** Users of the held-out data that the model does not know: no list can be made for them */
  readonly unknownUsers: number;
  /** Items of the held-out data that the model does not know: it cannot list them */
  readonly unknownItems: number;
  /** Records with an unknown user, an unknown item, or both */
  readonly unknownRecords: number;
  /** Known users without a relevant record: left out of the ranking means */
  readonly usersWithoutRelevant: number;
  /** Users in the ranking means */
  readonly usersRanked: number;
  /** Of these, users without any training record */
  readonly usersWithoutTraining: number;
  /** Relevant records of the ranked users: what could be found */
  readonly relevant: number;
  /** Relevant records whose item the model does not know: counted above as misses, or not, as `unknownItems` says */
  readonly relevantUnknown: number;
  /** Records whose item the user already has in training, so that it is never listed: not counted as relevant */
  readonly alreadyInTraining: number;
}

/** Relevant items of every user that is ranked. Row r belongs to user index users[r]; users ascend. */
export interface RelevantRows {
  readonly users: Uint32Array;
  /** u32[rows + 1] into item and gain */
  readonly start: Uint32Array;
  /** Item indexes, ascending within a row */
  readonly item: Uint32Array;
  readonly gain: Float64Array;
  /** u32[rows + 1] into missingGain: relevant items that the model does not know */
  readonly missingStart: Uint32Array;
  readonly missingGain: Float64Array;
  /** The most relevant items of one row, missing ones included */
  readonly longest: number;
  readonly counts: HeldOutCounts;
}

export interface RelevanceOptions {
  readonly relevantFrom: RelevantFrom;
  readonly gain: Gain;
  /** Whether relevant items unknown to the model count as misses or are left out */
  readonly unknownItems: "miss" | "leave-out";
  readonly includeSeen: boolean;
}

interface Mapping extends IndexTable {
  readonly unknown: number;
}

/** Where the held-out users and items are in the scorer's maps. Refuses data of which nothing is known. */
export interface HeldOutMaps {
  readonly users: Mapping;
  readonly items: Mapping;
}

export function heldOutMaps(who: string, test: Ratings, users: IdMap, items: IdMap): HeldOutMaps {
  const { start, index } = test.byUser;
  const userSeen = new Uint8Array(test.users.size);
  for (let u = 0; u < test.users.size; u++) if (start[u + 1] > start[u]) userSeen[u] = 1;
  const itemSeen = new Uint8Array(test.items.size);
  for (let i = 0; i < index.length; i++) itemSeen[index[i]] = 1;
  return {
    users: mapOnto(who, "user", test.users, users, userSeen),
    items: mapOnto(who, "item", test.items, items, itemSeen),
  };
}

/** @param present u8[from.size], 1 for entries that have records; only these are counted as unknown */
function mapOnto(who: string, side: string, from: IdMap, onto: IdMap, present: Uint8Array): Mapping {
  const { index, known } = indexTable(from, onto);
  let unknown = 0;
  let matched = 0;
  for (let i = 0; i < from.size; i++) {
    if (known[i] === 1) matched += present[i];
    else unknown += present[i];
  }
  if (matched === 0 && unknown > 0) {
    const kinds =
      from.kind === onto.kind ? "" : ` (held-out ${side} ids are ${from.kind}s, the model's are ${onto.kind}s)`;
    throw new DataError(
      `${who}: ${unknown === 1 ? `the only ${side}` : `each of the ${unknown} ${side}s`} in the held-out data is unknown to the model${kinds}; check that both come from the same data and that no column was swapped`,
      { side, unknown, heldOutKind: from.kind, modelKind: onto.kind },
    );
  }
  return { index, known, unknown };
}

/** Collects the relevant items of every known user. One pass over the held-out records. */
export function relevantRows(
  who: string,
  test: Ratings,
  maps: HeldOutMaps,
  train: TrainingCells,
  options: RelevanceOptions,
): RelevantRows {
  const rows = new RowCollector(who, test, options);
  const { start, index, value } = test.byUser;
  const { users, items } = maps;
  let unknownRecords = 0;
  for (let u = 0; u < test.users.size; u++) {
    if (start[u] === start[u + 1]) continue;
    if (users.known[u] === 0) {
      unknownRecords += start[u + 1] - start[u];
      continue;
    }
    const user = users.index[u];
    rows.open(user, train);
    for (let p = start[u]; p < start[u + 1]; p++) {
      if (items.known[index[p]] === 0) unknownRecords++;
      rows.add(items.known[index[p]] === 1 ? items.index[index[p]] : undefined, value.at(p));
    }
    rows.close();
  }
  return rows.finish({ unknownUsers: users.unknown, unknownItems: items.unknown, unknownRecords });
}

/** Rows under construction; arrays are as long as the held-out data and cut at the end. */
class RowCollector {
  readonly #who: string;
  readonly #options: RelevanceOptions;
  readonly #size: number;
  readonly #users: Uint32Array;
  readonly #start: Uint32Array;
  readonly #missingStart: Uint32Array;
  readonly #item: Uint32Array;
  readonly #gain: Float64Array;
  readonly #missingGain: Float64Array;
  #rows = 0;
  #entries = 0;
  #missing = 0;
  #longest = 0;
  #relevantUnknown = 0;
  #unknownInRow = 0;
  #user = 0;
  #seen: Indexes = new Uint32Array(0);
  #seenAt = 0;
  #alreadyInTraining = 0;
  #usersWithoutRelevant = 0;
  #usersWithoutTraining = 0;

  constructor(who: string, test: Ratings, options: RelevanceOptions) {
    this.#who = who;
    this.#options = options;
    this.#size = test.size;
    this.#users = new Uint32Array(test.users.size);
    this.#start = new Uint32Array(test.users.size + 1);
    this.#missingStart = new Uint32Array(test.users.size + 1);
    this.#item = new Uint32Array(test.size);
    this.#gain = new Float64Array(test.size);
    this.#missingGain = new Float64Array(test.size);
  }

  open(user: number, train: TrainingCells): void {
    const { start, index } = train.byUser;
    this.#user = user;
    this.#seen = index.subarray(start[user], start[user + 1]);
    this.#seenAt = 0;
    this.#unknownInRow = 0;
  }

  /** Items come in ascending order, because id maps on both sides are sorted the same way. */
  add(item: number | undefined, rating: number): void {
    const { relevantFrom, unknownItems, includeSeen } = this.#options;
    if (item !== undefined && !includeSeen && this.#isSeen(item)) {
      this.#alreadyInTraining++;
      return;
    }
    if (relevantFrom !== "all" && rating < relevantFrom) return;
    if (item !== undefined) {
      this.#item[this.#entries] = item;
      this.#gain[this.#entries++] = this.#gainOf(rating);
      return;
    }
    this.#unknownInRow++;
    if (unknownItems === "miss") this.#missingGain[this.#missing++] = this.#gainOf(rating);
  }

  close(): void {
    const known = this.#entries - this.#start[this.#rows];
    const missing = this.#missing - this.#missingStart[this.#rows];
    if (known + missing === 0) {
      this.#usersWithoutRelevant++;
      return;
    }
    this.#relevantUnknown += this.#unknownInRow;
    if (this.#seen.length === 0) this.#usersWithoutTraining++;
    this.#longest = Math.max(this.#longest, known + missing);
    this.#users[this.#rows++] = this.#user;
    this.#start[this.#rows] = this.#entries;
    this.#missingStart[this.#rows] = this.#missing;
  }

  finish(unknown: Pick<HeldOutCounts, "unknownUsers" | "unknownItems" | "unknownRecords">): RelevantRows {
    return {
      users: this.#users.slice(0, this.#rows),
      start: this.#start.slice(0, this.#rows + 1),
      item: this.#item.slice(0, this.#entries),
      gain: this.#gain.slice(0, this.#entries),
      missingStart: this.#missingStart.slice(0, this.#rows + 1),
      missingGain: this.#missingGain.slice(0, this.#missing),
      longest: this.#longest,
      counts: {
        records: this.#size,
        ...unknown,
        usersWithoutRelevant: this.#usersWithoutRelevant,
        usersRanked: this.#rows,
        usersWithoutTraining: this.#usersWithoutTraining,
        relevant: this.#entries + this.#missing,
        relevantUnknown: this.#relevantUnknown,
        alreadyInTraining: this.#alreadyInTraining,
      },
    };
  }

  #isSeen(item: number): boolean {
    while (this.#seenAt < this.#seen.length && this.#seen[this.#seenAt] < item) this.#seenAt++;
    return this.#seenAt < this.#seen.length && this.#seen[this.#seenAt] === item;
  }

  #gainOf(rating: number): number {
    const { gain } = this.#options;
    switch (gain) {
      case "binary":
        return 1;
      case "linear":
      case "exponential":
        if (rating > 0) return gain === "linear" ? rating : powerOfTwo(rating) - 1;
        throw new OptionError(
          this.#who,
          "gain",
          gain,
          `"binary" when a relevant held-out rating is not above 0 (one is ${rating})`,
          "set relevantFrom above 0, or leave gain out",
        );
      default:
        return gain satisfies never;
    }
  }
}
