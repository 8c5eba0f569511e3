/**
 * Which column holds what: names or positions in, one column per role out. Pure; knows no files.
 *
 * A column is found by name when exactly one name of the best matching tier is there; two of a tier are refused, not
 * guessed between. Case, blanks and punctuation do not matter: `User ID`, `user_id` and `userId` are one name.
 */
import { DataError } from "@lowrank/core";
import { nearest, show } from "@lowrank/core/support";
import { refusal } from "../remedy.ts";
import { shellWord } from "../shell-word.ts";
import type { AskedColumns, ColumnChoice } from "./options.ts";

export const roles = ["user", "item", "rating", "time"] as const;
export type Role = (typeof roles)[number];

/** For each role where it stands, as an index from 0 into the columns; rating and time may not be there. */
export type Roles = {
  readonly user: number;
  readonly item: number;
  readonly rating: number | undefined;
  readonly time: number | undefined;
};

const itemNouns = [
  ...["movie", "film", "book", "product", "track", "song", "artist", "album", "article", "anime", "show", "game"],
  ...["recipe", "restaurant", "business", "place", "venue", "course", "video", "joke", "story", "news", "poi"],
];

/** Names after `plain`, best tier first. */
const knownNames: Readonly<Record<Role | "title", readonly (readonly string[])[]>> = {
  user: [
    ["user", "userid", "uid"],
    ["customer", "customerid", "reviewer", "reviewerid", "visitor", "visitorid", "member", "memberid"],
    ["account", "accountid", "person", "personid", "client", "clientid", "reader", "readerid", "profileid", "userno"],
    ["username", "u"],
  ],
  item: [
    ["item", "itemid", "iid"],
    itemNouns.flatMap((noun) => [noun, `${noun}id`]).concat("asin", "sku", "isbn"),
    ["parentasin", "title", "itemname", "i"],
  ],
  rating: [
    ["rating", "ratings", "score", "stars", "star", "value"],
    ["overall", "userrating", "ratingvalue", "starrating", "bookrating", "ratingscore", "reviewscore", "r"],
    ["count", "plays", "playcount", "clicks", "quantity", "events", "interactions", "weight", "listens"],
  ],
  time: [
    ["timestamp", "time", "ts", "unixtime", "unixreviewtime"],
    ["date", "datetime", "createdat", "created", "ratedat", "reviewtime", "reviewdate", "ratingtime", "eventtime"],
    ["t", "day"],
  ],
  title: [
    ["title", "name"],
    ["itemtitle", "itemname", "label", ...itemNouns.flatMap((noun) => [`${noun}title`, `${noun}name`])],
  ],
};

/** The command line's flag for a column, for remedies. */
const flag = (role: string) => `--${role}-column`;

/** `User_ID` → `userid`. The types that RecBole writes into names (`user_id:token`) are left off. */
export function plain(name: string): string {
  return name
    .replace(/:(token|float)(_seq)?$/, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}

/** True when a header line with these names would give away users and items. */
export function namesUsersAndItems(names: readonly string[]): boolean {
  return found("user", names).length > 0 && found("item", names).length > 0;
}

/** True when at least one of the names is known for some role. */
export function namesAnything(names: readonly string[]): boolean {
  return roles.some((role) => found(role, names).length > 0) || found("title", names).length > 0;
}

/** Indexes of the columns that carry a name of the best tier that is there at all. */
function found(role: Role | "title", names: readonly string[]): number[] {
  const plainNames = names.map(plain);
  for (const tier of knownNames[role]) {
    const hits = plainNames.flatMap((name, index) => (tier.includes(name) ? [index] : []));
    if (hits.length > 0) return hits;
  }
  return [];
}

export interface Wishes {
  readonly asked: AskedColumns;
  readonly noRating: boolean;
  readonly noTime: boolean;
}

/**
 * @param line where the header stands; undefined where names stand in no line of their own (JSON, Parquet)
 * @throws DataError naming the file, its columns and the option that settles it
 */
export function columnsByName(file: string, names: readonly string[], wishes: Wishes, line?: number): Roles {
  refuseTwins(file, names, line);
  const header = { file, names, line };
  const { asked, noRating, noTime } = wishes;
  const claimed = new Set(
    roles.flatMap((role) => (asked[role] === undefined ? [] : [chosen(header, role, asked[role])])),
  );
  const search = (role: Role) =>
    asked[role] === undefined ? soleOf(header, role, found(role, names), claimed) : chosen(header, role, asked[role]);
  const user = search("user");
  const item = search("item");
  if (user === undefined) throw missing(header, "user");
  if (item === undefined) throw missing(header, "item");
  const columns = {
    user,
    item,
    rating: noRating ? undefined : search("rating"),
    time: noTime ? undefined : search("time"),
  };
  refuseSharing(header, columns);
  return columns;
}

/** A header as messages speak of it. */
interface Header {
  readonly file: string;
  readonly names: readonly string[];
  /** Undefined where there is no such line */
  readonly line: number | undefined;
}

const placeOf = ({ file, line }: Header) => (line === undefined ? file : `${file} line ${line}`);
const factsOf = ({ file, line }: Header) => (line === undefined ? { file } : { file, line });

/** For a file without a header: positions as stated, else user item rating time in this order for 2 to 4 columns. */
export function columnsByPosition(file: string, count: number, wishes: Wishes): Roles {
  const { asked, noRating, noTime } = wishes;
  const stated = new Map<Role, number>();
  for (const role of roles) {
    const choice = asked[role];
    if (choice === undefined) continue;
    if (typeof choice === "string") {
      throw refusal(
        `${file}: has no header line, so there is no column named ${show(choice)}`,
        (say) =>
          `give its position from 1 to ${count}, or ${say("header: true", "--header")} if line 1 does hold names`,
        { file, role, got: choice },
      );
    }
    stated.set(role, position(file, role, choice, count));
  }
  const byHabit = (role: Role, index: number) => {
    const choice = stated.get(role);
    if (choice !== undefined) return choice;
    return count <= 4 && index < count && ![...stated.values()].includes(index) ? index : undefined;
  };
  const user = byHabit("user", 0);
  const item = byHabit("item", 1);
  if (user === undefined || item === undefined) {
    const role = user === undefined ? "user" : "item";
    throw refusal(
      `${file}: has no header line and ${count} ${count === 1 ? "column" : "columns"}, so the ${role} column cannot be told`,
      (say) => `give its position with ${say(`${role}: 1`, `${flag(role)} 1`)} or the like`,
      { file, role, columns: count },
    );
  }
  const columns = {
    user,
    item,
    rating: noRating ? undefined : byHabit("rating", 2),
    time: noTime ? undefined : byHabit("time", 3),
  };
  const names = Array.from({ length: count }, (_, index) => `column ${index + 1}`);
  refuseSharing({ file, names, line: undefined }, columns);
  return columns;
}

/** Where ids and titles stand: by name, else the first two columns. */
export function titleColumns(
  file: string,
  names: readonly string[] | undefined,
  count: number,
  asked: { readonly id: ColumnChoice | undefined; readonly title: ColumnChoice | undefined },
): { readonly id: number; readonly title: number } {
  const search = (option: "id" | "title", role: "item" | "title", habit: number) => {
    const choice = asked[option];
    if (choice !== undefined) {
      if (typeof choice === "number") return position(file, option, choice, count);
      if (names !== undefined) return chosen({ file, names, line: undefined }, option, choice);
      throw new DataError(
        `${file}: has no header line, so there is no column named ${show(choice)}; give its position`,
        {
          file,
          got: choice,
        },
      );
    }
    if (names === undefined) return habit;
    const idsFirst = names.map((name, index) => (plain(name) === "id" && role === "item" ? index : -1));
    const hits = found(role, names).concat(idsFirst.filter((index) => index >= 0));
    return hits.length > 0 ? hits[0] : undefined;
  };
  const title = search("title", "title", 1);
  const id = search("id", "item", 0);
  if (id === undefined || title === undefined || id === title || Math.max(id, title) >= count) {
    throw refusal(
      `${file}: cannot tell which column holds ids and which titles among ${names === undefined ? `${count} columns` : quotedList(names)}`,
      (say) => say("name them with id and title", 'call them "id" and "title" in its first line'),
      { file, columns: names ?? count },
    );
  }
  return { id, title };
}

/** A name or position as the caller chose it, as an index. */
function chosen(header: Header, role: string, choice: ColumnChoice): number {
  const { file, names } = header;
  if (typeof choice === "number") return position(file, role, choice, names.length);
  const exact = names.indexOf(choice);
  if (exact >= 0) return exact;
  const alike = names.flatMap((name, index) => (plain(name) === plain(choice) && plain(choice) !== "" ? [index] : []));
  if (alike.length === 1) return alike[0];
  const near = nearest(choice, names);
  const hint = near === undefined ? "" : `; did you mean ${show(near)}?`;
  throw new DataError(
    `${placeOf(header)}: has no column named ${show(choice)}; its columns are ${quotedList(names)}${hint}`,
    { ...factsOf(header), role, got: choice, columns: names },
  );
}

function position(file: string, role: string, choice: number, count: number): number {
  if (choice <= count) return choice - 1;
  throw new DataError(
    `${file}: has ${count} ${count === 1 ? "column" : "columns"}, so the ${role} column cannot be number ${choice}; ` +
      `give a position from 1 to ${count}`,
    { file, role, got: choice, columns: count },
  );
}

function soleOf(header: Header, role: Role, hits: readonly number[], claimed: ReadonlySet<number>): number | undefined {
  const free = hits.filter((index) => !claimed.has(index));
  if (free.length <= 1) return free[0];
  const candidates = free.map((index) => header.names[index]);
  const [first] = candidates;
  throw refusal(
    `${placeOf(header)}: the ${role} column could be ${quotedList(candidates, "or")}`,
    (say) => `say which with ${say(`${role}: ${show(first)}`, `${flag(role)} ${shellWord(first)}`)}`,
    { ...factsOf(header), role, candidates },
  );
}

function missing(header: Header, role: Role): DataError {
  return refusal(
    `${placeOf(header)}: no column is known as the ${role}; its columns are ${quotedList(header.names)}`,
    (say) => `say which with ${say(`${role}: "name"`, `${flag(role)} name`)}, or give its position`,
    { ...factsOf(header), role, columns: header.names },
  );
}

/** A name that stands twice would make the choice of column a guess. */
function refuseTwins(file: string, names: readonly string[], line: number | undefined): void {
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const key = name.trim().toLowerCase();
    const before = seen.get(key);
    if (key !== "" && before !== undefined) {
      const header = { file, names, line };
      const facts = { ...factsOf(header), columns: [before + 1, index + 1], name };
      const columns = `as columns ${before + 1} and ${index + 1}`;
      if (line === undefined)
        throw new DataError(`${file}: has ${show(name)} twice, ${columns}; rename one of them`, facts);
      throw refusal(
        `${placeOf(header)}: the header has ${show(name)} twice, ${columns}`,
        (say) => `rename one of them, or pass ${say("header: false", "--no-header")} if line ${line} is data`,
        facts,
      );
    }
    seen.set(key, index);
  }
}

function refuseSharing(header: Header, columns: Roles): void {
  const { names } = header;
  for (const [a, first] of roles.entries()) {
    for (const second of roles.slice(a + 1)) {
      if (columns[first] === undefined || columns[first] !== columns[second]) continue;
      throw new DataError(
        `${placeOf(header)}: ${show(names[columns[first]])} cannot be both ${first} and ${second}; state another column for one of them`,
        { ...factsOf(header), roles: [first, second], column: names[columns[first]] },
      );
    }
  }
}

/** `"a", "b" and "c"`; a long list is cut after twelve. */
export function quotedList(names: readonly string[], last: "and" | "or" = "and"): string {
  const shown = names.slice(0, 12).map((name) => show(name));
  if (names.length > 12) return `${shown.join(", ")} ${last} ${names.length - 12} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} ${last} ${shown[shown.length - 1]}`;
}
