/**
 * The ratings of both sides in kernel memory, as tightly as their values allow: indexes of 2 bytes where 65,536 rows are not exceeded, a byte for
 * each number where few differ, none where all are equal. Half stars take 3 bytes a rating and side, clicks 2. Shared by als, ials and nmf.
 * Not here: what numbers are made of the ratings (alternating.ts, nmf.ts).
 */
import {
  type Arrays,
  type EntryNumbers,
  indexSlot,
  longestRow,
  type PackedRows,
  piecesFor,
  slot,
} from "../kernels/index.ts";
import type { CellValues, Ratings } from "../ratings/index.ts";

/**
 * How a side's numbers stand there: `table` holds one, that of every entry; those that the codes of the ratings mean; or one for each
 * entry.
 */
export type NumberForm = "equal" | "coded" | "plain";

/** As the ratings' own values: for numbers that follow from the value alone. */
export function formOfValues({ byUser: { value } }: Ratings): NumberForm {
  if (value.code !== undefined) return "coded";
  return value.table.length === 1 ? "equal" : "plain";
}

export interface NumberForms {
  readonly user: NumberForm;
  readonly item: NumberForm;
}

export type EntrySlots = ReturnType<typeof entrySlots>;

/** Part of a layout: the entries of both sides, and the room to unpack them in. */
export function entrySlots(ratings: Ratings, forms: NumberForms) {
  const { size, byUser } = ratings;
  const [users, items] = [ratings.users.size, ratings.items.size];
  const codes = (form: NumberForm) => slot.inPieces(slot.u8(form === "coded" ? size : 0));
  const table = (form: NumberForm) => {
    if (form === "plain") return slot.inPieces(slot.f32(size));
    return slot.f32(form === "coded" ? byUser.value.table.length : 1);
  };
  return {
    userStart: slot.u32(users + 1),
    itemStart: slot.u32(items + 1),
    userIndex: indexSlot(size, items),
    itemIndex: indexSlot(size, users),
    userCode: codes(forms.user),
    itemCode: codes(forms.item),
    userTable: table(forms.user),
    itemTable: table(forms.item),
    pieces: piecesFor(longestHistory(ratings), size),
  };
}

/** Ratings of the user or item with most. */
export function longestHistory({ byUser, itemCounts }: Ratings): number {
  return itemCounts.reduce((most, count) => Math.max(most, count), longestRow(byUser, byUser.rows));
}

/** Entries of one side. Rows of `user` are users, those of `item` items. */
export interface SideEntries {
  readonly rows: PackedRows;
  readonly numbers: EntryNumbers;
  /** The numbers themselves: one for each entry, or what they are coded by. To be made of `values` by the owner */
  readonly table: Float32Array;
}

/** The entries of a side, as they stand in kernel memory. */
export function sideEntries(at: Arrays<EntrySlots>, side: "user" | "item", forms: NumberForms): SideEntries {
  const rows = { start: at[`${side}Start`], index: at[`${side}Index`] };
  const table = at[`${side}Table`];
  switch (forms[side]) {
    case "plain":
      return { rows, numbers: table, table };
    case "coded":
      return { rows, numbers: { code: at[`${side}Code`], table }, table };
    case "equal":
      return { rows, numbers: { code: undefined, table }, table };
    default:
      return forms[side] satisfies never;
  }
}

/**
 * Writes the entries of both sides: the ratings by user as they are, those by item sorted straight into kernel memory, as they are needed
 * nowhere else. Tables are filled with the ratings' values. A value that no rating has, as a table of a split may hold, is written as one that
 * some rating has.
 */
export function fillEntries(ratings: Ratings, at: Arrays<EntrySlots>, forms: NumberForms): void {
  const { start, index, value } = ratings.byUser;
  at.userStart.set(start);
  at.userIndex.set(index);
  if (forms.user === "coded") at.userCode.set(value.code as Uint8Array);
  ratings.writeByItem({ start: at.itemStart, index: at.itemIndex, value: roomFor(at, forms.item) });
  const values = occurring(value);
  for (const side of ["user", "item"] as const) {
    const table = at[`${side}Table`];
    if (forms[side] === "coded") table.set(values);
    else if (forms[side] === "equal") table[0] = values.length > 0 ? values[0] : 0;
  }
  if (forms.user === "plain") value.writeTo(at.userTable);
}

/** Where the values of the ratings by item go. */
function roomFor(at: Arrays<EntrySlots>, form: NumberForm): Uint8Array | Float32Array | undefined {
  if (form === "equal") return undefined;
  return form === "coded" ? at.itemCode : at.itemTable;
}

/** The table of values, those that no cell has replaced by one that a cell has. */
function occurring({ code, table }: CellValues): Float32Array {
  if (code === undefined || code.length === 0) return table;
  const has = new Uint8Array(table.length);
  for (let cell = 0; cell < code.length; cell++) has[code[cell]] = 1;
  return table.map((value, at) => (has[at] === 1 ? value : table[code[0]]));
}
