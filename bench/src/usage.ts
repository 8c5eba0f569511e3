/** What `npm run bench -- --help` says. */
import { tables } from "./tables.ts";

export const DOCS = "docs";
export const QUICK = "--quick";

/** What the caller of a bench has to mend: a sentence without a stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const synopsis = `npm run bench -- [${QUICK}] TABLE…, one or more of: ${[...Object.keys(tables), DOCS].join(", ")}`;

const width = Math.max(...Object.keys(tables).map((name) => name.length));
const lines = Object.entries({
  ...Object.fromEntries(Object.entries(tables).map(([name, { about }]) => [name, about])),
  [DOCS]: "measures nothing: makes docs/benchmarks.md of the results there are",
}).map(([name, about]) => `  ${name.padEnd(width)}  ${about}`);

export const help = `npm run bench -- [${QUICK}] TABLE…: measures tables anew. They are

${lines.join("\n")}

A table is printed, written into bench/results/TABLE.json and TABLE.md, and docs/benchmarks.md is made anew of all results.
  ${QUICK}  only tries that a table works: one round, less data where there is a choice; prints it and writes nothing
  --help   these lines

Rivals are installed into .cache/bench when a table first needs them: Python packages (python3 with venv and pip; PyTorch
takes 5 GB), npm packages, and LIBMF and implicit compiled (g++). LOWRANK_BENCH_PYTHON names a Python to be used instead.
Real ratings come from the folder that LOWRANK_DATA names; CONTRIBUTING.md says what lies in it.`;
