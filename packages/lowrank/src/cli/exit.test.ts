/** Errors of the engine as a command tells them. */
import { DataError, LowrankError, OptionError } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { failureOf } from "./exit.ts";

describe("failureOf", () => {
  it.each([
    ["recommendFor: rows of this model do not follow", "rows of this model do not follow"],
    ["saveArrays: a net is more than tables", "a net is more than tables"],
    ["leaveLastOut: these ratings have no times", "these ratings have no times"],
    ["myRatings: there is no such file", "myRatings: there is no such file"],
    ["svd: 40 of 100 cells have no rating", "svd: 40 of 100 cells have no rating"],
    ['d.npz: holds 2 arrays: "Y", "R"', 'd.npz: holds 2 arrays: "Y", "R"'],
  ])("of %j says %j, with 1", (message, expected) => {
    const failure = failureOf(new LowrankError("any", message), ["--arrays"]);
    expect(failure).toMatchObject({ exitCode: 1, message: expected });
  });

  it("does not say the name of the command twice", () => {
    expect(failureOf(new DataError("evaluate: nothing to measure"), [], "evaluate").message).toBe("nothing to measure");
  });

  it("names a refused option by its flag, with 2", () => {
    const error = new OptionError("als", "biasRegularization", -1, "a finite number of at least 0");
    expect(failureOf(error, ["--bias-regularization"])).toMatchObject({
      exitCode: 2,
      message: "--bias-regularization must be a finite number of at least 0, got -1",
    });
  });
});
