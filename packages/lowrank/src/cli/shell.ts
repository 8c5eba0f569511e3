/**
 * What a running command needs from the process around it: where to write, and the signal that stops it.
 */
import type { Command } from "commander";
import { Output, type OutputMode } from "./output.ts";

/** Handed to every command. */
export interface Job {
  readonly output: Output;
  /** Fires on Ctrl-C and SIGTERM; every long call takes it */
  readonly signal: AbortSignal;
}

/** One per process: knows which command runs, so that errors can name its flags. */
export class Shell {
  readonly signal: AbortSignal;
  #output: Output;
  #command: Command | undefined;

  /** @param mode what the raw arguments ask for, in force until a command has parsed its own */
  constructor(signal: AbortSignal, mode: OutputMode) {
    this.signal = signal;
    this.#output = new Output(mode);
  }

  /** Called by a command's action, first thing. */
  job(command: Command, flags: OutputMode): Job {
    this.#command = command;
    this.#output = new Output(flags);
    return { output: this.#output, signal: this.signal };
  }

  get output(): Output {
    return this.#output;
  }

  /** `lowrank fit`, or `lowrank` before a command is known. */
  get program(): string {
    return this.#command === undefined ? "lowrank" : `lowrank ${this.#command.name()}`;
  }

  /** The long flags of the command that runs. */
  get flags(): string[] {
    return this.#command?.options.flatMap((option) => option.long ?? []) ?? [];
  }
}
