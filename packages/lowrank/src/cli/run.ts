/** One command from its arguments to its exit code, apart from the process it runs in. */
import { AbortedError } from "@lowrank/core";
import { CommanderError } from "commander";
import { exitCodes, failureOf } from "./exit.ts";
import { buildProgram } from "./program.ts";
import { Shell, type Streams } from "./shell.ts";

/**
 * Runs a command; whatever goes wrong is told on `streams.err` and becomes an exit code (exit.ts says which).
 *
 * @param args what follows `lowrank`
 * @param signal stops the command; the exit code is then that of Ctrl-C
 */
export async function run(args: readonly string[], signal: AbortSignal, streams: Streams): Promise<number> {
  const debug = args.includes("--debug");
  const shell = new Shell(signal, streams, { json: args.includes("--json"), debug });
  const program = buildProgram(shell);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    if (debug) streams.err.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    const name = shell.name(program, args);
    // Whatever a stopped call threw, being stopped is the reason.
    const reason = signal.aborted ? new AbortedError(name) : error;
    const failure = failureOf(reason, shell.flags, name.split(" ").at(-1));
    shell.output.fail(name, failure);
    return failure.exitCode;
  }
}
