/** All commands in one program: what `lowrank --help` shows. */
import type { EventEmitter } from "node:events";
import { version } from "@lowrank/core";
import { Command } from "commander";
import { addDatasets } from "./commands/datasets.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEvaluate } from "./commands/evaluate.ts";
import { addExplain } from "./commands/explain.ts";
import { addExport } from "./commands/export.ts";
import { addFit } from "./commands/fit.ts";
import { addInspect } from "./commands/inspect.ts";
import { addRecommend } from "./commands/recommend.ts";
import { addSimilar } from "./commands/similar.ts";
import { addSweep } from "./commands/sweep.ts";
import { UsageError } from "./exit.ts";
import type { Shell } from "./shell.ts";

const examples = `
Examples:
  lowrank demo                                            see it work on real ratings
  lowrank fit ratings.csv                                 train, into model.safetensors
  lowrank recommend model.safetensors --user 42           ten items for user 42
  lowrank evaluate ratings.csv --folds 5                  how good is it, beside simple rules
  lowrank fit ratings.dat --method als --rank 32 --sweeps 15 --seed 1 --threads 2 --out m.safetensors

Data go to stdout, messages to stderr. Exit codes: 0 done, 1 data, file or training failed,
2 command written wrongly, 130 stopped by Ctrl-C. "lowrank help <command>" tells more.`;

export function buildProgram(shell: Shell): Command {
  const program = new Command("lowrank")
    .description("Ratings or clicks in, predictions and recommendations out, by matrix factorization.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .configureHelp({ helpWidth: Math.min(100, shell.streams.out.columns ?? 100) })
    .exitOverride()
    // Errors are thrown and told once, in run.ts.
    .configureOutput({ outputError: () => {}, writeOut: (text) => shell.streams.out.write(text) })
    .addHelpText("after", examples);
  program.commandsGroup("Train and judge:");
  addFit(program, shell);
  addEvaluate(program, shell);
  addSweep(program, shell);
  program.commandsGroup("Use a model:");
  addRecommend(program, shell);
  addSimilar(program, shell);
  addExplain(program, shell);
  addExport(program, shell);
  program.commandsGroup("Look around:");
  addInspect(program, shell);
  addDatasets(program, shell);
  addDoctor(program, shell);
  addDemo(program, shell);
  for (const command of program.commands) refuseOpposites(command);
  program.helpCommand("help [command]", "show help for a command");
  return program;
}

/** `--certificate --no-certificate`: the parser would take the last, and the other would be ignored in silence. */
function refuseOpposites(command: Command): void {
  const events = command as unknown as EventEmitter; // which it is; its types leave that out
  for (const negative of command.options.filter((option) => option.negate)) {
    const name = negative.attributeName();
    const positive = command.options.find((option) => !option.negate && option.attributeName() === name);
    if (positive === undefined) continue;
    const given = new Set<string>();
    for (const option of [positive, negative]) {
      // Before the parser of its value, which would take the other for the same flag.
      events.prependListener(`option:${option.name()}`, () => {
        given.add(option.name());
        if (given.size < 2) return;
        const flags = `--${positive.name()} and --${negative.name()}`;
        throw new UsageError(`${flags} exclude each other; state one of them`, { flags: [...given] });
      });
    }
  }
}
