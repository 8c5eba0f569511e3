import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, it } from "vitest";
import { unnameableTypes } from "./public-types.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const manifest = (name: string) =>
  JSON.parse(readFileSync(join(repository, "packages", name, "package.json"), "utf8")) as Record<string, unknown>;

it("@lowrank/core has no runtime dependencies of any kind", () => {
  const core = manifest("core");
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies", "bundledDependencies"])
    expect(core[kind], kind).toBeUndefined();
});

it("neither package runs scripts on installation; packing is another matter", () => {
  for (const name of ["core", "lowrank"]) {
    const scripts = (manifest(name).scripts ?? {}) as Record<string, string>;
    expect(Object.keys(scripts).filter((script) => /^(pre|post)?install$|^prepare$/.test(script))).toEqual([]);
  }
});

describe.each(["core", "lowrank"])("packages/%s", (name) => {
  const folder = join(repository, "packages", name);

  it("every export puts its types first, and each file that it names is built", () => {
    const entries = Object.entries(manifest(name).exports as Record<string, string | Record<string, string>>);
    expect(entries.map(([path]) => path)).toContain(".");
    for (const [path, target] of entries) {
      if (typeof target === "string") {
        expect(existsSync(join(folder, target)), `${path}: ${target}`).toBe(true);
        continue;
      }
      expect(Object.keys(target)[0], path).toBe("types");
      for (const file of Object.values(target))
        expect(existsSync(join(folder, file)), `${path}: ${file} is missing; run npm run build`).toBe(true);
    }
  });

  it("what is built is what the sources say: a file for each source, and none that has lost its source", () => {
    const sources = listed(join(folder, "src"), /\.ts$/).filter(
      (file) => !/\.(test|case|d)\.ts$/.test(file) && !file.startsWith("kernels/wasm/assembly/"),
    );
    const built = listed(join(folder, "dist"), /\.js$/);
    const expected = sources.map((file) => file.replace(/\.ts$/, ".js"));
    expect(built, `remove packages/${name}/dist and its tsconfig.tsbuildinfo, then run npm run build`).toEqual(
      expected,
    );
    for (const file of expected)
      for (const end of [".js.map", ".d.ts"]) {
        const beside = file.replace(/\.js$/, end);
        expect(existsSync(join(folder, "dist", beside)), beside).toBe(true);
      }
  });

  it("its tarball holds license, README, every built file, and the source that each source map speaks of", () => {
    const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const said = execFileSync("npm", args, { cwd: folder, encoding: "utf8", shell: process.platform === "win32" });
    const [{ files }] = JSON.parse(said) as [{ files: { path: string }[] }];
    const packed = new Set(files.map(({ path }) => path));
    const built = listed(join(folder, "dist"), /\.js$/).map((file) => `dist/${file}`);
    for (const file of ["LICENSE", "README.md", "package.json", ...built]) expect(packed, file).toContain(file);
    for (const file of built) {
      const { sources } = JSON.parse(readFileSync(join(folder, `${file}.map`), "utf8")) as { sources: string[] };
      for (const source of sources) expect(packed, `${file}.map`).toContain(posix.join(dirname(file), source));
    }
    expect([...packed].filter((path) => /\.(test|case)\./.test(path))).toEqual([]);
    expect(readFileSync(join(folder, "LICENSE"), "utf8")).toBe(readFileSync(join(repository, "LICENSE"), "utf8"));
  });

  it("is built anew whenever it is packed", () => {
    expect(manifest(name).scripts).toEqual({ prepack: "node ../../tools/prepack.mjs" });
  });

  it("publint has nothing to say", async () => {
    const { messages, pkg } = await publint({ pkgDir: folder, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("built files import only what the package declares", () => {
    const declared = Object.keys((manifest(name).dependencies ?? {}) as object);
    const built = readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".js"),
    );
    expect(built.length).toBeGreaterThan(0);
    for (const file of built) {
      const code = readFileSync(join(folder, "dist", file), "utf8");
      for (const [, specifier] of code.matchAll(/^(?:import|export)\s[^;"'`]*?\bfrom\s*["']([^."'][^"']*)["']/gm))
        if (!specifier.startsWith("node:"))
          expect(declared, `${file} imports ${specifier}`).toContain(packageOf(specifier));
    }
  });
});

/** Paths of files below a folder, with slashes, in order. */
function listed(folder: string, pattern: RegExp): string[] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => file.replaceAll("\\", "/"));
  return all.filter((file) => pattern.test(file)).sort();
}

/** `@scope/name/entry` is an entry of `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Words that the vocabulary of ARCHITECTURE.md replaces, as names of options and fields. */
const replaced = /\b(?:readonly\s+)?(?:iterations|nFactors|n_factors|nComponents|n_components|lambda|alpha)\??:\s/;

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/\bTODO\b|\bFIXME\b|\bXXX\b/, "unfinished work belongs into an issue"],
  [/\bMath\.random\b/, "random numbers come from support/random.ts, so that a seed gives the same bytes"],
  [/["'`]\/(?:home|root|tmp|work|Users|mnt)\//, "paths of one machine do not belong into the code"],
  [/\bconsole\.log\b/, "libraries do not print"],
  [/\bas any\b|:\s*any\b|@ts-ignore|@ts-expect-error/, "types are not switched off"],
  [replaced, "see the vocabulary in ARCHITECTURE.md, section 4"],
];

it("no source holds unfinished work, machine paths, Math.random, prints, switched-off types or replaced words", () => {
  const found: string[] = [];
  for (const name of ["core", "lowrank"]) {
    const folder = join(repository, "packages", name, "src");
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || /\.(test|case|generated)\.ts$/.test(file)) continue;
      const lines = readFileSync(join(folder, file), "utf8").split("\n");
      for (const [i, line] of lines.entries())
        for (const [pattern, reason] of forbidden)
          if (pattern.test(line)) found.push(`packages/${name}/src/${file}:${i + 1}: ${line.trim()} (${reason})`);
    }
  }
  expect(found).toEqual([]);
});

/** What `openKernels` gives is passed on as it is; its own words stand between rooms. */
const passedOn = ["Layout (of Kernels)", "Workspace (of Kernels)"];

it("every type that a public signature speaks of can be imported by its name", () => {
  const built = (name: string) => join(repository, "packages", name);
  const [core, support, lowrank] = [
    built("core/dist/index.d.ts"),
    built("core/dist/support.d.ts"),
    built("lowrank/dist/index.d.ts"),
  ];
  expect(unnameableTypes(core, [support])).toEqual(passedOn);
  expect(unnameableTypes(support, [core])).toEqual([]);
  expect(unnameableTypes(lowrank, [core])).toEqual([]);
  expect(unnameableTypes(core), "Digest is exported by @lowrank/core/support alone").toContain("Digest (of IdMap)");
});
