/** `npm run example -- NAME [ARGUMENTS]`: runs one example; without a name, lists them. */
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { LowrankError } from "@lowrank/core";
import { checkArguments, UsageError } from "./lib/arguments.ts";

const [name, ...rest] = process.argv.slice(2);
const names = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".js") && file !== "run.js")
  .map((file) => basename(file, ".js"));
if (name === undefined || !names.includes(name)) {
  console.error(`npm run example -- NAME, one of: ${names.join(", ")}`);
  process.exitCode = 2;
} else {
  try {
    checkArguments(name, rest);
    await import(`./${name}.js`);
  } catch (error) {
    // What the caller can mend is a sentence; everything else keeps its stack.
    if (!(error instanceof UsageError || error instanceof LowrankError)) throw error;
    console.error(`${name}: ${sentenceOf(error)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

/** The sentence of an error; where a file of ratings is refused, what to do about it is no option of the readers here. */
function sentenceOf(error: UsageError | LowrankError): string {
  const { options } = ("facts" in error ? (error.facts.remedy ?? {}) : {}) as { readonly options?: string };
  if (options === undefined || !error.message.endsWith(options)) return error.message;
  const what = error.message.slice(0, error.message.length - options.length);
  return `${what}give a file with the columns of MovieLens' ratings.csv, user, item and rating, or none to take that one`;
}
