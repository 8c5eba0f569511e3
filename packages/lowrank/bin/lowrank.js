#!/usr/bin/env node
/** The command as npm links it. It is there before anything is built, so that `npx lowrank` works in a checkout too. */
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error("lowrank: not built yet; run npm run build first");
  process.exitCode = 1;
}
