import { DataError } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { messageInFlags } from "../remedy.ts";
import { columnsByName, columnsByPosition, plain, titleColumns, type Wishes } from "./columns.ts";

const nothing = { user: undefined, item: undefined, rating: undefined, time: undefined };
const wishes = (asked: Partial<Wishes["asked"]> = {}, more: Partial<Wishes> = {}): Wishes => ({
  asked: { ...nothing, ...asked },
  noRating: false,
  noTime: false,
  ...more,
});

function thrown(call: () => unknown): DataError {
  try {
    call();
  } catch (error) {
    if (error instanceof DataError) return error;
  }
  throw new Error("no DataError was thrown");
}

describe("columns by name", () => {
  const known: readonly (readonly [string, readonly string[], (number | undefined)[]])[] = [
    ["MovieLens", ["userId", "movieId", "rating", "timestamp"], [0, 1, 2, 3]],
    ["capitals and blanks", ["Rating", "Item ID", "USER ID"], [2, 1, 0, undefined]],
    ["Amazon reviews", ["reviewerID", "asin", "overall", "unixReviewTime", "reviewTime"], [0, 1, 2, 3]],
    ["RecBole", ["user_id:token", "item_id:token", "rating:float", "timestamp:float"], [0, 1, 2, 3]],
    ["Last.fm", ["userID", "artistID", "weight"], [0, 1, 2, undefined]],
    ["tags without ratings", ["userId", "movieId", "tag", "timestamp"], [0, 1, undefined, 3]],
    ["an index without a name", ["", "uid", "iid", "stars"], [1, 2, 3, undefined]],
    ["a title beside an id", ["user", "movieId", "title", "score"], [0, 1, 3, undefined]],
  ];
  for (const [name, names, [user, item, rating, time]] of known) {
    it(`finds those of ${name}`, () => {
      expect(columnsByName("f.csv", names, wishes())).toEqual({ user, item, rating, time });
    });
  }

  it("refuses to choose between two columns of one meaning, and names both", () => {
    expect(() => columnsByName("f.csv", ["user", "item", "rating", "score"], wishes())).toThrow(
      'f.csv: the rating column could be "rating" or "score"; say which with rating: "rating"',
    );
  });

  it("takes the column that the caller names, in any spelling, or its position, before any other", () => {
    const names = ["user", "item", "rating", "score"];
    expect(columnsByName("f.csv", names, wishes({ rating: "Score" })).rating).toBe(3);
    expect(columnsByName("f.csv", names, wishes({ rating: 4 })).rating).toBe(3);
  });

  it("leaves ratings and times out on request", () => {
    const names = ["user", "item", "rating", "time"];
    const columns = columnsByName("f.csv", names, wishes({}, { noRating: true, noTime: true }));
    expect([columns.rating, columns.time]).toEqual([undefined, undefined]);
  });

  it("names the columns that are there when the user is not among them", () => {
    expect(() => columnsByName("f.csv", ["who", "item"], wishes(), 3)).toThrow(
      'f.csv line 3: no column is known as the user; its columns are "who" and "item"; say which with user: "name", or give its position',
    );
  });

  it("offers the nearest name for one that is not there, and the count for a position that is not there", () => {
    const names = ["person", "thing", "liking"];
    expect(() => columnsByName("f.csv", names, wishes({ user: "persn", item: "thing" }))).toThrow(
      'has no column named "persn"; its columns are "person", "thing" and "liking"; did you mean "person"?',
    );
    expect(() => columnsByName("f.csv", names, wishes({ user: 4, item: 2 }))).toThrow("from 1 to 3");
  });

  it("refuses a header with one name twice, and one column for two roles", () => {
    expect(() => columnsByName("f.csv", ["user", "item", "user"], wishes(), 2)).toThrow(
      'f.csv line 2: the header has "user" twice, as columns 1 and 3',
    );
    expect(() => columnsByName("f.csv", ["a", "item"], wishes({ user: "a", rating: "a" }))).toThrow(
      '"a" cannot be both user and rating',
    );
  });

  it("carries the remedy for the API and for the command line", () => {
    const error = thrown(() => columnsByName("f.csv", ["user", "item", "my score", "my_score"], wishes({ rating: 5 })));
    expect(error.message).toContain("from 1 to 4");
    const unclear = thrown(() => columnsByName("f.csv", ["user", "item", "user rating", "r"], wishes(), 1));
    expect(unclear.facts).toMatchObject({
      line: 1,
      candidates: ["user rating", "r"],
      remedy: {
        options: 'say which with rating: "user rating"',
        flags: "say which with --rating-column 'user rating'",
      },
    });
    expect(messageInFlags(unclear)).toBe(
      `f.csv line 1: the rating column could be "user rating" or "r"; say which with --rating-column 'user rating'`,
    );
  });

  it("compares names without case, punctuation and RecBole's types", () => {
    expect(["User ID", "user_id", "user-id:token"].map(plain)).toEqual(["userid", "userid", "userid"]);
  });
});

describe("columns by position", () => {
  it("are user item rating time for 2 to 4 columns", () => {
    expect(columnsByPosition("f", 2, wishes())).toEqual({ user: 0, item: 1, rating: undefined, time: undefined });
    expect(columnsByPosition("f", 3, wishes())).toEqual({ user: 0, item: 1, rating: 2, time: undefined });
    expect(columnsByPosition("f", 4, wishes())).toEqual({ user: 0, item: 1, rating: 2, time: 3 });
  });

  it("follow what the caller states; a column that is spoken for has no second role", () => {
    expect(columnsByPosition("f", 4, wishes({ rating: 4 }))).toEqual({ user: 0, item: 1, rating: 3, time: undefined });
    expect(columnsByPosition("f", 9, wishes({ user: 9, item: 1 }))).toEqual({
      user: 8,
      item: 0,
      rating: undefined,
      time: undefined,
    });
  });

  it("are not guessed for 5 columns, and not found by name without a header", () => {
    expect(() => columnsByPosition("f", 5, wishes())).toThrow("the user column cannot be told");
    expect(() => columnsByPosition("f", 3, wishes({ user: "uid" }))).toThrow('no column named "uid"');
  });
});

describe("columns of titles", () => {
  it("are found by name, else the first two", () => {
    const none = { id: undefined, title: undefined };
    expect(titleColumns("f", ["movieId", "title", "genres"], 3, none)).toEqual({ id: 0, title: 1 });
    expect(titleColumns("f", ["name", "id"], 2, none)).toEqual({ id: 1, title: 0 });
    expect(titleColumns("f", undefined, 24, none)).toEqual({ id: 0, title: 1 });
    expect(titleColumns("f", ["a", "b"], 2, { id: "b", title: 1 })).toEqual({ id: 1, title: 0 });
  });

  it("are refused when they cannot be told", () => {
    expect(() => titleColumns("f", ["a", "b"], 2, { id: undefined, title: undefined })).toThrow(
      "name them with id and title",
    );
  });
});
