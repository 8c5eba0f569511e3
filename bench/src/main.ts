/**
 * `npm run bench -- TABLE…`: measures tables anew, then makes docs/benchmarks.md. `docs` makes the pages alone, from the results
 * there are; with `--quick` tables are only tried and shown. Without a name, lists them.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { benchmarksPage, markdown } from "./page.ts";
import { measure, readResults, writeResult } from "./results.ts";
import { tables } from "./tables.ts";

const DOCS = "docs";
const QUICK = "--quick";

const names = process.argv.slice(2).filter((word) => ![QUICK, "--help", "--list"].includes(word));
const quick = process.argv.includes(QUICK);
const isQuestion = process.argv.includes("--help") || process.argv.includes("--list");
const unknown = names.filter((name) => !(name in tables) && name !== DOCS);
const usage = `npm run bench -- [${QUICK}] TABLE, one or more of: ${[...Object.keys(tables), DOCS].join(", ")}`;
if (isQuestion) console.log(usage);
else if (names.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no table ${unknown.join(", ")}`);
  console.error(usage);
  process.exitCode = 2;
} else {
  for (const name of names) {
    if (name === DOCS) continue;
    const { run } = await tables[name]();
    const result = await measure(run, { quick });
    console.log(markdown(result));
    if (!quick) await writeResult(result);
  }
  if (!quick) {
    const results = await readResults();
    await Promise.all(results.map(writeResult));
    await writeFile(fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)), benchmarksPage(results));
  }
}
