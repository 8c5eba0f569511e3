/** `npm run example -- NAME [ARGUMENTS]`: runs one example; without a name, lists them. */
import { readdirSync } from "node:fs";
import { basename } from "node:path";

const [name] = process.argv.slice(2);
const names = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".js") && file !== "run.js")
  .map((file) => basename(file, ".js"));
if (name !== undefined && names.includes(name)) {
  await import(`./${name}.js`);
} else {
  console.error(`npm run example -- NAME, one of: ${names.join(", ")}`);
  process.exitCode = 2;
}
