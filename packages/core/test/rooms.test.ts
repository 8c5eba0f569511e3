import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { brokenIndex, brokenRule, importsOf } from "./rooms.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** Sources that are published: tests may look anywhere, and the AssemblyScript has its own rules. */
function sources(packageName: string): { file: string; source: string }[] {
  const folder = `packages/${packageName}/src/`;
  return readdirSync(repository + folder, { recursive: true, encoding: "utf8" })
    .map((path) => folder + path.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && !/\.(test|case)\.ts$|\/wasm\/assembly\//.test(file))
    .sort()
    .map((file) => ({ file, source: readFileSync(repository + file, "utf8") }));
}

describe.each(["core", "lowrank"])("packages/%s/src", (packageName) => {
  const files = sources(packageName);

  it("every import follows the arrows and enters other rooms through their index.ts", () => {
    const imports = files.flatMap(({ file, source }) => importsOf(file, source));
    expect(imports.length).toBeGreaterThan(20);
    expect(imports.map(brokenRule).filter((broken) => broken !== undefined)).toEqual([]);
  });

  it("the index.ts of the package and of every room begins with a comment and only re-exports", () => {
    const fronts = files.filter(({ file }) => /\/src\/(?:[^/]+\/)?index\.ts$/.test(file));
    expect(fronts.length).toBeGreaterThan(0);
    expect(
      fronts.map(({ file, source }) => brokenIndex(file, source)).filter((broken) => broken !== undefined),
    ).toEqual([]);
  });
});

it("every room of core has an index.ts, and the package re-exports each of them", () => {
  const files = sources("core");
  const rooms = new Set(
    files.map(({ file }) => file.split("/")).flatMap((parts) => (parts.length > 4 ? parts[3] : [])),
  );
  const front = files.find(({ file }) => file === "packages/core/src/index.ts")!.source;
  for (const room of rooms) expect(front).toContain(` from "./${room}/index.ts";`);
});

describe("the rules themselves", () => {
  const told = (from: string, specifier: string, dynamic = false) => brokenRule({ from, specifier, dynamic });

  it.each([
    ["packages/core/src/ratings/a.ts", "../support/index.ts"],
    ["packages/core/src/evaluate/metrics/a.ts", "../../recommend/index.ts"],
    ["packages/core/src/kernels/wasm/a.ts", "../kernels.ts"],
    ["packages/core/src/index.ts", "./kernels/index.ts"],
    ["packages/lowrank/src/readers/a.ts", "node:fs"],
    ["packages/lowrank/src/cli/a.ts", "../readers/index.ts"],
    ["packages/lowrank/src/cli/a.ts", "@lowrank/core"],
  ])("%s may import %s", (from, specifier) => {
    expect(told(from, specifier)).toBeUndefined();
  });

  it.each([
    ["support/a.ts", "../ratings/index.ts", "room support may import no other room, not ratings"],
    [
      "factorizers/a.ts",
      "../recommend/index.ts",
      "room factorizers may import support, ratings, kernels, model, not rec",
    ],
    [
      "recommend/a.ts",
      "../factorizers/index.ts",
      "room recommend may import support, ratings, kernels, model, not fac",
    ],
    ["kernels/a.ts", "../ratings/index.ts", "room kernels may import support, not ratings"],
    ["model/a.ts", "../ratings/ratings.ts", "room ratings is entered through its index.ts only"],
    ["evaluate/metrics/a.ts", "../../ratings/worlds/index.ts", "room ratings is entered through its index.ts only"],
    ["attic/a.ts", "../ratings/index.ts", "room attic is not in the list of rooms"],
    ["ratings/a.ts", "../index.ts", "rooms do not know the file that puts them together"],
    ["ratings/a.ts", "./b.js", "relative imports end in .ts"],
    ["ratings/a.ts", "../../../lowrank/src/readers/index.ts", "packages meet by their public names, not by paths"],
    ["ratings/a.ts", "lodash", "core has no dependencies"],
    ["kernels/a.ts", "node:os", "core runs in browsers; a host's module may only be loaded by import(...)"],
  ])("core/src/%s importing %s is told: %s", (from, specifier, rule) => {
    const file = `packages/core/src/${from}`;
    expect(told(file, specifier)).toContain(`${file} imports ${specifier}: ${rule}`);
  });

  it("a host's module may be loaded by import(...) in core", () => {
    expect(told("packages/core/src/kernels/a.ts", "node:os", true)).toBeUndefined();
  });

  it("in lowrank nobody imports the command line", () => {
    expect(told("packages/lowrank/src/readers/a.ts", "../cli/index.ts")).toContain("nobody imports the command line");
  });

  it("imports are found over several lines, as types, as re-exports and as calls, and not in comments", () => {
    const source = [
      "/** import a from './comment.ts'; */",
      "import {",
      "  b,",
      "} from './b.ts';",
      "import type { C } from './c.ts';",
      "export * from './d.ts';",
      "export { type E } from './e.ts';",
      "import './f.ts';",
      "  // import x from './comment.ts';",
      "const os = await import('node:os');",
    ].join("\n");
    const found = importsOf("x.ts", source);
    expect(found.map(({ specifier }) => specifier).sort()).toEqual(
      ["./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "node:os"].sort(),
    );
    expect(found.filter(({ dynamic }) => dynamic).map(({ specifier }) => specifier)).toEqual(["node:os"]);
  });

  it("an index.ts with code in it, or without a first comment, is told", () => {
    expect(
      brokenIndex("a/index.ts", "/** Door. */\nexport * from './b.ts';\nexport { c, type D } from './c.ts';\n"),
    ).toBeUndefined();
    expect(brokenIndex("a/index.ts", "export * from './b.ts';")).toContain("begins with a comment");
    expect(brokenIndex("a/index.ts", "/** Door. */\nexport const x = 1;")).toContain(
      "only re-exports, but holds: export const",
    );
  });
});
