/**
 * Which items may be listed: allow list, deny list and predicate in, one mask out. Ids that the model does not know are
 * handed back by name.
 */
import type { Id, IdMap } from "../ratings/index.ts";
import { OptionError } from "../support/index.ts";
import type { UnknownIds } from "./outcomes.ts";

export interface Filters {
  /** List these only. An empty list allows nothing. */
  readonly only?: Iterable<Id> | undefined;
  /** Never list these. */
  readonly except?: Iterable<Id> | undefined;
  /** List an item only when this returns true. Called once per item (or user, in `similarUsers`) and question. */
  readonly where?: ((item: Id) => boolean) | undefined;
}

export const filterOptions = ["only", "except", "where"] as const;

export interface Mask {
  /** u8[ids], 0 = kept out; undefined when everything is allowed */
  readonly allowed: Uint8Array | undefined;
  readonly filteredOut: number;
  readonly unknownIds: UnknownIds;
}

export function filterMask(who: string, ids: IdMap, filters: Filters): Mask {
  const { only, except, where } = filters;
  const unknownIds = { only: [] as Id[], except: [] as Id[] };
  if (only === undefined && except === undefined && where === undefined) {
    return { allowed: undefined, filteredOut: 0, unknownIds };
  }
  const allowed = new Uint8Array(ids.size).fill(only === undefined ? 1 : 0);
  const mark = (option: "only" | "except", list: Iterable<Id>, value: 0 | 1) => {
    for (const id of idList(who, option, list)) {
      const index = ids.index(id);
      if (index === undefined) unknownIds[option].push(id);
      else allowed[index] = value;
    }
  };
  if (only !== undefined) mark("only", only, 1);
  if (except !== undefined) mark("except", except, 0);
  if (where !== undefined) applyPredicate(who, ids, where, allowed);
  let kept = 0;
  for (let i = 0; i < allowed.length; i++) kept += allowed[i];
  return { allowed, filteredOut: ids.size - kept, unknownIds };
}

/** A string is iterable too, letter by letter; nobody means that. */
export function idList(who: string, option: string, list: Iterable<Id>): Iterable<Id> {
  if (typeof list === "object" && list !== null && Symbol.iterator in list) return list;
  throw new OptionError(who, option, list, "a list of ids");
}

function applyPredicate(who: string, ids: IdMap, where: (item: Id) => boolean, allowed: Uint8Array): void {
  if (typeof where !== "function") throw new OptionError(who, "where", where, "a function from an id to true or false");
  let index = 0;
  for (const id of ids.ids()) {
    if (allowed[index] === 1) {
      const answer: unknown = where(id);
      // A promise would pass for true and let everything through.
      if (typeof answer !== "boolean")
        throw new OptionError(who, "where", answer, "a function that returns true or false");
      if (!answer) allowed[index] = 0;
    }
    index++;
  }
}
