/**
 * The training loop, written once for every method: ratings and a method in, a model and a report out.
 *
 * Around each pass: abort check, training figure and finite check, validation and early stop, progress. The loop never
 * prints, never reads a clock for anything but the report, and frees kernel memory however it ends.
 * Not here: what a pass does (one file per method), what validation measures (evaluate/ makes these).
 */
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import { type FactorModel, type Model, modelDigest } from "../model/index.ts";
import { Ratings } from "../ratings/index.ts";
import {
  DataError,
  DivergenceError,
  finiteNumber,
  knownOptions,
  OptionError,
  throwIfAborted,
  wholeNumber,
} from "../support/index.ts";
import type { Factorizer, PassName, Run } from "./factorizer.ts";
import { type Finding, findingsBefore } from "./findings.ts";

/** A figure on held-out data, measured after passes; made by `heldOut` in evaluate/, or by the caller. */
export interface Validation {
  /** Such as `held-out RMSE` */
  readonly name: string;
  readonly better: "lower" | "higher";
  /** Stop after this many measurements without improvement and keep the best model; left out: measure only */
  readonly patience?: number | undefined;
  /** Measure after every so many passes, and after the last. Default 1 */
  readonly every?: number | undefined;
  measure(model: Model, training: TrainingEngine): Promise<number>;
}

/** What a training works with, for what is measured on the way. */
export interface TrainingEngine {
  /** Open for the whole training; the same build and threads */
  readonly kernels: Kernels;
  /** Ends a long measurement as it ends the training */
  readonly signal: AbortSignal | undefined;
}

/** Where a training stands, after each pass; after several where a pass takes less than a few milliseconds. */
export interface Progress {
  readonly pass: number;
  readonly passes: number;
  readonly passName: PassName;
  readonly loss: number;
  readonly lossName: string;
  readonly validation: { readonly name: string; readonly value: number; readonly best: number } | undefined;
  /** Ratings gone through per second, over all passes so far */
  readonly ratingsPerSecond: number;
  readonly seconds: number;
  /** An estimate, if all passes are made */
  readonly secondsLeft: number;
}

/** `threads` never changes the result; `reproducible` gives the same bytes on every machine and engine. */
export interface FactorizeOptions extends EngineOptions {
  /** A whole number from 0 to 2³² − 1. Default 0. Same seed, same bytes */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly validation?: Validation | undefined;
  /** Keep the training ratings in the model, so that it can leave out what a user has seen, and explain. Default true */
  readonly keepHistory?: boolean | undefined;
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
  /** All passes made; validation no longer improved; the method itself found that more would change nothing */
  readonly stopped: "passes" | "validation" | "converged";
  readonly lossName: string;
  /** Before the first pass; undefined for methods that would have to go through the ratings for it */
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
  readonly findings: readonly Finding[];
  /** Start to first pass; each pass with its loss; all validation together; everything */
  readonly seconds: {
    readonly prepare: number;
    readonly passes: readonly number[];
    readonly validation: number;
    readonly total: number;
  };
  /** Digest of the model's tables: equal digests, equal models */
  readonly digest: string;
}

/** Seconds. Browsers' clocks may stand still for a short pass; a rate is then an underestimate rather than infinite. */
const CLOCK_STEP = 1e-3;

const optionNames: readonly (keyof FactorizeOptions)[] = [
  "seed",
  ...engineOptionNames,
  "signal",
  "onProgress",
  "validation",
  "keepHistory",
];

/**
 * Factorizes ratings by a method.
 *
 * @throws OptionError for arguments and options that are unknown, out of range or in conflict
 * @throws DataError when the method cannot train on these ratings
 * @throws DivergenceError when the figures leave the finite numbers or a row has no stable solution
 * @throws AbortedError when the signal fires; looked at between half-sweeps
 */
export async function factorize<M extends Model = FactorModel>(
  ratings: Ratings,
  method: Factorizer<M>,
  options: FactorizeOptions = {},
): Promise<{ model: M; report: FitReport }> {
  const started = performance.now();
  checkArguments(ratings, method);
  knownOptions("factorize", options, optionNames);
  const seed = wholeNumber("factorize", "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  throwIfAborted(method.name, options.signal);
  if (ratings.size === 0) {
    throw new DataError(`${method.name}: there are no ratings to train on; check the split or the ids that were kept`, {
      method: method.name,
    });
  }
  const kernels = await kernelsFor("factorize", options);
  const findings = findingsBefore(ratings, method);
  const run = await method.start(ratings, kernels, seed);
  try {
    const prepare = seconds(started);
    const course = await train(run, ratings, method, options, kernels);
    const kept = options.keepHistory === false ? { ...course.model, history: undefined } : course.model;
    const report: FitReport = {
      method: method.name,
      options: kept.provenance.options,
      seed,
      kernels: kernels.reason,
      threads: kernels.threads,
      kernelBytes: method.bytesFor(ratings, kernels),
      passName: method.passName,
      passes: course.loss.length,
      stopped: course.stopped,
      lossName: run.lossName,
      initialLoss: run.initialLoss,
      loss: course.loss,
      validation: course.validation,
      ignored: method.ignores.filter((column) => (column === "rating" ? ratings.hasRatings : ratings.hasTimes)),
      findings,
      seconds: {
        prepare,
        passes: course.passSeconds,
        validation: course.validationSeconds,
        total: seconds(started),
      },
      digest: modelDigest(kept),
    };
    return { model: kept, report };
  } finally {
    run.close();
  }
}

/** Callers without types: the slips that would otherwise end in an error about `undefined`. */
function checkArguments(ratings: unknown, method: unknown): void {
  if (!(ratings instanceof Ratings)) {
    throw new OptionError("factorize", "ratings", ratings, "Ratings", "make them with ratingsFrom(records)");
  }
  const start = (method as Partial<Factorizer<Model>> | null | undefined)?.start;
  if (typeof start !== "function") {
    const remedy = "call the method, as in factorize(ratings, als())";
    throw new OptionError("factorize", "method", method, "a method such as als() or ials()", remedy);
  }
}

interface Course<M extends Model> {
  readonly model: M;
  readonly loss: readonly number[];
  readonly passSeconds: readonly number[];
  readonly validationSeconds: number;
  readonly stopped: FitReport["stopped"];
  readonly validation: FitReport["validation"];
}

/** All passes of one run, until the last, or until validation has stopped improving. */
async function train<M extends Model>(
  run: Run<M>,
  ratings: Ratings,
  method: Factorizer<M>,
  options: FactorizeOptions,
  kernels: Kernels,
): Promise<Course<M>> {
  const { validation, signal } = options;
  const watch =
    validation === undefined ? undefined : new ValidationWatch<M>(validation, method.passes, { kernels, signal });
  const loss: number[] = [];
  const passSeconds: number[] = [];
  const started = performance.now();
  let validationSeconds = 0;
  let stopped: Course<M>["stopped"] = "passes";
  while (loss.length < method.passes) {
    const callStarted = performance.now();
    const most = (watch?.nextAfter(loss.length) ?? method.passes) - loss.length;
    const made = await run.passes(most, signal);
    for (const figure of made) loss.push(finiteLoss(figure, run, method, loss.length + 1));
    const callSeconds = seconds(callStarted);
    for (let i = 0; i < made.length; i++) passSeconds.push(callSeconds / made.length);
    throwIfAborted(method.name, signal);
    const pass = loss.length;
    const validationStarted = performance.now();
    await watch?.after(pass, run);
    validationSeconds += seconds(validationStarted);
    const elapsed = seconds(started);
    options.onProgress?.({
      pass,
      passes: method.passes,
      passName: method.passName,
      loss: loss[pass - 1],
      lossName: run.lossName,
      validation: watch?.last(),
      ratingsPerSecond: (pass * ratings.size) / Math.max(elapsed, CLOCK_STEP),
      seconds: elapsed,
      secondsLeft: (elapsed / pass) * (method.passes - pass),
    });
    throwIfAborted(method.name, signal);
    if (watch?.exhausted) {
      stopped = "validation";
      break;
    }
    if (run.finished) {
      stopped = "converged";
      break;
    }
  }
  return {
    model: watch?.bestModel ?? (await run.model(loss.length)),
    loss,
    passSeconds,
    validationSeconds,
    stopped,
    validation: watch?.summary(),
  };
}

/** Follows a validation figure over the passes; keeps the best model when it may have to be gone back to. */
class ValidationWatch<M extends Model> {
  readonly #validation: Validation;
  readonly #passes: number;
  readonly #training: TrainingEngine;
  readonly #every: number;
  readonly #values: { pass: number; value: number }[] = [];
  #best: { pass: number; value: number } | undefined;
  #worse = 0;
  bestModel: M | undefined;

  constructor(validation: Validation, passes: number, training: TrainingEngine) {
    this.#validation = validation;
    this.#passes = passes;
    this.#training = training;
    this.#every = wholeNumber("validation", "every", validation.every ?? 1, 1, Number.MAX_SAFE_INTEGER);
    if (validation.patience !== undefined) {
      wholeNumber("validation", "patience", validation.patience, 1, Number.MAX_SAFE_INTEGER);
    }
  }

  /** The first pass after `pass` that is measured. */
  nextAfter(pass: number): number {
    return Math.min(this.#passes, (Math.floor(pass / this.#every) + 1) * this.#every);
  }

  async after(pass: number, run: Run<M>): Promise<void> {
    if (pass % this.#every !== 0 && pass !== this.#passes && !run.finished) return;
    const { name, better, patience } = this.#validation;
    const model = await run.model(pass);
    const value = finiteNumber("validation", name, await this.#validation.measure(model, this.#training));
    this.#values.push({ pass, value });
    const improved =
      this.#best === undefined || (better === "lower" ? value < this.#best.value : value > this.#best.value);
    this.#worse = improved ? 0 : this.#worse + 1;
    if (!improved) return;
    this.#best = { pass, value };
    if (patience !== undefined) this.bestModel = model;
  }

  get exhausted(): boolean {
    return this.#validation.patience !== undefined && this.#worse >= this.#validation.patience;
  }

  last(): Progress["validation"] {
    const last = this.#values[this.#values.length - 1];
    if (last === undefined || this.#best === undefined) return undefined;
    return { name: this.#validation.name, value: last.value, best: this.#best.value };
  }

  summary(): FitReport["validation"] {
    if (this.#best === undefined) return undefined;
    return { name: this.#validation.name, values: this.#values, bestPass: this.#best.pass };
  }
}

function finiteLoss(loss: number, run: Run<Model>, method: Factorizer<Model>, pass: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new DivergenceError(
    `${method.name}: the ${run.lossName} became ${loss} in pass ${pass} of ${method.passes}; raise regularization, ` +
      "or check the ratings for extreme values",
    { method: method.name, pass, loss },
  );
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
