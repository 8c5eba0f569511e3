/**
 * `--checkpoint` and `--resume`: flags in, what `factorize` needs to keep and take up a training out, and the words about it.
 *
 * One command line with both flags naming one file can be run again until it is done: the file that is not there yet means
 * a start from the beginning.
 */
import { stat } from "node:fs/promises";
import type { Checkpoint, CheckpointInfo, FactorizeOptions, Factorizer, FitReport, Model } from "@lowrank/core";
import type { Command } from "commander";
import { shellWord } from "../shell-word.ts";
import { UsageError } from "./exit.ts";
import { text, whole } from "./flags.ts";
import { bytes, counted } from "./format.ts";
import type { Output } from "./output.ts";
import { type InputFile, isSameFile, refuseOverwritingInput } from "./overwriting.ts";
import type { Job } from "./shell.ts";

export interface CheckpointFlags {
  checkpoint?: string;
  checkpointEvery?: number;
  resume?: string;
  resumeAcrossBuilds?: true;
}

export function addCheckpointFlags(command: Command): Command {
  return command
    .optionsGroup("Stopping and going on:")
    .option(
      "--checkpoint <file>",
      "keep what is needed to go on: every 30 seconds, when stopped by Ctrl-C or SIGTERM, and at the end",
      text("--checkpoint"),
    )
    .option("--checkpoint-every <n>", "after every so many passes instead", whole("--checkpoint-every", 1))
    .option(
      "--resume <file>",
      "go on from this checkpoint, to the same bytes; with the same --checkpoint it may be missing, to start with",
      text("--resume"),
    )
    .option("--resume-across-builds", "go on from a checkpoint of another build or version, maybe to other bytes");
}

/** What the flags ask for, checked before any rating is read. */
export interface CheckpointPlan {
  /** Where checkpoints go; undefined: nowhere */
  readonly file: string | undefined;
  readonly every: number | undefined;
  /** What to go on from, and its file; `isOwn`: the one where checkpoints go */
  readonly from: { readonly file: string; readonly checkpoint: Checkpoint; readonly isOwn: boolean } | undefined;
  readonly acrossBuilds: boolean;
}

/** Files that the command will write, by what they hold; none of them may be a checkpoint too. */
type Results = Readonly<Record<"model" | "file of arrays", string | undefined>>;

/**
 * @param inputs the rating files
 * @param results where the results go
 * @throws UsageError for flags that cannot go together; CheckpointError for a file that is none; LowrankError with code
 *   `output` when no checkpoint can be written there
 */
export async function planCheckpoints(
  output: Output,
  flags: CheckpointFlags,
  inputs: readonly InputFile[],
  results: Results,
): Promise<CheckpointPlan> {
  const { checkpoint: file, resume } = flags;
  refuseLoneFlags(flags);
  for (const [flag, path] of [["--checkpoint", file] as const, ["--resume", resume] as const]) {
    if (path === undefined) continue;
    if (path === "-")
      throw new UsageError(`${flag} -: a checkpoint is a file; name one, or ./- for that name`, { flag });
    for (const [noun, other] of Object.entries(results)) {
      if (other === undefined || !(await isSameFile(path, other))) continue;
      throw new UsageError(`${flag} ${path} is where the ${noun} goes; name another file for one of them`, { flag });
    }
  }
  if (file !== undefined) {
    const words = { flag: "--checkpoint", sources: "rating files", result: "the checkpoint" };
    await refuseOverwritingInput(inputs, file, words);
  }
  const isSame = file !== undefined && resume !== undefined && (await isSameFile(file, resume));
  const kind = file === undefined ? undefined : await kindOf(file);
  if (kind === "folder") throw new UsageError(`--checkpoint ${file}: is a folder; name a file in it`, { file });
  if (kind === "other")
    throw new UsageError(`--checkpoint ${file}: is no plain file, so no checkpoint goes there; name a file`, { file });
  if (file !== undefined && !isSame && (await isThere(file))) {
    throw new UsageError(
      `--checkpoint ${file}: that file is there already; to go on from it say --resume ${shellWord(file)} too, else remove it`,
      { file },
    );
  }
  const { loadCheckpoint } = await import("../checkpoint-files.ts");
  const isFirst = isSame && !(await isThere(resume));
  const from =
    resume === undefined || isFirst
      ? undefined
      : { file: resume, checkpoint: await loadCheckpoint(resume), isOwn: isSame };
  if (file !== undefined) {
    const { tryWriting } = await import("../outputs.ts");
    await tryWriting(file, "checkpoint");
  }
  if (isFirst) output.say(`${file} is not there yet: training starts from the beginning`);
  return { file, every: flags.checkpointEvery, from, acrossBuilds: flags.resumeAcrossBuilds === true };
}

function refuseLoneFlags(flags: CheckpointFlags): void {
  if (flags.checkpointEvery !== undefined && flags.checkpoint === undefined) {
    throw new UsageError("--checkpoint-every acts only with --checkpoint; name a file there, or leave it out");
  }
  if (flags.resumeAcrossBuilds && flags.resume === undefined) {
    throw new UsageError("--resume-across-builds acts only with --resume; name a checkpoint there, or leave it out");
  }
}

/** Keeps the checkpoints of one training, and knows what was kept last. */
export class Checkpointing {
  readonly #plan: CheckpointPlan;
  readonly #job: Job;
  readonly #passName: string;
  #kept: { readonly passes: number; readonly bytes: number } | undefined;
  #isAnnounced = false;

  /** @param passName `sweeps` */
  constructor(plan: CheckpointPlan, job: Job, passName: string) {
    this.#plan = plan;
    this.#job = job;
    this.#passName = passName;
  }

  /** What `factorize` is to be given. */
  get options(): Pick<FactorizeOptions, "checkpoint" | "resume" | "resumeAcrossBuilds"> {
    const { file, every, from, acrossBuilds } = this.#plan;
    const write = async (parts: readonly Uint8Array[], info: CheckpointInfo) =>
      this.#write(file as string, parts, info);
    return {
      checkpoint: file === undefined ? undefined : { every, write },
      resume: from?.checkpoint,
      resumeAcrossBuilds: acrossBuilds,
    };
  }

  /** From where the training goes on, once: when it is known that the checkpoint is of it. */
  announce(passes: number): void {
    const { from } = this.#plan;
    if (from === undefined || this.#isAnnounced) return;
    this.#isAnnounced = true;
    const made = from.checkpoint.passes;
    const rest = made === passes ? ", which is all of them" : "";
    this.#job.output.say(`  going on from ${from.file}, after ${this.#counted(made)} of ${passes}${rest}`);
  }

  /** The first wish to stop waits for the end of the pass; says so. */
  stopping(): void {
    if (this.#plan.file === undefined) return;
    this.#job.output.say(
      `Stopping at the end of this ${this.#passName.slice(0, -1)}, so that nothing is lost; once more stops at once`,
    );
  }

  /** After a training that was stopped: what there is to go on from. */
  stopped(): void {
    const { file } = this.#plan;
    if (file === undefined || this.#kept === undefined) return;
    this.#job.output.say(
      `${file} keeps the first ${this.#counted(this.#kept.passes)}; go on with --checkpoint and --resume ${shellWord(file)}`,
    );
  }

  /** For the report: the file, its length and what it holds. */
  get kept(): { readonly file: string; readonly bytes: number; readonly passes: number } | undefined {
    return this.#plan.file === undefined || this.#kept === undefined
      ? undefined
      : { file: this.#plan.file, ...this.#kept };
  }

  async #write(file: string, parts: readonly Uint8Array[], { passes, reason }: CheckpointInfo): Promise<void> {
    const { from } = this.#plan;
    // No pass was left to make: the file holds this already.
    if (from?.isOwn && passes === from.checkpoint.passes && reason === "end") return;
    const { saveCheckpoint } = await import("../checkpoint-files.ts");
    try {
      await saveCheckpoint(file, parts);
      this.#kept = { passes, bytes: parts.reduce((sum, part) => sum + part.byteLength, 0) };
    } catch (error) {
      // Nothing is lost yet; later a training of hours must not end because of this.
      if (reason === "start" || this.#kept === undefined) throw error;
      const what = reason === "due" ? "training goes on" : reason === "end" ? "the model is not concerned" : "stopped";
      this.#job.output.warn(
        `${(error as Error).message}; ${what}; what is kept is the first ${this.#counted(this.#kept.passes)}`,
      );
    }
  }

  #counted(passes: number): string {
    return counted(passes, this.#passName.slice(0, -1));
  }
}

/** The line about checkpoints at the end of a fit. */
export function checkpointFacts(
  kept: Checkpointing["kept"],
  report: FitReport,
  method: Factorizer<Model>,
): [string, string][] {
  const pass = report.passName.slice(0, -1);
  const facts: [string, string][] = [];
  if (report.resumedAfter !== undefined) facts.push(["resumed", `after ${counted(report.resumedAfter, pass)}`]);
  if (kept !== undefined) {
    facts.push(["checkpoint", `${kept.file}, ${bytes(kept.bytes)}: remove it${onward(report, method)}`]);
  }
  return facts;
}

/** What a training with more passes would do: none takes up one that ended by itself, or whose passes depend on their number. */
function onward({ passes, passName }: FitReport, method: Factorizer<Model>): string {
  if (!(passName in method.options) || passes !== method.passes) return "";
  return method.passesMatter === undefined
    ? `, or train on with more ${passName}`
    : `; more ${passName} begin anew, as each depends on their number (${method.passesMatter})`;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function kindOf(path: string): Promise<"file" | "folder" | "other" | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  return info.isFile() ? "file" : info.isDirectory() ? "folder" : "other";
}
