#!/usr/bin/env node
/**
 * The `lowrank` command as a process: signals, closed pipes, and the exit.
 *
 * The first Ctrl-C asks the running command to stop, which removes what it has half written; the second ends the process.
 */
import { writeSync } from "node:fs";
import { exitCodes } from "./exit.ts";
import { run } from "./run.ts";

const interrupt = new AbortController();
let stopCode: number = exitCodes.interrupted;
const stop = (code: number) => () => {
  if (interrupt.signal.aborted) process.exit(code);
  stopCode = code;
  interrupt.abort();
};
process.on("SIGINT", stop(exitCodes.interrupted));
process.on("SIGTERM", stop(exitCodes.terminated));
// The terminal was closed: what is half written and what was copied for reading must not stay behind.
process.on("SIGHUP", stop(exitCodes.hungUp));
// Messages that nobody reads any more, as in `lowrank fit … 2>&1 >/dev/null | head -1`, stop no training.
process.stderr.on("error", () => {});
// A reader that has seen enough, as in `lowrank recommend … | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.ok);
  writeSync(
    2,
    `lowrank: standard output cannot be written (${error.code ?? error.message}); what it holds is not whole\n`,
  );
  process.exit(exitCodes.failure);
});

const streams = { out: process.stdout, err: process.stderr };
const exitCode = await run(process.argv.slice(2), interrupt.signal, streams);
// Both streams first: a pipe may still hold what was written last.
await new Promise((resolve) => process.stdout.write("", resolve));
await new Promise((resolve) => process.stderr.write("", resolve));
process.exit(exitCode === exitCodes.interrupted ? stopCode : exitCode);
