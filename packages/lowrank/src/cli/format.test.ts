import { describe, expect, it } from "vitest";
import { displayWidth, printable, shortened } from "../terminal-text.ts";
import {
  aPass,
  bar,
  bytes,
  count,
  csvLine,
  decimal,
  duration,
  factLines,
  figure,
  listed,
  percent,
  rate,
  scaleNumber,
  table,
} from "./format.ts";

describe("numbers for people", () => {
  it("writes 1000209 as 1,000,209 and a share of 0.017 as 1.70 %", () => {
    expect(count(1000209)).toBe("1,000,209");
    expect(percent(0.017)).toBe("1.70 %");
  });

  it("keeps 4 significant digits of 0.86931, 12.345, 0.00012346 and 123456", () => {
    expect([0.86931, 12.345, 0.00012346, 123456].map((value) => figure(value))).toEqual([
      "0.8693",
      "12.35",
      "0.0001235",
      "123,456",
    ]);
  });

  it("writes 4 ms, 0.52 s, 1.2 s, 12 s, 1 min 05 s and 2 h 03 min", () => {
    const texts = [0.004, 0.52, 1.24, 12.3, 65, 7380].map(duration);
    expect(texts).toEqual(["4 ms", "0.52 s", "1.2 s", "12 s", "1 min 05 s", "2 h 03 min"]);
  });

  it("says a sweep, an epoch and a step, and ends scales at 1,000,209 and 6.346", () => {
    expect(["sweep", "epoch", "step"].map(aPass)).toEqual(["a sweep", "an epoch", "a step"]);
    expect([1000209, 6.346178].map(scaleNumber)).toEqual(["1,000,209", "6.346"]);
  });

  it("never writes 60 s or 60 min", () => {
    expect([59.6, 3599.7].map(duration)).toEqual(["1 min 00 s", "1 h 00 min"]);
  });

  it("writes 1 byte, 999 bytes, 1.00 kB, 2.61 MB", () => {
    expect([1, 999, 1000, 2_612_345].map(bytes)).toEqual(["1 byte", "999 bytes", "1.00 kB", "2.61 MB"]);
  });

  it("writes rates as 950, 12 k and 4.1 M", () => {
    expect([950, 12_300, 4_120_000].map(rate)).toEqual(["950", "12 k", "4.1 M"]);
  });

  it("joins one, two and three words with commas and and", () => {
    expect([["a"], ["a", "b"], ["a", "b", "c"]].map(listed)).toEqual(["a", "a and b", "a, b and c"]);
  });
});

describe("text in a terminal", () => {
  it("counts 2 columns for wide characters, 1 for accented ones, also when the accent is a mark of its own", () => {
    expect([displayWidth("千と"), displayWidth("é"), displayWidth("e\u0301"), displayWidth("👍🏽")]).toEqual([
      4, 1, 1, 2,
    ]);
  });

  it("shortens to 6 columns with an ellipsis and never splits a wide character", () => {
    expect(shortened("Casablanca", 6)).toBe("Casab…");
    expect(displayWidth(shortened("千と千尋の神隠し", 6))).toBeLessThanOrEqual(6);
  });

  it("takes escape sequences out of titles", () => {
    expect(printable("a\u001b[31mb\u0007")).toBe("a [31mb ");
  });

  it("fills a bar of 4 columns to 0, 1/8, 5/8 and 1", () => {
    expect([0, 1 / 32, 0.625, 1].map((share) => bar(share, 4))).toEqual(["", "▏", "██▌", "████"]);
  });
});

describe("tables", () => {
  const columns = [{ title: "item" }, { title: "title", flexible: true }, { title: "score", align: "right" }] as const;

  it("lines up columns, numbers to the right, without blanks at line ends", () => {
    expect(
      table(columns, [
        ["1", "Heat (1995)", "4.2"],
        ["260", "", "10.0"],
      ]),
    ).toEqual(["  item  title        score", "  1     Heat (1995)    4.2", "  260                 10.0"]);
  });

  it("gives way in the flexible column to fit 40 columns", () => {
    const lines = table(columns, [["1", "x".repeat(80), "4.2"]], 40);
    expect(Math.max(...lines.map(displayWidth))).toBe(40);
    expect(lines[1]).toContain("…");
  });

  it("leaves the line of titles out when there are none", () => {
    expect(table([{ title: "" }, { title: "" }], [["a", "b"]])).toEqual(["  a  b"]);
  });
});

describe("facts", () => {
  it("breaks a text of 60 columns at blanks to fit 40, labels in a column of their own", () => {
    const lines = factLines(
      [
        ["digest", "00ff"],
        ["engine", "WebAssembly, strict build, 2 threads, one for each core here"],
      ],
      40,
    );
    expect(lines).toEqual([
      "  digest  00ff",
      "  engine  WebAssembly, strict build, 2",
      "          threads, one for each core",
      "          here",
    ]);
  });
});

describe("CSV", () => {
  it("quotes commas, quotes, line ends and outer blanks, and nothing else", () => {
    expect(csvLine([1, "a,b", 'say "x"', "two\nlines", " edge", "plain"])).toBe(
      '1,"a,b","say ""x""","two\nlines"," edge",plain\n',
    );
  });
});

describe("what does not fit", () => {
  it("is a table that goes on below, the first column again in front, headings alone being no reason", () => {
    const right = { align: "right" as const };
    const columns = [{ title: "" }, ...["model", "popularity", "chance"].map((title) => ({ title, ...right }))];
    const rows = [["lists of 10 (higher is better)"], ["  NDCG", "0.4548", "0.4980", "0.4778"]];
    expect(table(columns, rows, 32, "")).toEqual([
      "         model  popularity  chance".slice(0, 26),
      "lists of 10 (higher is better)",
      "  NDCG  0.4548      0.4980",
      "",
      "        chance",
      "lists of 10 (higher is better)",
      "  NDCG  0.4778",
    ]);
    expect(table(columns, rows, 34, "")[0]).toBe("         model  popularity  chance");
  });

  it("are facts with too little room beside their labels, which go below them", () => {
    const facts = [["ok      write access", "a model can be saved in a folder of yours"]] as const;
    expect(factLines(facts, 40)).toEqual([
      "  ok      write access",
      "      a model can be saved in a folder",
      "      of yours",
    ]);
    expect(factLines(facts, 60)[0]).toBe("  ok      write access  a model can be saved in a folder of");
  });
});

describe("numbers of any size", () => {
  it("have the decimals of their kind where these say something, else 4 digits and an exponent", () => {
    expect([4.2712, 0, -3, 0.004].map((value) => decimal(value, 2, 5))).toEqual(["4.27", "0.00", "-3.00", "0.00"]);
    expect([5.86670010577e25, 1.2e-25, 0].map((value) => decimal(value, 2))).toEqual([
      "5.867e+25",
      "1.200e-25",
      "0.00",
    ]);
    // All that stand together are written alike.
    expect(decimal(3e-27, 3, 5e-25)).toBe("3.000e-27");
  });

  it("at the ends of a scale are of one notation", () => {
    expect([-5.406490734622071e25, 5.866700105772997e22, 1000209, -4.49712].map(scaleNumber)).toEqual([
      ...["-5.406e+25", "5.867e+22", "1,000,209", "-4.497"],
    ]);
  });
});
