import { describe, expect, it } from "vitest";
import { isHeader, layoutOf } from "./dialect.ts";

const free = { separator: undefined, header: undefined, names: [] };
const layout = (text: string, wishes: Partial<Parameters<typeof layoutOf>[2]> = {}, whole = true) =>
  layoutOf("f", { text, whole }, { ...free, ...wishes });

describe("layout of a text file", () => {
  const separated: readonly (readonly [string, string, string])[] = [
    ["commas", ",", "user,item,rating\n1,2,3.5\n1,3,4\n"],
    ["tabs", "\t", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"],
    ["double colons, with a single colon in a field", "::", "1::A: b::3\n2::C::4\n"],
    ["semicolons, with decimal commas", ";", "1;2;3,5\n1;3;4,0\n"],
    ["bars, with commas and blanks in titles", "|", "1|Toy Story (1995)|a\n2|Postino, Il (1994)|b\n"],
    ["blanks", " ", "1 2 3\n4 5 6\n"],
    ["commas, with a time of day", ",", "1,2,2015-03-02 12:00:00\n1,3,2015-03-02 12:00:01\n"],
    ["commas, though one line is ragged", ",", "1,2,3\n1,2\n1,3,4\n"],
  ];
  for (const [name, separator, text] of separated)
    it(`finds fields separated by ${name}`, () => expect(layout(text).dialect.separator).toBe(separator));

  it("sees a header by its names, or by text above numbers, and none above data alike", () => {
    expect(isHeader(["userId", "movieId"], ["1", "2"], [])).toBe(true);
    expect(isHeader(["who", "what"], ["a", "2"], [])).toBe(true);
    expect(isHeader(["1", "2", "3"], ["1", "3", "4"], [])).toBe(false);
    expect(isHeader(["ann", "dune"], ["bob", "alien"], [])).toBe(false);
    expect(isHeader(["ann", "dune"], ["bob", "alien"], ["ann"])).toBe(true);
  });

  it("puts the header's line past blank lines", () => {
    const { header, firstLine, sample } = layout("\n\nuser,item\na,b\n");
    expect([header, firstLine, sample]).toEqual([["user", "item"], 3, [["a", "b"]]]);
  });

  it("does not look at a last line that is cut off", () => {
    expect(layout("1,2,3\n4,5,6\n7,", {}, false).sample).toEqual([
      ["1", "2", "3"],
      ["4", "5", "6"],
    ]);
  });

  it("quotes a first line that it cannot split, and offers lists for lines of different lengths", () => {
    expect(() => layout("hello\nworld\n")).toThrow(
      'f line 1: cannot tell columns apart in "hello"; state what stands between',
    );
    const lists = "0 1 2 3\n1 2\n2 4 5 6 7 8\n3 1 2 5 6 7 8 9\n4\n5 1 2 3 4\n";
    expect(() => layout(lists)).toThrow('pass format: "lists"');
  });

  it("takes quotes as characters between bars unless they enclose a field", () => {
    expect(layout('1|6" screen\n2|x\n').dialect.quotes).toBe(false);
    expect(layout('1|"a|b"\n2|x\n').dialect.quotes).toBe(true);
    expect(layout('1|"a""b"\n2|x\n').dialect.quotes).toBe(true);
    expect(layout('1|""a""b"\n2|x\n').dialect.quotes).toBe(false);
  });
});
