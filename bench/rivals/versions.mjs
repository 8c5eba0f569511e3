/** Loads an npm package and says its version: `node versions.mjs FOLDER PACKAGE`, FOLDER the one with node_modules. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, name] = process.argv.slice(2);
await import(pathToFileURL(createRequire(join(folder, "package.json")).resolve(name)));
const { version } = JSON.parse(await readFile(join(folder, "node_modules", name, "package.json"), "utf8"));
console.log(JSON.stringify({ versions: { [name]: version } }));
