/**
 * Reads the declarations that a package publishes (dist/*.d.ts): which names it exports, and which types their signatures speak
 * of. The compiler writes every declaration at the start of a line, which is all that this relies on.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

interface Module {
  /** Declarations by name: their text without comments */
  readonly declared: Map<string, string>;
  /** Names from other modules: local name → module and name there */
  readonly imported: Map<string, Source>;
  /** Exported name → where it is declared */
  readonly exported: Map<string, Source>;
}

interface Source {
  readonly file: string;
  readonly name: string;
}

const modules = new Map<string, Module>();

/**
 * Types that a caller meets in a signature and cannot import.
 *
 * @param entries the entry files' declarations, the one looked at first; names of the others count as importable too
 * @returns `Name (of exported name)`, ordered
 */
export function unnameableTypes(entry: string, others: readonly string[] = []): string[] {
  const isPublic = new Set([entry, ...others].flatMap((file) => [...allExports(file).values()].map(keyOf)));
  const missing = new Map<string, string>();
  for (const [exportedName, source] of allExports(entry)) {
    for (const met of typesIn(source)) {
      if (!isPublic.has(keyOf(met)) && !missing.has(met.name)) missing.set(met.name, exportedName);
    }
  }
  return [...missing].map(([name, by]) => `${name} (of ${by})`).sort();
}

const keyOf = ({ file, name }: Source) => `${file}#${name}`;

/** All names that an entry file exports, with the place of each one's declaration. */
function allExports(entry: string): Map<string, Source> {
  const found = new Map<string, Source>();
  for (const [name, source] of read(entry).exported) {
    if (name.startsWith("*")) for (const [inner, place] of allExports(source.file)) found.set(inner, place);
    else found.set(name, declarationOf(source));
  }
  return found;
}

/** Follows re-exports and imports to the declaration. */
function declarationOf({ file, name }: Source): Source {
  const { declared, exported, imported } = read(file);
  if (declared.has(name)) return { file, name };
  const next = imported.get(name) ?? exported.get(name);
  if (next !== undefined && keyOf(next) !== keyOf({ file, name })) return declarationOf(next);
  for (const [key, { file: inner }] of exported) {
    if (key.startsWith("*") && allExports(inner).has(name)) return allExports(inner).get(name) as Source;
  }
  throw new Error(`${file} has no ${name}`);
}

/** Declarations of this package that a declaration speaks of. */
function typesIn({ file, name }: Source): Source[] {
  const { declared, imported } = read(file);
  const text = declared.get(name) ?? "";
  const words = new Set(text.replace(/"[^"]*"|`[^`]*`/g, "").match(/\b[A-Z]\w*/g) ?? []);
  words.delete(name);
  return [...words].flatMap((word) => {
    if (declared.has(word)) return [{ file, name: word }];
    const source = imported.get(word);
    return source === undefined ? [] : [declarationOf(source)];
  });
}

function read(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  const module: Module = { declared: new Map(), imported: new Map(), exported: new Map() };
  modules.set(file, module);
  // A statement reaches to the next line that begins one.
  for (const statement of text.split(/^(?=export |import |declare |interface |type |class |const |function )/m)) {
    const from = statement
      .match(/ from "(\.[^"]+)"/)?.[1]
      .replace(/\.ts$/, ".d.ts")
      .replace(/\.js$/, ".d.ts");
    const target = from && resolve(dirname(file), from);
    const listed = statement.match(/^(export|import)(?: type)? \{([\s\S]*?)\}/);
    const star = /^export \* from/.test(statement);
    const declaration = statement.match(
      /^(export )?(?:default )?(?:declare )?(?:abstract )?(?:interface|type|class|const|function) (\w+)/,
    );
    if (star && target) module.exported.set(`*${module.exported.size}`, { file: target, name: "*" });
    else if (listed) {
      for (const [, name, alias = name] of listed[2].matchAll(/(?:type )?(\w+)(?: as (\w+))?/g)) {
        if (listed[1] === "import" && target) module.imported.set(alias, { file: target, name });
        if (listed[1] === "export") module.exported.set(alias, { file: target ?? file, name });
      }
    } else if (declaration) {
      const [, exported, name] = declaration;
      module.declared.set(name, `${module.declared.get(name) ?? ""}\n${statement}`);
      if (exported) module.exported.set(name, { file, name });
    }
  }
  return module;
}
