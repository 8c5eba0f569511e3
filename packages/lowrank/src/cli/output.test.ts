/** Which signs a terminal shows. */
import { describe, expect, it } from "vitest";
import { Output, showsUnicode } from "./output.ts";

describe("showsUnicode", () => {
  it.each([
    [{}, "linux", true],
    [{ LANG: "en_US.UTF-8" }, "linux", true],
    [{ LANG: "de_DE.utf8" }, "linux", true],
    [{ LANG: "C" }, "linux", false],
    [{ LANG: "de_DE.ISO-8859-1" }, "linux", false],
    [{ LANG: "en_US.UTF-8", LC_CTYPE: "C" }, "linux", false],
    [{ LANG: "C", LC_CTYPE: "C", LC_ALL: "C.UTF-8" }, "linux", true],
    [{ LANG: "en_US.UTF-8", LC_ALL: "" }, "darwin", true],
    [{ LANG: "en_US.UTF-8", TERM: "linux" }, "linux", false],
    [{ LANG: "C" }, "win32", true],
  ] as const)("%j on %s: %s", (environment, platform, expected) => {
    expect(showsUnicode(environment, platform)).toBe(expected);
  });

  it("does not matter for a file or a pipe, which hold UTF-8", () => {
    const pipe = { isTTY: false } as NodeJS.WriteStream;
    expect(new Output({}, pipe, pipe).isUnicode).toBe(true);
  });
});
