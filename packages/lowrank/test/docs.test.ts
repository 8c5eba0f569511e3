/**
 * The TypeScript of README.md, of the packages' READMEs and of all pages of docs/, type-checked and run as it stands: a page that
 * no longer works fails here. The blocks of a page run one after another.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { npyParts } from "../src/arrays/npy.ts";
import { folder, smallRatings } from "./cli-support.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

const someRatings = `import { plantedWorld } from "@lowrank/core";
const { ratings } = plantedWorld({ users: 60, items: 40, ratings: 900, rank: 2, noise: 0.3, seed: 1, scale: { min: 1, max: 5, step: 0.5 } });
`;
const someClicks = `import { ratingsFrom } from "@lowrank/core";
const clicks = ratingsFrom(Array.from({ length: 200 }, (_, n) => ({ user: n % 20, item: (n * 7 + Math.floor(n / 20)) % 30 })));
`;

/** What pages take as given. Files that they read are made below. */
const given: Readonly<Record<string, string>> = {
  "docs/als.md": someRatings,
  "docs/checkpoints.md": someRatings,
  "docs/dense-net.md": someRatings,
  "docs/findings.md": someRatings,
  "docs/gradient.md": someRatings,
  "docs/ials.md": someClicks,
  "docs/metrics.md": someRatings,
  "docs/nmf.md": someRatings,
  "docs/plots.md": someRatings,
  "docs/sgd.md": someRatings,
};

const pages = ["README.md", "packages/core/README.md", "packages/lowrank/README.md"].concat(
  readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name.split(sep).join("/")}`)
    .sort(),
);
const textOf = (page: string) => readFileSync(join(repository, page), "utf8");
const blocksOf = (page: string) => [...textOf(page).matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block]) => block);
const pagesWithCode = pages.filter((page) => blocksOf(page).length > 0);

/** All blocks of a page as one module; imports are moved to its top, each name once. */
function program(page: string): string {
  const code = [given[page] ?? "", ...blocksOf(page)].join("\n");
  const imported = new Map<string, string>();
  for (const [, names, from] of code.matchAll(/^import \{([^}]*)\} from (".*");$/gm))
    for (const name of names.split(",")) imported.set(name.trim(), from);
  const imports = [...imported].map(([name, from]) => `import { ${name} } from ${from};`);
  return `${imports.join("\n")}\n${code.replace(/^import .*;$/gm, "")}`;
}

const moduleOf = (page: string) => page.replace(/\.md$/, "").replaceAll("/", "-");

let dir: Awaited<ReturnType<typeof folder>>;
/** What each page wrote, and what it threw */
let ran: Readonly<Record<string, { readonly output: string; readonly error: string | undefined }>>;

/** What the compiler says of the pages */
let typeErrors: string;

beforeAll(async () => {
  const built = join(repository, "packages/lowrank/dist/index.js");
  if (!existsSync(built)) throw new Error(`${built} is not there; run npm run build first`);
  dir = await folder();
  symlinkSync(join(repository, "node_modules"), dir.file("node_modules"), "junction");
  for (const page of pagesWithCode) writeFileSync(dir.file(`${moduleOf(page)}.mts`), program(page));
  typeErrors = compile();
  writeFileSync(dir.file("ratings.csv"), smallRatings());
  const matrix = Float64Array.from({ length: 48 }, (_, at) => 1 + ((at * 7) % 5));
  writeFileSync(dir.file("Y.npy"), Buffer.concat(npyParts(matrix, [8, 6])));
  writeFileSync(
    dir.file("R.npy"),
    Buffer.concat(
      npyParts(
        matrix.map((value) => Number(value > 1)),
        [8, 6],
      ),
    ),
  );
  writeFileSync(dir.file("run.mjs"), runner);
  const names = JSON.stringify(pagesWithCode.map(moduleOf));
  ran = JSON.parse(execFileSync(process.execPath, ["run.mjs", names], { cwd: dir.path, encoding: "utf8" }));
}, 60_000);

afterAll(() => dir.dispose());

/** Makes JavaScript of the pages, whatever their types. */
function compile(): string {
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true, types: ["node"] };
  const compilerOptions = { ...strict, target: "ES2022", module: "NodeNext", lib: ["ES2023", "DOM"] };
  writeFileSync(dir.file("tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts"] }));
  const compiler = join(repository, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [compiler, "-p", dir.path], { cwd: dir.path, encoding: "utf8" });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

/** Runs the pages one after another in one process. */
const runner = `
import { format } from "node:util";
const ran = {};
let output = "";
console.log = console.warn = (...words) => { output += format(...words) + "\\n"; };
for (const name of JSON.parse(process.argv[2])) {
  output = "";
  let error;
  try { await import("./" + name + ".mjs"); } catch (thrown) { error = String(thrown?.stack ?? thrown); }
  ran[name] = { output, error };
}
process.stdout.write(JSON.stringify(ran), () => process.exit());
`;

const outputOf = (page: string) => {
  const { output, error } = ran[moduleOf(page)];
  expect(error).toBeUndefined();
  return output;
};

it("every page with TypeScript in it has it in blocks that run here, and every method's page has one", () => {
  for (const page of pages) {
    const prose = textOf(page).replace(/^```[\s\S]*?^```/gm, "");
    expect(prose.match(/^ {4}(import|const|await) .*$/gm), `${page}: put it into a block of ts`).toBeNull();
  }
  for (const method of [
    "als",
    "ials",
    "gradient",
    "sgd",
    "svd",
    "dense-net",
    "items",
    "nmf",
    "bpr",
    "softmax",
    "warp",
    "logistic",
  ])
    expect(pagesWithCode).toContain(`docs/${method}.md`);
  expect(Object.keys(given).filter((page) => !pagesWithCode.includes(page))).toEqual([]);
});

it("the TypeScript of every page has the right types", () => {
  expect(typeErrors).toBe("");
});

it.each(pagesWithCode)("the blocks of %s run", (page) => {
  outputOf(page);
});

it("README.md ends in recommendations for bob", () => {
  const output = outputOf("README.md");
  expect(output).toContain("training RMSE");
  expect(output).toMatch(/status: 'known',\s+(user: 'bob'|score:)/);
  expect(output).toContain("item: 'Heat'");
});

it("docs/api.md: training stops, lists are made, an explanation adds up", () => {
  const output = outputOf("docs/api.md");
  expect(output).toMatch(/sweep 1 of 30/);
  expect(output).toMatch(/biasOnly/);
  expect(output).toMatch(/from 2 ratings; unknown: \[\]/);
  expect(output).toMatch(/= .* \+ the sum of \d+ contributions/);
  expect(output).toMatch(/method: 'als'/);
});

it("docs/rank-sweep.md: the sweep suggests the planted rank 3", () => {
  expect(outputOf("docs/rank-sweep.md")).toMatch(/^3 the smallest whose held-out RMSE/m);
});

it("pages that write files leave them: a checkpoint, tables, a chart", () => {
  const written = readdirSync(dir.path);
  expect(written).toEqual(expect.arrayContaining(["run.ckpt", "model.npz", "training.svg", "model.safetensors"]));
  expect(outputOf("docs/readers.md")).toMatch(/^800 ratings\.csv: fields separated by ","; user from "userId"/m);
});
