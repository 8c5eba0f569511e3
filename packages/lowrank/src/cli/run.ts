/** One command from its arguments to its exit code, apart from the process it runs in. */
import { AbortedError } from "@lowrank/core";
import { nearest, show } from "@lowrank/core/support";
import { type Command, CommanderError } from "commander";
import { exitCodes, failureOf, UsageError } from "./exit.ts";
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
    else {
      refuseHelpOnNothing(program, args);
      await program.parseAsync(args, { from: "user" });
    }
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

/** `lowrank help bogus`: the parser would show the general help and call it a failure. */
function refuseHelpOnNothing(program: Command, [first, name]: readonly string[]): void {
  if (first !== "help" || name === undefined || name.startsWith("-")) return;
  const names = program.commands.map((command) => command.name());
  if (names.includes(name) || name === "help") return;
  const near = nearest(name, names);
  throw new UsageError(`unknown command ${show(name)}${near === undefined ? "" : `; did you mean ${near}?`}`);
}
