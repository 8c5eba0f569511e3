/** Which signs a terminal shows, and how messages are laid out for it. */
import { afterEach, describe, expect, it, vi } from "vitest";
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

describe("messages", () => {
  afterEach(() => vi.unstubAllEnvs());

  /** What stderr gets: a terminal of so many columns, or none. */
  function said(columns: number | undefined, tell: (output: Output) => void): string[] {
    let text = "";
    const write = (part: string) => {
      text += part;
      return true;
    };
    const stream = { isTTY: columns !== undefined, columns, write } as unknown as NodeJS.WriteStream;
    vi.stubEnv("NO_COLOR", "1");
    tell(new Output({}, stream, stream));
    return text.split("\n").slice(0, -1);
  }

  it("are broken at blanks on a terminal, each further line more indented, and whole in a log", () => {
    const warn = (output: Output) => output.warn("rank 32 is above 25, so it cannot add anything; use less");
    expect(said(40, warn)).toEqual(["warning: rank 32 is above 25, so it", "  cannot add anything; use less"]);
    expect(said(undefined, warn)).toHaveLength(1);
    const say = (output: Output) => output.say("  10 asked, 1 listed: of 4 in the catalogue 3 are seen");
    expect(said(40, say)).toEqual(["  10 asked, 1 listed: of 4 in the", "    catalogue 3 are seen"]);
  });

  it("keep a command that is to be typed in one piece", () => {
    const next = "Next: lowrank recommend a-model-of-mine.safetensors --user 0";
    expect(said(40, (output) => output.say(next))).toEqual([next]);
  });

  it("are in ASCII on a terminal that has nothing else, titles apart, and as they are in a pipe", () => {
    vi.stubEnv("LC_ALL", "C");
    const tell = (output: Output) => {
      output.say("Y.npy: 40 × 25 – Amélie");
      output.print("4 ± 1  ██▎  ← suggested");
    };
    expect(said(80, tell)).toEqual(["Y.npy: 40 x 25 - Amélie", "4 +- 1  ##.  <- suggested"]);
    expect(said(undefined, tell)).toEqual(["Y.npy: 40 × 25 – Amélie", "4 ± 1  ██▎  ← suggested"]);
  });

  it("and tables have the width of the terminal, from 40 columns on", () => {
    const width = (columns: number) => new Output({}, { columns } as NodeJS.WriteStream).width;
    expect([20, 40, 57, 200].map(width)).toEqual([40, 40, 57, 100]);
  });
});
