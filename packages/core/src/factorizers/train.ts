/**
 * factorize: ratings and a method in, a model and a report out, the same for every method.
 *
 * Checks what is asked for, starts the method or resumes it, and frees kernel memory however it ends.
 * Not here: the loop over passes (course.ts), what a pass does (one file per method).
 */
import { type EngineOptions, engineOptionNames, kernelsFor } from "../kernels/index.ts";
import { type FactorModel, type Model, modelDigest } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import {
  DataError,
  knownOptions,
  nextTurn,
  throwIfAborted,
  trueOrFalse,
  turnIsOver,
  wholeNumber,
} from "../support/index.ts";
import { checkArguments } from "./arguments.ts";
import { type Certificate, type CertificateChoice, certificateChoice, certify } from "./certificate.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type CheckpointOptions, CheckpointWriter, checkResumed } from "./checkpointing.ts";
import { Course, type Finish, type Progress, type Start } from "./course.ts";
import type { Factorizer, PassName } from "./factorizer.ts";
import { allFindings, type Finding, FindingsTeller } from "./findings.ts";
import { findingsBefore } from "./findings-before.ts";
import { findingsInCertificate } from "./findings-in-certificate.ts";
import { findingsInLosses } from "./findings-in-losses.ts";
import type { Validation } from "./validation-watch.ts";

/** `threads` never changes the result; `reproducible` gives the same bytes on every machine and engine. */
export interface FactorizeOptions extends EngineOptions {
  /** A whole number from 0 to 2³² − 1. Default 0. Same seed, same bytes */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called once for each finding, as soon as it is one: before the first pass, on the way, at the end */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  readonly validation?: Validation | undefined;
  /**
   * Say how near the model is to the best there can be: true always, false never, `auto` (default) where that costs little
   * beside the training. Where none is known, as of nets, the report has none whatever is asked for: docs/svd.md says where
   */
  readonly certificate?: CertificateChoice | undefined;
  /** Keep the training ratings in the model, so that it can leave out what a user has seen, and explain. Default true */
  readonly keepHistory?: boolean | undefined;
  /** Keep what is needed to go on, while training, when stopped by `signal` (at the end of the pass), and at the end */
  readonly checkpoint?: CheckpointOptions | undefined;
  /**
   * Go on from here and end in the same bytes as if never stopped. Ratings, method, options (but for a larger number of
   * passes), seed, validation, backend, build and version must be those of the checkpoint
   */
  readonly resume?: Checkpoint | Uint8Array | undefined;
  /** Go on from a checkpoint of another build or version, which may end in other bytes. Default false */
  readonly resumeAcrossBuilds?: boolean | undefined;
}

/** What happened in a training. */
export interface FitReport {
  readonly method: string;
  /** As trained with: what was `auto` is the number that came of it */
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Backend, build and threads, as a sentence */
  readonly kernels: string;
  readonly threads: number;
  readonly kernelBytes: number;
  readonly passName: PassName;
  readonly passes: number;
  /** Of these, how many were made before this training was resumed from a checkpoint; undefined when it was not */
  readonly resumedAfter: number | undefined;
  /** All passes made; validation no longer improved; the method itself found that more would change nothing */
  readonly stopped: "passes" | "validation" | "converged";
  readonly lossName: string;
  /** Before the first pass; undefined for methods that do not know it */
  readonly initialLoss: number | undefined;
  /** After each pass */
  readonly loss: readonly number[];
  readonly validation:
    | {
        readonly name: string;
        readonly values: readonly { readonly pass: number; readonly value: number }[];
        readonly bestPass: number;
      }
    | undefined;
  readonly ignored: readonly string[];
  /** What a user would want to be told about data, settings, figures and predictions; docs/findings.md */
  readonly findings: readonly Finding[];
  /** How near the model is to the best there can be; undefined when not asked for, or not known */
  readonly certificate: Certificate | undefined;
  /**
   * Start to first pass; each pass with its loss; all validation together; the certificate; everything. What was resumed
   * counts in full
   */
  readonly seconds: {
    readonly prepare: number;
    readonly passes: readonly number[];
    readonly validation: number;
    readonly certificate: number;
    readonly total: number;
  };
  /** Digest of the model's tables: equal digests, equal models */
  readonly digest: string;
}

const optionNames: readonly (keyof FactorizeOptions)[] = [
  "seed",
  ...engineOptionNames,
  "signal",
  "onProgress",
  "onFinding",
  "validation",
  "certificate",
  "keepHistory",
  "checkpoint",
  "resume",
  "resumeAcrossBuilds",
];

/**
 * Factorizes ratings by a method.
 *
 * @throws OptionError for arguments and options that are unknown, out of range or in conflict
 * @throws DataError when the method cannot train on these ratings
 * @throws DivergenceError when the training figure diverges (divergence.ts has the rule) or a row has no stable solution
 * @throws AbortedError when the signal fires: looked at while the training starts, between passes and, where one is long, within it
 *   (with `checkpoint` a pass is ended first), and while the certificate is made
 * @throws CheckpointError when `resume` is damaged or of another training
 */
export async function factorize<M extends Model = FactorModel>(
  ratings: Ratings,
  method: Factorizer<M>,
  options: FactorizeOptions = {},
): Promise<{ model: M; report: FitReport }> {
  const started = performance.now();
  checkArguments("factorize", ratings, method);
  knownOptions("factorize", options, optionNames);
  const seed = wholeNumber("factorize", "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  const wanted = certificateChoice("factorize", "certificate", options.certificate);
  throwIfAborted(method.name, options.signal);
  if (ratings.size === 0) {
    throw new DataError(`${method.name}: there are no ratings to train on; check the split or the ids that were kept`, {
      method: method.name,
    });
  }
  const writer = options.checkpoint === undefined ? undefined : new CheckpointWriter(options.checkpoint);
  const acrossBuilds = trueOrFalse("factorize", "resumeAcrossBuilds", options.resumeAcrossBuilds ?? false);
  const kernels = await kernelsFor("factorize", options);
  const { resume, validation } = options;
  const resuming = { ratings, method, seed, validation, kernels, acrossBuilds };
  const from = resume === undefined ? undefined : checkResumed(resume, resuming);
  const teller = new FindingsTeller(options.onFinding);
  teller.tell(findingsBefore(ratings, method));
  // A checkpoint from before the first pass is the beginning.
  const run = await method.start(ratings, kernels, seed, from?.passes === 0 ? undefined : from, options.signal);
  try {
    // A start that gives no turns hears of the signal here.
    if (turnIsOver()) await nextTurn();
    throwIfAborted(method.name, options.signal);
    const prepare = seconds(started);
    const initialLoss = from === undefined ? run.initialLoss : from.initialLoss;
    const start = { run, ratings, method, seed, kernels, from, initialLoss, prepare };
    const finish = await new Course(start, writer, options, (figures) =>
      teller.tell(findingsInLosses(method, run.options ?? method.options, figures, false)),
    ).toEnd();
    const found = allFindings(ratings, method, finish.course, finish.model);
    teller.tell(found);
    const kept = options.keepHistory === false ? { ...finish.model, history: undefined } : finish.model;
    const certifying = performance.now();
    const certificate = await certify(wanted, run, method, ratings, finish, kernels, options.signal);
    const certificateSeconds = seconds(certifying);
    const { options: trainedWith } = finish.model.provenance;
    const findings = [...found, ...findingsInCertificate(ratings, method, trainedWith, certificate, found)];
    teller.tell(findings);
    const more = { findings, certificate, certificateSeconds };
    return { model: kept, report: reportOf(start, finish, kept, more, started) };
  } finally {
    run.close();
  }
}

function reportOf<M extends Model>(
  { run, ratings, method, seed, kernels, from, initialLoss, prepare }: Start<M>,
  finish: Finish<M>,
  kept: M,
  more: Pick<FitReport, "findings" | "certificate"> & { readonly certificateSeconds: number },
  started: number,
): FitReport {
  return {
    method: method.name,
    options: kept.provenance.options,
    seed,
    kernels: kernels.reason,
    threads: kernels.threads,
    kernelBytes: method.bytesFor(ratings, kernels),
    passName: method.passName,
    passes: finish.loss.length,
    resumedAfter: from?.passes,
    stopped: finish.stopped,
    lossName: run.lossName,
    initialLoss,
    loss: finish.loss,
    validation: finish.validation,
    ignored: method.ignores.filter((column) => (column === "rating" ? ratings.hasRatings : ratings.hasTimes)),
    findings: more.findings,
    certificate: more.certificate,
    seconds: {
      prepare,
      passes: finish.passSeconds,
      validation: finish.validationSeconds,
      certificate: more.certificateSeconds,
      total: (from?.seconds.total ?? 0) + seconds(started),
    },
    digest: modelDigest(kept),
  };
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
