/**
 * The loop over the passes of one training, written once for every method.
 *
 * Around each pass: abort check, training figure and whether it has diverged, validation and early stop, progress, checkpoints. The
 * loop never prints, and reads a clock only for the report and for when a checkpoint is due.
 * Not here: what a pass does (one file per method), what validation measures (evaluate/ makes these).
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { nextTurn, throwIfAborted, turnIsOver } from "../support/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { CheckpointWriter } from "./checkpointing.ts";
import { refuseDiverged } from "./divergence.ts";
import type { Factorizer, PassName, Run } from "./factorizer.ts";
import type { LossCourse } from "./findings-in-losses.ts";
import { type Validation, ValidationWatch } from "./validation-watch.ts";
import { version } from "./version.ts";

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

/** What a training begins with, all checked. */
export interface Start<M extends Model> {
  readonly run: Run<M>;
  readonly ratings: Ratings;
  readonly method: Factorizer<M>;
  readonly seed: number;
  readonly kernels: Kernels;
  /** Where the run goes on from; undefined when it is at its beginning */
  readonly from: Checkpoint | undefined;
  readonly initialLoss: number | undefined;
  /** Seconds from the start of everything to the first pass */
  readonly prepare: number;
}

/** Who is told on the way, and who may end it. */
interface Company {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly validation?: Validation | undefined;
}

/** Called with the figures so far, four times in a training. */
type Inspect = (course: LossCourse) => void;

/** What came of all passes. */
export interface Finish<M extends Model> {
  readonly model: M;
  readonly loss: readonly number[];
  readonly passSeconds: readonly number[];
  readonly validationSeconds: number;
  readonly stopped: "passes" | "validation" | "converged";
  readonly validation: ReturnType<ValidationWatch<M>["summary"]>;
  readonly course: LossCourse;
}

/** Seconds. Browsers' clocks may stand still for a short pass; a rate is then an underestimate rather than infinite. */
const CLOCK_STEP = 1e-3;

export class Course<M extends Model> {
  readonly #start: Start<M>;
  readonly #writer: CheckpointWriter | undefined;
  readonly #company: Company;
  readonly #inspect: Inspect;
  readonly #watch: ValidationWatch<M> | undefined;
  readonly #began = performance.now();
  readonly #loss: number[];
  readonly #passSeconds: number[];
  #validationSeconds: number;
  #smallLoss: number | undefined;
  /** Half a pass is nothing to go on from, nor is one that ended in numbers that are not finite. */
  #isWhole = true;

  /** @throws OptionError for a validation that cannot be */
  constructor(start: Start<M>, writer: CheckpointWriter | undefined, company: Company, inspect: Inspect) {
    const { method, kernels, from } = start;
    const { validation, signal } = company;
    this.#start = start;
    this.#writer = writer;
    this.#company = company;
    this.#inspect = inspect;
    this.#loss = [...(from?.loss ?? [])];
    this.#passSeconds = [...(from?.seconds.passes ?? [])];
    this.#validationSeconds = from?.seconds.validation ?? 0;
    if (validation === undefined) return;
    this.#watch = new ValidationWatch<M>(validation, method.passes, { kernels, signal });
  }

  /** All passes, until the last, or until validation has stopped improving or the method has nothing more to do. */
  async toEnd(): Promise<Finish<M>> {
    const { run, from, method, initialLoss } = this.#start;
    try {
      if (from === undefined && initialLoss !== undefined) refuseDiverged(initialLoss, 0, initialLoss, run, method);
      if (from?.validation !== undefined)
        this.#watch?.resume(from.validation, await run.model(from.passes, this.#company.signal));
      // What was measured after the last pass of all is not in the checkpoint of it.
      await this.#measure();
      if (!this.#isDone) await this.#writer?.now("start", this.#checkpoint);
      while (!this.#isDone) await this.#nextPasses();
    } catch (error) {
      if (this.#company.signal?.aborted && this.#isWhole) await this.#writer?.now("stopped", this.#checkpoint);
      throw error;
    } finally {
      await this.#writer?.settled();
    }
    const passes = this.#loss.length;
    // Also where no pass was left to make: what was resumed may lie elsewhere.
    await this.#writer?.now("end", this.#checkpoint);
    return {
      model: this.#watch?.bestModel ?? (await run.model(passes, this.#company.signal)),
      loss: this.#loss,
      passSeconds: this.#passSeconds,
      validationSeconds: this.#validationSeconds,
      stopped: this.#watch?.exhausted ? "validation" : run.finished ? "converged" : "passes",
      validation: this.#watch?.summary(),
      course: this.#figures(),
    };
  }

  #figures(): LossCourse {
    const { run, initialLoss } = this.#start;
    // Goes through all ratings, and stays as it is.
    this.#smallLoss ??= run.smallLoss;
    const [loss, smallLoss] = [this.#loss, this.#smallLoss];
    return { lossName: run.lossName, initialLoss, smallLoss, loss, validation: this.#watch?.course() };
  }

  get #isDone(): boolean {
    const { run, method } = this.#start;
    return this.#loss.length >= method.passes || run.finished === true || this.#watch?.exhausted === true;
  }

  /** One call of the method and what follows it. */
  async #nextPasses(): Promise<void> {
    const { run, method, initialLoss } = this.#start;
    const { signal, onProgress } = this.#company;
    const loss = this.#loss;
    const quarter = Math.floor((4 * loss.length) / method.passes);
    const began = performance.now();
    this.#isWhole = false;
    // With a checkpoint to be written, being stopped waits for the end of the pass, so that nothing is lost.
    const made = await run.passes(this.#next() - loss.length, this.#writer === undefined ? signal : undefined);
    for (const figure of made) {
      refuseDiverged(figure, loss.length + 1, initialLoss, run, method);
      loss.push(figure);
    }
    this.#isWhole = true;
    const took = secondsSince(began);
    for (let i = 0; i < made.length; i++) this.#passSeconds.push(took / made.length);
    throwIfAborted(method.name, signal);
    await this.#measure();
    if (Math.floor((4 * loss.length) / method.passes) > quarter) this.#inspect(this.#figures());
    onProgress?.(this.#progress());
    // Kernels that work on this thread resolve at once, and no timer or input would have its turn before the last pass.
    if (turnIsOver()) await nextTurn();
    throwIfAborted(method.name, signal);
    await this.#writer?.after(loss.length, this.#checkpoint);
  }

  /** The pass up to which nothing is to be done between. */
  #next(): number {
    const pass = this.#loss.length;
    const { passes } = this.#start.method;
    return Math.min(passes, this.#watch?.nextAfter(pass) ?? passes, this.#writer?.nextAfter(pass) ?? passes);
  }

  async #measure(): Promise<void> {
    const began = performance.now();
    await this.#watch?.after(this.#loss.length, this.#start.run);
    this.#validationSeconds += secondsSince(began);
  }

  #progress(): Progress {
    const { run, ratings, method, from } = this.#start;
    const pass = this.#loss.length;
    const made = pass - (from?.passes ?? 0);
    const elapsed = secondsSince(this.#began);
    return {
      pass,
      passes: method.passes,
      passName: method.passName,
      loss: this.#loss[pass - 1],
      lossName: run.lossName,
      validation: this.#watch?.last(),
      ratingsPerSecond: (made * ratings.size) / Math.max(elapsed, CLOCK_STEP),
      seconds: elapsed,
      secondsLeft: (elapsed / made) * (method.passes - pass),
    };
  }

  readonly #checkpoint = (): Checkpoint => {
    const { run, ratings, method, seed, kernels, from, initialLoss, prepare } = this.#start;
    return {
      method: method.name,
      options: method.options,
      seed,
      dataHash: ratings.hash,
      backend: kernels.backend,
      build: kernels.build,
      version,
      passName: method.passName,
      passes: this.#loss.length,
      lossName: run.lossName,
      initialLoss,
      loss: [...this.#loss],
      seconds: {
        prepare,
        passes: [...this.#passSeconds],
        validation: this.#validationSeconds,
        total: (from?.seconds.total ?? 0) + prepare + secondsSince(this.#began),
      },
      state: run.state(),
      validation: this.#watch?.state(),
    };
  };
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}
