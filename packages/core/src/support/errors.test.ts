import { expect, it } from "vitest";
import { AbortedError, DataError, DivergenceError, LowrankError, ModelFileError, OptionError, show } from "./errors.ts";

it("every error is a LowrankError and an Error, bears its class name and a code of its own", () => {
  const errors = [
    new OptionError("als", "rank", 0, "a whole number from 1"),
    new DataError("x"),
    new ModelFileError("x"),
    new DivergenceError("x"),
    new AbortedError("fit"),
  ];
  for (const error of errors) {
    expect(error).toBeInstanceOf(LowrankError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(error.constructor.name);
  }
  expect(errors.map((error) => error.code)).toEqual(["option", "data", "model-file", "divergence", "aborted"]);
});

it("facts are fields, so that nobody has to read the message", () => {
  const error = new OptionError("als", "rank", 0, "a whole number from 1", "choose 8");
  expect(error).toMatchObject({ option: "rank", got: 0, allowed: "a whole number from 1" });
  expect(error.facts).toEqual({ who: "als", option: "rank", got: 0, allowed: "a whole number from 1" });
  expect(error.message).toBe("als: rank must be a whole number from 1, got 0; choose 8");
});

it("the cause is kept where there is one, and not invented where there is none", () => {
  const cause = new Error("disk");
  expect(new DataError("x", {}, cause).cause).toBe(cause);
  expect("cause" in new DataError("x")).toBe(false);
});

it("values are shown quoted, and cut at 60 characters", () => {
  expect(show("4,5")).toBe('"4,5"');
  expect(show("a".repeat(100))).toBe(`"${"a".repeat(57)}..."`);
  expect([show(undefined), show(null), show(Number.NaN), show([1]), show({}), show(() => 1)]).toEqual([
    "undefined",
    "null",
    "NaN",
    "a list of 1",
    "an object",
    "a function",
  ]);
});
