/** Which room may import which: ARCHITECTURE.md, section 3, as code. Used by rooms.test.ts, which reads the sources. */
import { posix } from "node:path";

/** Rooms of core, each with the rooms that it may import. `index.ts` beside them may re-export all. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  support: [],
  ratings: ["support"],
  kernels: ["support"],
  model: ["support", "ratings", "kernels"],
  factorizers: ["support", "ratings", "kernels", "model"],
  recommend: ["support", "ratings", "kernels", "model"],
  evaluate: ["support", "ratings", "kernels", "model", "factorizers", "recommend"],
};

export interface Import {
  /** Path of the importing file below the repository, with slashes */
  readonly from: string;
  /** As written: "../ratings/index.ts", "node:fs", "@lowrank/core" */
  readonly specifier: string;
  /** `import(...)` rather than a statement at the top */
  readonly dynamic: boolean;
}

/** Every import and re-export of a source text; comments are skipped. */
export function importsOf(from: string, source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found: Import[] = [];
  for (const [, specifier] of code.matchAll(/^(?:import|export)\s[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm))
    found.push({ from, specifier, dynamic: false });
  for (const [, specifier] of code.matchAll(/^import\s*["']([^"']+)["']/gm))
    found.push({ from, specifier, dynamic: false });
  for (const [, specifier] of code.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g))
    found.push({ from, specifier, dynamic: true });
  return found;
}

/** The rule that an import breaks, with both file names; undefined when it breaks none. */
export function brokenRule({ from, specifier, dynamic }: Import): string | undefined {
  const [, packageName, , ...inside] = from.split("/");
  const broken = (rule: string) => `${from} imports ${specifier}: ${rule}`;
  if (!specifier.startsWith(".")) {
    if (packageName !== "core") return undefined;
    if (!specifier.startsWith("node:")) return broken("core has no dependencies");
    return dynamic ? undefined : broken("core runs in browsers; a host's module may only be loaded by import(...)");
  }
  const target = posix.normalize(posix.join(posix.dirname(from), specifier));
  const root = `packages/${packageName}/src/`;
  if (!target.startsWith(root)) return broken("packages meet by their public names, not by paths");
  if (!target.endsWith(".ts")) return broken("relative imports end in .ts");
  const home = inside.length > 1 ? inside[0] : undefined;
  const rest = target.slice(root.length).split("/");
  const room = rest.length > 1 ? rest[0] : undefined;
  if (room === home) return undefined;
  if (room === undefined)
    return packageName === "core" ? broken("rooms do not know the file that puts them together") : undefined;
  if (rest.length > 2 || rest[1] !== "index.ts") return broken(`room ${room} is entered through its index.ts only`);
  if (packageName !== "core") return room === "cli" ? broken("nobody imports the command line") : undefined;
  if (home === undefined) return undefined;
  if (arrows[home] === undefined) return broken(`room ${home} is not in the list of rooms; add it to test/rooms.ts`);
  if (!arrows[home].includes(room)) {
    const allowed = arrows[home].length === 0 ? "no other room" : arrows[home].join(", ");
    return broken(`room ${home} may import ${allowed}, not ${room}`);
  }
  return undefined;
}

/** What is wrong with an index.ts as the front door of a room; undefined when nothing is. */
export function brokenIndex(file: string, source: string): string | undefined {
  const first = source.trimStart();
  if (!first.startsWith("/**")) return `${file}: an index.ts begins with a comment on what comes in and what goes out`;
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const left = code.replace(/^export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s+["'][^"']+["'];?/gm, "");
  return left.trim() === ""
    ? undefined
    : `${file}: an index.ts only re-exports, but holds: ${left.trim().slice(0, 80)}`;
}
