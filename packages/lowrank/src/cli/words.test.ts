/** Sentences of the engine in the words of the command line. */
import { describe, expect, it } from "vitest";
import { inFlags } from "./words.ts";

/** Some of those that `fit` has, and `--user` of `recommend`. */
const flags = [
  ...[
    "--method",
    "--missing",
    "--learning-rate",
    "--bias-regularization",
    "--clipping",
    "--schedule",
    "--duplicates",
    "--unit",
  ],
  ...["--user", "--rank", "--arrays"],
];

describe("inFlags", () => {
  it.each([
    ["raise biasRegularization above 0", "raise --bias-regularization above 0"],
    [
      'use als() to fit them, or missing: "zero" to count them as 0',
      "use --method als to fit them, or --missing zero to count them as 0",
    ],
    [
      "rank is 8 there and 4 here; seed is 1 there and 0 here",
      "--rank is 8 there and 4 here; seed is 1 there and 0 here",
    ],
    ["lower learningRate (0.1 in that step)", "lower --learning-rate (0.1 in that step)"],
    [
      "lower learningRate (now 0.025; give it with unit: 102.1) by a factor of 3 to 10",
      "lower --learning-rate (now 0.025; give it with --unit 102.1) by a factor of 3 to 10",
    ],
    ['wrote "learningRate: 3" in learningRate.json', 'wrote "learningRate: 3" in learningRate.json'],
    ['lower learningRate, or set clipping "norm"', "lower --learning-rate, or set --clipping norm"],
    ['let it fall over the epochs (schedule "cosine")', "let it fall over the epochs (--schedule cosine)"],
    ['count them (duplicates "sum") and use ials', "count them (--duplicates sum) and use ials"],
    ['choose duplicates "last", "first", "mean" or "sum"', 'choose duplicates "last", "first", "mean" or "sum"'],
    [
      'user "norm" is not in the model, nor schedule "weekly"',
      'user "norm" is not in the model, nor schedule "weekly"',
    ],
    ['d.npz: holds 2 arrays: "Y", "R"; say which', 'd.npz: holds 2 arrays: "Y", "R"; say which'],
    ["svd: 40 of 100 cells have no rating", "svd: 40 of 100 cells have no rating"],
    ["user 5 has no stable solution; nothing() helps", "user 5 has no stable solution; nothing() helps"],
  ])("%s", (sentence, expected) => {
    expect(inFlags(sentence, (flag) => flags.includes(flag))).toBe(expected);
  });

  it("names only the flags that the command has", () => {
    const isFlag = (flag: string) => flag === "--validation";
    expect(inFlags("hold out a share (validation: 0.1), or lower learningRate in als()", isFlag)).toBe(
      "hold out a share (--validation 0.1), or lower learningRate in als()",
    );
  });
});
