#!/usr/bin/env node
/**
 * The `lowrank` command: arguments in, an exit code out (exit.ts says which).
 *
 * The first Ctrl-C asks the running command to stop, which removes what it has half written; the second ends the process.
 */
import { AbortedError } from "@lowrank/core";
import { CommanderError } from "commander";
import { exitCodes, failureOf } from "./exit.ts";
import { buildProgram } from "./program.ts";
import { Shell } from "./shell.ts";

async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  let stopCode: number = exitCodes.interrupted;
  const stop = (code: number) => () => {
    if (interrupt.signal.aborted) process.exit(code);
    stopCode = code;
    interrupt.abort();
  };
  process.on("SIGINT", stop(exitCodes.interrupted));
  process.on("SIGTERM", stop(exitCodes.terminated));
  // A reader that has seen enough, as in `lowrank recommend … | head`, is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? 0 : exitCodes.failure),
  );

  const shell = new Shell(interrupt.signal, { json: args.includes("--json"), debug: args.includes("--debug") });
  const program = buildProgram(shell);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    const name = shell.name(program, args);
    // Whatever a stopped call threw, being stopped is the reason.
    const reason = interrupt.signal.aborted ? new AbortedError(name) : error;
    const failure = failureOf(reason, shell.flags, name.split(" ").at(-1));
    if (args.includes("--debug")) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    shell.output.fail(name, failure);
    return interrupt.signal.aborted ? stopCode : failure.exitCode;
  }
}

const exitCode = await main(process.argv.slice(2));
// Both streams first: a pipe may still hold what was written last.
await new Promise((resolve) => process.stdout.write("", resolve));
await new Promise((resolve) => process.stderr.write("", resolve));
process.exit(exitCode);
