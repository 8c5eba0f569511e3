/**
 * `npm run bench -- TABLE…`: measures tables anew, then makes docs/benchmarks.md. `docs` makes the pages alone, from the results
 * there are; with `--quick` tables are only tried and shown. Without a name, lists them; `--help` says more.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { RivalMissing } from "./environments.ts";
import { benchmarksPage, markdown } from "./page.ts";
import { measure, readResults, writeResult } from "./results.ts";
import { tables } from "./tables.ts";
import { DOCS, help, QUICK, synopsis, UsageError } from "./usage.ts";

const words = process.argv.slice(2);
const names = words.filter((word) => word !== QUICK);
const quick = words.includes(QUICK);
const unknown = names.filter((name) => !Object.hasOwn(tables, name) && name !== DOCS);
if (words.some((word) => ["--help", "-h", "--list"].includes(word))) console.log(help);
else if (names.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no table ${unknown.join(", ")}`);
  console.error(`${synopsis}\n--help says what they measure`);
  process.exitCode = 2;
} else {
  try {
    await make();
  } catch (error) {
    // What the caller can mend is a sentence; everything else keeps its stack.
    if (!(error instanceof UsageError || error instanceof RivalMissing)) throw error;
    console.error(`bench: ${error.message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

async function make(): Promise<void> {
  for (const name of names) {
    if (name === DOCS) continue;
    const { run } = await tables[name].load();
    const result = await measure(run, { quick });
    console.log(markdown(result));
    if (!quick) await writeResult(result);
  }
  if (quick) return;
  const results = await readResults();
  await Promise.all(results.map(writeResult));
  await writeFile(fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)), benchmarksPage(results));
}
