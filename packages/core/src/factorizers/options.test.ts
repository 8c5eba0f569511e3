import { describe, expect, it } from "vitest";
import { OptionError, rounded } from "../support/index.ts";
import { type MethodEntry, type MethodName, methods } from "./methods.ts";

describe("options", () => {
  it.each(Object.keys(methods) as MethodName[])("%s refuses null, a number and a list in their place", (name) => {
    for (const given of [null, 3, []]) {
      const make = () => methods[name].make(given as unknown as Record<string, unknown>);
      expect(make).toThrow(OptionError);
      expect(make).toThrow(/options must be an object, such as \{ name: value \}, got (null|3|an empty list)$/);
    }
  });

  it("numbers that may be auto say so when refused, others do not", () => {
    let autos = 0;
    for (const { make, options } of Object.values<MethodEntry>(methods)) {
      for (const [name, spec] of Object.entries(options)) {
        if (spec.type !== "number") continue;
        // Options that another decides whether they act.
        const beside = spec.when === undefined ? {} : { [spec.when.option]: spec.when.is[0] };
        const words =
          spec.auto === undefined ? / must be a finite number from \S+ to \S+, got "x"/ : /, or "auto", got "x"/;
        expect(() => make({ ...beside, [name]: "x" })).toThrow(words);
        if (spec.auto !== undefined) autos++;
      }
    }
    expect(autos).toBeGreaterThan(5);
  });

  it("numbers in sentences have 4 significant digits, and whole ones all of theirs", () => {
    expect([0.11947991698980331, 2.9882447719573975, -6.34600001, 1000209, 5].map(rounded)).toEqual([
      "0.1195",
      "2.988",
      "-6.346",
      "1000209",
      "5",
    ]);
  });
});
