/** `lowrank fit`: rating files in, a model file out, and a report of what was read, trained and saved. */
import {
  AbortedError,
  defaultMetric,
  type FitReport,
  factorize,
  heldOut,
  type Model,
  type Ratings,
  randomSplit,
  type Validation,
  type ValidationMetric,
} from "@lowrank/core";
import type { Command } from "commander";
import { shellWord } from "../../shell-word.ts";
import { arraysFacts, type SavedArrays, tryArrays, writeArrays } from "../arrays.ts";
import {
  addCheckpointFlags,
  type CheckpointFlags,
  Checkpointing,
  type CheckpointPlan,
  checkpointFacts,
  planCheckpoints,
} from "../checkpoints.ts";
import { UsageError } from "../exit.ts";
import { FindingWarnings, ignoredLines, warnOf } from "../findings.ts";
import {
  addEngineFlags,
  addMetricFlag,
  addOutputFlags,
  addReadingFlags,
  addSeedFlag,
  type EngineFlags,
  engineOptions,
  type OutputFlags,
  type ReadingFlags,
  readOptions,
  share,
  text,
  whole,
} from "../flags.ts";
import { aPass, bytes, counted, duration, factLines, figure, percent } from "../format.ts";
import { type LoadedRatings, loadRatings, refuseOneSided } from "../load.ts";
import { inputFiles, ratingPaths, refuseOverwritingInput } from "../overwriting.ts";
import { addPlanFlags, refuseAbove, tellPlan } from "../planning.ts";
import { trainingProgress } from "../progress.ts";
import {
  addMethodFlags,
  type ChosenMethod,
  chooseMethod,
  type MethodRequest,
  methodRequest,
  refuseHoldingOut,
  settingsSentence,
} from "../settings.ts";
import type { Job, Shell } from "../shell.ts";
import { words } from "../words.ts";

const DEFAULT_OUT = "model.safetensors";
const DEFAULT_PATIENCE = 3;

interface FitFlags extends ReadingFlags, EngineFlags, OutputFlags, CheckpointFlags {
  out?: string;
  arrays?: string;
  history?: boolean;
  certificate?: boolean;
  validation?: number;
  metric?: ValidationMetric;
  patience?: number;
  seed?: number;
  plan?: true;
  memory?: number;
}

export function addFit(program: Command, shell: Shell): void {
  const command = program
    .command("fit")
    .summary("train a model on rating files")
    .description(
      "Trains a model on ratings or clicks and saves it, ids, settings and training ratings included, in one file.\n" +
        'Reads CSV, TSV, "::" files, JSON lines and Parquet, also gzipped; "-" is standard input.',
    )
    .argument("<files...>", "rating files, together one data set")
    .option("-o, --out <file>", `where the model goes (${DEFAULT_OUT})`, text("--out"))
    .option("--arrays <file>", "write the model's tables as NumPy arrays too, into this .npz", text("--arrays"))
    .option(
      "--no-history",
      "leave the training ratings out of the file: smaller, but it cannot know what users have seen",
    );
  addMethodFlags(command);
  addPlanFlags(command);
  command
    .optionsGroup("Training:")
    .option(
      "--validation <share>",
      "hold out this share of the ratings, stop when the figure on them gets no better, keep the best",
      share("--validation"),
    );
  addMetricFlag(command)
    .option(
      "--patience <n>",
      `measurements without improvement before stopping (${DEFAULT_PATIENCE})`,
      whole("--patience", 1),
    )
    .option("--certificate", "say how near the model is to the best there can be, whatever that costs")
    .option("--no-certificate", "do not; else said where it costs little beside the training");
  addSeedFlag(command);
  addCheckpointFlags(command);
  addEngineFlags(command);
  addReadingFlags(command);
  addOutputFlags(command);
  command.action((files: string[], flags: FitFlags) => fit(shell.job(command, flags), files, flags));
}

async function fit(job: Job, files: readonly string[], flags: FitFlags): Promise<void> {
  const started = performance.now();
  const out = flags.out ?? DEFAULT_OUT;
  const request = methodRequest({ ...flags });
  refuseLoneValidationFlags(flags);
  if (flags.plan === true) {
    await planned(job, files, flags, request);
    return;
  }
  refuseStandardOutput(out);
  const inputs = await inputFiles(await ratingPaths(files, flags));
  await refuseOverwritingInput(inputs, out);
  const { checkWritable, saveModel } = await import("../../model-files.ts");
  await checkWritable(out);
  await tryArrays(flags.arrays, inputs, out, request.method);
  const plan = await planCheckpoints(job.output, flags, inputs, { model: out, "file of arrays": flags.arrays });

  const loaded = await loadRatings(job, files, readOptions(flags, job.signal));
  refuseOneSided(loaded.ratings, files, flags.rows);
  const chosen = chooseMethod(request, loaded.ratings);
  const { model, report, kept } = await trained(job, loaded.ratings, chosen, flags, plan);
  const saveStarted = performance.now();
  await refuseOverwritingInput(inputs, out);
  const saved = await saveModel(out, model);
  const arrays = await writeArrays(flags.arrays, inputs, model);
  const seconds = { import: loaded.seconds, save: since(saveStarted), total: since(started) };
  tell(job, {
    out,
    fileBytes: saved.bytes,
    arrays,
    loaded,
    chosen,
    model,
    report,
    kept,
    seconds,
    peakBytes: peakMemory(),
  });
}

/** Reads, and says what the training would take; writes nothing. */
async function planned(job: Job, files: readonly string[], flags: FitFlags, request: MethodRequest): Promise<void> {
  const loaded = await loadRatings(job, files, readOptions(flags, job.signal));
  refuseOneSided(loaded.ratings, files, flags.rows);
  const chosen = chooseMethod(request, loaded.ratings);
  const { train } = validationFor(loaded.ratings, chosen, flags, flags.seed ?? 0);
  await tellPlan(job, train, chosen, engineOptions(flags), flags.memory);
}

/** Trains, with the bar or lines of progress, and says what was chosen, found and ignored. */
async function trained(job: Job, ratings: Ratings, chosen: ChosenMethod, flags: FitFlags, plan: CheckpointPlan) {
  const { output, signal } = job;
  const seed = flags.seed ?? 0;
  const { method, reason } = chosen;
  output.say(`Training ${method.name}${reason === undefined ? "" : `, because ${reason}`}`);
  output.say(`  ${settingsSentence(method)}, seed ${seed}`);
  const { train, validation } = validationFor(ratings, chosen, flags, seed);
  if (flags.memory !== undefined) await refuseAbove(flags.memory, train, method, engineOptions(flags), signal);
  if (validation !== undefined) {
    output.say(
      `  trained on ${counted(train.size, "rating")}, watching the ${validation.name} of the other ${counted(ratings.size - train.size, "rating")}`,
    );
  }
  const checkpointing = new Checkpointing(plan, job, method.passName);
  const progress = trainingProgress(output);
  const warnings = new FindingWarnings((finding) => {
    progress.stop(); // the bar comes back with the next pass
    checkpointing.announce(method.passes);
    warnOf(job, finding, validation !== undefined);
  });
  const stopping = () => {
    progress.stop();
    checkpointing.stopping();
  };
  signal.addEventListener("abort", stopping);
  try {
    const { model, report } = await factorize(train, method, {
      ...engineOptions(flags),
      ...checkpointing.options,
      seed,
      signal,
      onProgress: (figures) => {
        if (signal.aborted) return;
        checkpointing.announce(method.passes);
        warnings.passed();
        progress.onProgress(figures);
      },
      onFinding: (finding) => warnings.found(finding),
      validation,
      certificate: flags.certificate,
      keepHistory: flags.history !== false,
    });
    progress.stop();
    checkpointing.announce(method.passes);
    warnings.tell(report.findings);
    output.say(...ignoredLines(method.name, report.ignored));
    if (flags.certificate === true && report.certificate === undefined)
      output.warn(`--certificate: ${whyNoCertificate(model, report)}`);
    return { model, report, kept: checkpointing.kept };
  } catch (error) {
    progress.stop();
    warnings.tell();
    if (error instanceof AbortedError) checkpointing.stopped();
    throw error;
  } finally {
    progress.stop();
    signal.removeEventListener("abort", stopping);
  }
}

/** Why nothing is known about how near the model is to the best. */
function whyNoCertificate({ provenance }: Model, { passName, passes }: FitReport): string {
  const pass = passName.slice(0, -1);
  return provenance.passes !== passes
    ? `the gradient is known after the last ${pass} only, and the model is that of ${pass} ${provenance.passes} of ${passes}; ` +
        "train without --validation to have it"
    : `nothing is known of how near a model of ${provenance.method} is to the best on these ratings and with these settings`;
}

/** The split and the watched figure that `--validation` asks for; all ratings and no figure without it. */
function validationFor(
  ratings: Ratings,
  chosen: ChosenMethod,
  flags: FitFlags,
  seed: number,
): { train: Ratings; validation: Validation | undefined } {
  if (flags.validation === undefined) return { train: ratings, validation: undefined };
  refuseHoldingOut(
    chosen.method,
    ratings,
    "leave --validation out: --certificate says how near the model comes to all of them",
  );
  const { train, test } = randomSplit(ratings, { testFraction: flags.validation, seed });
  const { method } = chosen;
  const metric = flags.metric ?? defaultMetric(train, method);
  // A step is short and changes little: 50 measurements follow the course well enough.
  const every = method.passName === "steps" ? Math.ceil(method.passes / 50) : 1;
  const validation = heldOut(test, train, metric, { patience: flags.patience ?? DEFAULT_PATIENCE, every });
  return { train, validation };
}

function refuseLoneValidationFlags(flags: FitFlags): void {
  if (flags.validation !== undefined) return;
  for (const name of ["metric", "patience"] as const) {
    if (flags[name] !== undefined) {
      throw new UsageError(`--${name} acts only with --validation; add --validation 0.1, or leave it out`, {
        flag: `--${name}`,
      });
    }
  }
}

/** A model is a file that is replaced as a whole; it cannot go through a pipe. */
function refuseStandardOutput(out: string): void {
  if (out === "-")
    throw new UsageError("--out - would be standard output, where no model goes; name a file, or ./- for that name", {
      out,
    });
}

interface Outcome {
  readonly out: string;
  readonly fileBytes: number;
  readonly arrays: SavedArrays | undefined;
  readonly loaded: LoadedRatings;
  readonly chosen: ChosenMethod;
  readonly model: Model;
  readonly report: FitReport;
  readonly kept: Checkpointing["kept"];
  readonly seconds: { readonly import: number; readonly save: number; readonly total: number };
  readonly peakBytes: number;
}

function tell(job: Job, outcome: Outcome): void {
  const { output } = job;
  const { out, fileBytes, arrays, loaded, chosen, model, report, kept, seconds, peakBytes } = outcome;
  const passSeconds = report.seconds.passes.reduce((sum, pass) => sum + pass, 0);
  const pass = report.passName.slice(0, -1);
  const keptPass = model.provenance.passes;
  const perPass = duration(passSeconds / report.passes);
  output.print(
    ...factLines(
      [
        ["model", `${out}, ${bytes(fileBytes)}`],
        ...arraysFacts(arrays),
        [report.lossName, `${figure(report.loss[keptPass - 1])} after ${counted(keptPass, pass)}`],
        ...heldOutFacts(report, pass),
        ...derivedFacts(chosen, report),
        ...certificateFacts(report),
        ...checkpointFacts(kept, report, chosen.method),
        ["digest", report.digest],
        ["engine", report.kernels],
        ["import", duration(seconds.import)],
        ["training", `${duration(report.seconds.total)}, ${perPass} ${aPass(pass)}`],
        ["saving", duration(seconds.save)],
        ["whole command", `${duration(seconds.total)}, ${bytes(peakBytes)} of memory at the peak`],
      ],
      output.width,
    ),
  );
  output.json({
    model: {
      file: out,
      bytes: fileBytes,
      digest: report.digest,
      rank: model.kind === "items" ? undefined : model.rank,
      scale: model.scale,
    },
    arrays,
    data: { ...loaded.ratings.report, hash: loaded.ratings.hash, notes: loaded.notes },
    reason: chosen.reason,
    report,
    checkpoint: kept,
    seconds: { ...seconds, training: report.seconds.total },
    peakBytes,
  });
  if (model.users.size > 0)
    output.say(`Next: lowrank recommend ${shellWord(out)} --user ${shellWord(String(model.users.id(0)))}`);
}

/** Settings left to the method: the numbers and words that came of the ratings. */
function derivedFacts({ method }: ChosenMethod, report: FitReport): [string, string][] {
  return Object.entries(method.options)
    .filter(([name, value]) => value === "auto" && report.options[name] !== undefined)
    .map(([name]) => {
      const value = report.options[name];
      return [words(name), `${typeof value === "number" ? figure(value) : value}, from the ratings`];
    });
}

/** A share of the matrix that rounding of the factors explains. */
const AT_OPTIMUM = 1e-6;

/** How near the model is to the best there can be. */
function certificateFacts({ certificate, options }: FitReport): [string, string][] {
  switch (certificate?.kind) {
    case undefined:
      return [];
    case "optimum": {
      const { error, optimum, gap, relativeGap } = certificate;
      const nearer = relativeGap === undefined ? "" : `, nearer by ${percent(relativeGap)} of the matrix`;
      const nearest =
        (relativeGap ?? gap) < AT_OPTIMUM
          ? `as near as rank ${options.rank} can come`
          : `the nearest of rank ${options.rank} is at ${figure(optimum)}${nearer}`;
      return [["distance", `${figure(error)} from all ratings, ${nearest}`]];
    }
    case "gradient":
      return [["gradient", `${figure(certificate.norm)}, relative ${certificate.relative.toPrecision(2)} (0 at rest)`]];
    default:
      return certificate satisfies never;
  }
}

function heldOutFacts(report: FitReport, pass: string): [string, string][] {
  if (report.validation === undefined) return [];
  const { name, values, bestPass } = report.validation;
  const best = values.find((measured) => measured.pass === bestPass);
  if (best === undefined) return [];
  const when = bestPass === report.passes ? "still improving at the last" : "best at";
  return [[name, `${figure(best.value)}, ${when} ${pass} ${bestPass} of ${report.passes}`]];
}

/** Peak resident memory of this process, in bytes. */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}
