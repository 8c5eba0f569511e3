/** What the report of a fit says about the checkpoint that it leaves. */
import { als, ease, type Factorizer, type FitReport, type Model, sgd, svd } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { checkpointFacts } from "./checkpoints.ts";

const kept = { file: "run.ckpt", bytes: 16_200, passes: 20 };

function said(method: Factorizer<Model>, passes = method.passes): string {
  const report = { passName: method.passName, passes } as FitReport;
  return Object.fromEntries(checkpointFacts(kept, report, method)).checkpoint;
}

describe("the checkpoint of a finished training", () => {
  it("is offered for more passes where a training with more takes it up", () => {
    expect(said(als())).toBe("run.ckpt, 16.2 kB: remove it, or train on with more sweeps");
    expect(said(sgd({ schedule: "constant" }))).toMatch(/: remove it, or train on with more epochs$/);
  });

  it("is not where the rate falls to the last pass, and that is said", () => {
    expect(said(sgd())).toBe(
      "run.ckpt, 16.2 kB: remove it; more epochs begin anew, as each depends on their number (schedule linear)",
    );
  });

  it("is not where the training ended by itself, or knows no passes", () => {
    expect([said(als(), 5), said(svd(), 3), said(ease())]).toEqual(Array(3).fill("run.ckpt, 16.2 kB: remove it"));
  });
});

describe("a training that went on", () => {
  it("says after how many passes", () => {
    const report = { passName: "sweeps", passes: 15, resumedAfter: 1 } as FitReport;
    expect(checkpointFacts(undefined, report, als())).toEqual([["resumed", "after 1 sweep"]]);
  });
});
