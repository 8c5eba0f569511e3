import { describe, expect, it } from "vitest";
import { finiteNumber, knownOptions, nearest, oneOf, throwIfAborted, trueOrFalse, wholeNumber } from "./check.ts";
import { AbortedError, OptionError } from "./errors.ts";

describe("wholeNumber", () => {
  it("takes 1 and 1024 where 1 to 1024 is allowed", () => {
    expect(wholeNumber("als", "rank", 1, 1, 1024)).toBe(1);
    expect(wholeNumber("als", "rank", 1024, 1, 1024)).toBe(1024);
  });

  it.each([0, 1025, 2.5, Number.NaN, Number.POSITIVE_INFINITY, "8", null, undefined])("refuses %s", (value) => {
    expect(() => wholeNumber("als", "rank", value, 1, 1024)).toThrow(OptionError);
  });

  it("says who, which option, what is allowed and what came", () => {
    expect(() => wholeNumber("als", "rank", 0, 1, 1024)).toThrow(
      "als: rank must be a whole number from 1 to 1024, got 0",
    );
    expect(() => wholeNumber("als", "rank", "8", 1, Number.MAX_SAFE_INTEGER)).toThrow(
      'als: rank must be a whole number of at least 1, got "8"',
    );
  });
});

describe("finiteNumber", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "1", true])("refuses %s", (value) => {
    expect(() => finiteNumber("als", "regularization", value)).toThrow(/must be a finite number, got/);
  });

  it("keeps to its range, ends included", () => {
    expect(finiteNumber("als", "x", 0, 0, 1)).toBe(0);
    expect(finiteNumber("als", "x", 1, 0, 1)).toBe(1);
    expect(() => finiteNumber("als", "x", 1.0001, 0, 1)).toThrow("from 0 to 1, got 1.0001");
    expect(() => finiteNumber("als", "x", -1, 0)).toThrow("of at least 0, got -1");
  });
});

it("oneOf names all the words", () => {
  expect(oneOf("f", "how", "b", ["a", "b"])).toBe("b");
  expect(() => oneOf("f", "how", "c", ["a", "b"])).toThrow('f: how must be one of "a", "b", got "c"');
});

it("trueOrFalse does not take 1 for true", () => {
  expect(trueOrFalse("f", "flag", false)).toBe(false);
  expect(() => trueOrFalse("f", "flag", 1)).toThrow("true or false, got 1");
});

describe("knownOptions", () => {
  it("refuses an option that does not exist, by name, and guesses what was meant", () => {
    expect(() => knownOptions("als", { sweps: 3 }, ["rank", "sweeps"])).toThrow(
      'als: sweps must be left out: als has no such option, got 3; did you mean "sweeps"?',
    );
  });

  it("makes no guess where nothing is near", () => {
    expect(() => knownOptions("als", { iterations: 3 }, ["rank", "sweeps"])).toThrow(/got 3$/);
  });

  it.each([null, undefined, 3, "rank", [3]])("refuses %j in place of options", (given) => {
    expect(() => knownOptions("als", given as unknown as object, ["rank"])).toThrow(
      /^als: options must be an object, such as \{ name: value \}, got /,
    );
  });

  it("lets known options pass, undefined ones too", () => {
    expect(() => knownOptions("als", { rank: undefined }, ["rank"])).not.toThrow();
  });
});

it("nearest forgives one slip in a word of three letters or more, and no more", () => {
  expect(nearest("rnk", ["rank", "seed"])).toBe("rank");
  expect(nearest("RANK", ["rank", "seed"])).toBe("rank");
  expect(nearest("xy", ["rank", "seed"])).toBeUndefined();
});

it("throwIfAborted throws only once the signal has fired", () => {
  const controller = new AbortController();
  expect(() => throwIfAborted("fit", controller.signal)).not.toThrow();
  expect(() => throwIfAborted("fit", undefined)).not.toThrow();
  controller.abort();
  expect(() => throwIfAborted("fit", controller.signal)).toThrow(AbortedError);
});
