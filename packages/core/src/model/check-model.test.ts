import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explicitObjective, explicitObjectives, implicitObjective, modelFixture } from "../../test/model-fixture.ts";
import { CellValues } from "../ratings/index.ts";
import { DataError } from "../support/index.ts";
import { checkModel } from "./check-model.ts";
import type { FactorModel } from "./factor-model.ts";
import { decodeModel, encodeModel } from "./model-file.ts";

const model = modelFixture();
const history = {
  ...(model.history as NonNullable<FactorModel["history"]>),
  start: Uint32Array.of(0, 2, 4, 4, 4, 4),
  index: Uint32Array.of(0, 3, 1, 2),
  value: CellValues.of([5, 4, 3, 2]),
};

/** Why a model is refused: the same by `checkModel` and by writing a file. */
function reasonOf(change: object): string {
  const changed = { ...model, ...change } as FactorModel;
  let reason = "accepted";
  try {
    checkModel(changed);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    reason = (error as DataError).message.replace("model: ", "");
  }
  if (reason === "accepted") decodeModel(encodeModel(changed));
  else expect(() => encodeModel(changed)).toThrow(reason);
  return reason;
}

describe("checkModel", () => {
  it("names the table or bias that has a wrong length, a wrong type or a number that is not finite, and its row", () => {
    expect(reasonOf({})).toBe("accepted");
    expect(reasonOf({ itemFactors: new Float32Array(5) })).toBe("itemFactors has 5 numbers, 4 rows of rank 3 need 12");
    expect(reasonOf({ userBias: Float32Array.of(0, 0, 0, Number.NaN, 0) })).toBe(
      "userBias row 3 holds NaN; every number must be finite",
    );
    expect(reasonOf({ itemBias: [0, 0, 0, 0] })).toBe("itemBias must be a Float32Array");
    expect(reasonOf({ userFactors: new Float64Array(15) })).toBe("userFactors must be a Float32Array");
    expect(reasonOf({ mean: Number.POSITIVE_INFINITY })).toBe("mean must be a finite number, got Infinity");
    expect(reasonOf({ scale: "stars" })).toBe('scale must be one of rating, preference, logit, got "stars"');
    expect(reasonOf({ range: { min: 5, max: 1 } })).toMatch("got 5 to 1");
    expect(reasonOf({ rank: 2.5 })).toBe("rank must be a whole number from 1, got 2.5");
  });

  it("names the array of the history that does not make rows, and the place", () => {
    const of = (part: object) => reasonOf({ history: { ...history, ...part } });
    expect(of({})).toBe("accepted");
    expect(of({ rows: 4 })).toBe("history is 4 users × 4 items, the model has 5 × 4");
    expect(of({ start: Uint32Array.of(0) })).toBe("history.start has 1 numbers, 5 users need 6");
    expect(of({ start: Uint32Array.of(1, 2, 4, 4, 4, 4) })).toBe("history.start must run from 0 to the 4 entries");
    expect(of({ start: Uint32Array.of(0, 2, 1, 4, 4, 4) })).toBe("history.start does not ascend at row 1");
    expect(of({ start: Uint32Array.of(0, 2, 4e9, 4, 4, 4) })).toBe("history.start does not ascend at row 1");
    const outside = "history.index must ascend below 4 within a row, which place 1 does not";
    expect(of({ index: Uint32Array.of(0, 4e9, 1, 2) })).toBe(outside);
    expect(of({ index: Uint32Array.of(3, 0, 1, 2) })).toBe(outside);
    expect(of({ index: Uint32Array.of(3, 3, 1, 2) })).toBe(outside);
    expect(of({ index: [0, 3, 1, 2] })).toBe("history.index must be a Uint16Array or a Uint32Array");
    expect(of({ index: Uint16Array.of(0, 3, 1, 2) })).toBe("accepted");
    const bare = Float32Array.of(1, 2, 3, 4);
    expect(of({ value: bare })).toBe("history.value must be CellValues, as CellValues.of(numbers) makes them");
    expect(of({ value: new CellValues(bare) })).toBe("accepted");
    const short = [new CellValues(bare.slice(1)), CellValues.of([1, 1, 1]), CellValues.of([1, 2, 1])];
    for (const value of [...short, new CellValues(bare, new Uint8Array(3), 4)])
      expect(of({ value })).toBe("history.value has 3 numbers for 4 entries");
    const bad = "history.value holds NaN at place 2; all must be finite";
    for (const numbers of [
      [1, 2, Number.NaN, 3],
      [2, 1, Number.NaN, Number.NaN],
    ]) {
      expect(of({ value: CellValues.of(numbers) })).toBe(bad);
      expect(of({ value: new CellValues(Float32Array.from(numbers)) })).toBe(bad);
    }
    expect(of({ value: new CellValues(Float32Array.of(Number.NaN), undefined, 4) })).toMatch("holds NaN at place 0");
    expect(of({ value: new CellValues(bare, Uint8Array.of(3, 2, 4, 0)) })).toBe(
      "history.value has the code 4 at place 2, and a table of 4 numbers",
    );
    expect(of({ time: new Float64Array(1) })).toBe("history.time has 1 numbers for 4 entries");
  });

  it("names the field of the objective that is not a finite number from 0, or not a choice", () => {
    const numbers = (objective: object) =>
      Object.entries(objective).flatMap(([field, value]) => (typeof value === "number" ? [field] : []));
    for (const objective of [explicitObjective, implicitObjective]) {
      expect(reasonOf({ objective })).toBe("accepted");
      const fields = numbers(objective);
      expect(fields.length).toBe(4);
      for (const field of fields) {
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -0.1, "1", null]) {
          expect(reasonOf({ objective: { ...objective, [field]: value } })).toBe(
            `objective must be an objective whose ${field} is a finite number from 0`,
          );
        }
      }
    }
    for (const objective of explicitObjectives) expect(reasonOf({ objective })).toBe("accepted");
    expect(reasonOf({ objective: { ...explicitObjective, biasRegularization: undefined } })).toMatch(
      "whose biasRegularization is a finite number",
    );
    expect(reasonOf({ objective: { ...explicitObjective, biases: "none" } })).toMatch(
      "without biasRegularization when",
    );
    for (const biases of ["all", true, undefined]) {
      expect(reasonOf({ objective: { ...explicitObjective, biases } })).toMatch(
        "whose biases is one of none, user, item, both",
      );
    }
    expect(reasonOf({ objective: { ...explicitObjective, center: "row" } })).toMatch(
      "whose center is one of none, global, user, item",
    );
    expect(reasonOf({ objective: { ...implicitObjective, confidence: "cubic" } })).toMatch(
      "whose confidence is one of constant, proportional, linear, log",
    );
    expect(reasonOf({ objective: { kind: "magic" } })).toMatch('of kind "explicit", "implicit" or "history"');
  });

  it("what it lets through is written and read back, whatever of a history or objective is changed", () => {
    const word = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(4e9));
    const number = fc.oneof(fc.float(), fc.constantFrom(1, Number.NaN, Number.POSITIVE_INFINITY));
    const change = fc.record({ array: fc.constantFrom("start", "index", "value"), at: fc.nat(5), word, number });
    const outcomes = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2 }), number, (changes, confidenceScale) => {
        const rows = { start: history.start.slice(), index: history.index.slice(), value: history.value.toFloats() };
        for (const { array, at, word: whole, number: any } of changes) {
          if (array === "value") rows.value[at] = any;
          else rows[array as "start" | "index"][at] = whole;
        }
        const objective = { ...implicitObjective, confidenceScale };
        outcomes[
          reasonOf({ history: { ...history, ...rows, value: CellValues.of(rows.value) }, objective }) === "accepted"
            ? "accepted"
            : "refused"
        ]++;
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(outcomes.accepted, outcomes.refused)).toBeGreaterThan(100);
  });
});
