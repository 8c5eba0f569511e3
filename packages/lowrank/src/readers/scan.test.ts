import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Dialect, MAX_RECORD_LENGTH, Scanner, scanText } from "./scan.ts";

const comma: Dialect = { separator: ",", quotes: true, newline: "\n" };

const lines = (text: string, dialect = comma) =>
  scanText(text, dialect).map(({ line, fields, problem }) => [line, fields, problem]);

describe("Scanner", () => {
  it("splits at the separator and counts lines from 1, blank ones included", () => {
    expect(lines("a,b\n\n1,2\r\n3,")).toEqual([
      [1, ["a", "b"], undefined],
      [3, ["1", "2"], undefined],
      [4, ["3", ""], undefined],
    ]);
  });

  it("takes separators, doubled quotes and line ends inside quotes as text; the line is that of the first character", () => {
    expect(lines('1,"a,""b""\nc"\n2,"",x\n"3" ,d')).toEqual([
      [1, ["1", 'a,"b"\nc'], undefined],
      [3, ["2", "", "x"], undefined],
      [4, ["3", "d"], undefined],
    ]);
  });

  it("blames a quote that never closes on its own line, and goes on after it", () => {
    expect(lines('1,2\n3,"open\n4,5\n6,7')).toEqual([
      [1, ["1", "2"], undefined],
      [2, ['3,"open'], "open-quote"],
      [3, ["4", "5"], undefined],
      [4, ["6", "7"], undefined],
    ]);
  });

  it("names text after a closing quote as a problem of that line only", () => {
    expect(lines('1,"a"b,2\n3,4').map(([line, , problem]) => [line, problem])).toEqual([
      [1, "after-quote"],
      [2, undefined],
    ]);
  });

  it("refuses a line beyond 2,000,000 characters without waiting for its end", () => {
    const scanner = new Scanner(comma);
    const [record] = scanner.take("x".repeat(MAX_RECORD_LENGTH + 1), false);
    expect(record.problem).toBe("too-long");
  });

  it("splits at :: and leaves quotes alone where the dialect has none", () => {
    const dialect: Dialect = { separator: "::", quotes: false, newline: "\n" };
    expect(lines('1::"A: B"::2', dialect)).toEqual([[1, ["1", '"A: B"', "2"], undefined]]);
  });

  it("gives the same records however the text is cut into pieces", () => {
    const field = fc.oneof(
      fc.stringMatching(/^[a-z ]{0,4}$/),
      fc.constantFrom('""', '"a,b"', '"x\ny"', '"q""r"', '"open'),
    );
    const text = fc.array(fc.array(field, { minLength: 1, maxLength: 3 }), { maxLength: 8 });
    fc.assert(
      fc.property(text, fc.constantFrom("\n", "\r\n"), fc.array(fc.nat(30)), (rows, end, cuts) => {
        const whole = rows.map((row) => row.join(",")).join(end);
        const scanner = new Scanner(comma);
        const found = [];
        let at = 0;
        for (const cut of cuts) {
          found.push(...scanner.take(whole.slice(at, at + cut), false));
          at += cut;
        }
        found.push(...scanner.take(whole.slice(at), true));
        expect(found).toEqual(scanText(whole, comma));
      }),
      { numRuns: 500 },
    );
  });

  it("reads back what was written with every field quoted", () => {
    const table = fc.array(fc.array(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 4 }), { minLength: 1 });
    fc.assert(
      fc.property(table, (rows) => {
        const text = rows.map((row) => row.map((field) => `"${field.replaceAll('"', '""')}"`).join(",")).join("\n");
        expect(scanText(text, comma).map((record) => record.fields)).toEqual(rows);
      }),
    );
  });
});
