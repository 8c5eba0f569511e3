/**
 * What a running command needs from the process around it: where to write, and the signal that stops it.
 */
import type { Command } from "commander";
import { Output, type OutputMode } from "./output.ts";

/** Handed to every command. */
export interface Job {
  readonly output: Output;
  /** Fires on Ctrl-C, SIGTERM and SIGHUP; every long call takes it */
  readonly signal: AbortSignal;
  /** Whether the command has a long flag, such as `--rank`: what sentences of the engine may name */
  has(flag: string): boolean;
}

/** Where data and messages go: stdout and stderr of the process. */
export interface Streams {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

/** One per process: knows which command runs, so that errors can name its flags. */
export class Shell {
  readonly signal: AbortSignal;
  readonly streams: Streams;
  #output: Output;
  #command: Command | undefined;

  /** @param mode what the raw arguments ask for, in force until a command has parsed its own */
  constructor(signal: AbortSignal, streams: Streams, mode: OutputMode) {
    this.signal = signal;
    this.streams = streams;
    this.#output = new Output(mode, streams.out, streams.err);
  }

  /** Called by a command's action, first thing. */
  job(command: Command, flags: OutputMode): Job {
    this.#command = command;
    this.#output = new Output(flags, this.streams.out, this.streams.err);
    const own = this.flags;
    return { output: this.#output, signal: this.signal, has: (flag) => own.includes(flag) };
  }

  get output(): Output {
    return this.#output;
  }

  /**
   * The command by its whole name, `lowrank fit`: the one that runs, else the one that the arguments name.
   *
   * @param program all commands
   */
  name(program: Command, args: readonly string[]): string {
    const known = this.#command ?? commandNamed(program, args);
    const names: string[] = [];
    for (let command: Command | null = known; command !== null; command = command.parent) names.unshift(command.name());
    return names.join(" ");
  }

  /** The long flags of the command that runs. */
  get flags(): string[] {
    return this.#command?.options.flatMap((option) => option.long ?? []) ?? [];
  }
}

/** The innermost command that the leading words name. */
function commandNamed(program: Command, args: readonly string[]): Command {
  const inner = program.commands.find((command) => command.name() === args[0]);
  return inner === undefined ? program : commandNamed(inner, args.slice(1));
}
