/**
 * Follows a figure on held-out data over the passes of a training: what it was, when it was best, when to stop.
 *
 * Keeps the best model when it may have to be gone back to. Not here: what is measured (heldOut in evaluate/).
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { finiteNumber, wholeNumber } from "../support/index.ts";
import type { CheckpointValidation } from "./checkpoint.ts";
import type { Run } from "./factorizer.ts";
import type { LossCourse } from "./findings-in-losses.ts";

/** A figure on held-out data, measured after passes; made by `heldOut` in evaluate/, or by the caller. */
export interface Validation {
  /** Such as `held-out RMSE` */
  readonly name: string;
  readonly better: "lower" | "higher";
  /** Stop after this many measurements without improvement and keep the best model; left out: measure only */
  readonly patience?: number | undefined;
  /** Measure after every so many passes, and after the last. Default 1 */
  readonly every?: number | undefined;
  /** Digest of the data measured on: a training that is resumed with others is refused */
  readonly dataHash?: string | undefined;
  measure(model: Model, training: TrainingEngine): Promise<number>;
}

/** What a training works with, for what is measured on the way. */
export interface TrainingEngine {
  /** Open for the whole training; the same build and threads */
  readonly kernels: Kernels;
  /** Ends a long measurement as it ends the training */
  readonly signal: AbortSignal | undefined;
}

interface Measured {
  readonly pass: number;
  readonly value: number;
}

/** What is known after some measurements. */
interface Standing<M extends Model> {
  /** Of the measurements */
  readonly count: number;
  readonly best: Measured | undefined;
  readonly bestModel: M | undefined;
  /** Measurements since the best one */
  readonly worse: number;
}

export class ValidationWatch<M extends Model> {
  readonly #validation: Validation;
  readonly #passes: number;
  readonly #training: TrainingEngine;
  readonly #every: number;
  readonly #values: Measured[] = [];
  #standing: Standing<M> = { count: 0, best: undefined, bestModel: undefined, worse: 0 };
  /** Without a measurement that only the last pass brought: what a training with more passes would stand at. */
  #regular: Standing<M> = this.#standing;

  constructor(validation: Validation, passes: number, training: TrainingEngine) {
    this.#validation = validation;
    this.#passes = passes;
    this.#training = training;
    this.#every = wholeNumber("validation", "every", validation.every ?? 1, 1, Number.MAX_SAFE_INTEGER);
    if (validation.patience !== undefined) {
      wholeNumber("validation", "patience", validation.patience, 1, Number.MAX_SAFE_INTEGER);
    }
  }

  /** Goes on from a checkpoint. @param now the model at that place, for what a checkpoint's best model leaves out */
  resume({ values, bestModel }: CheckpointValidation, now: M): void {
    for (const measured of values) this.#record(measured, undefined);
    if (bestModel !== undefined) {
      const provenance = { ...now.provenance, passes: bestModel.provenance.passes };
      // Of the same kind: the checkpoint is of the same method.
      this.#standing = { ...this.#standing, bestModel: { ...bestModel, history: now.history, provenance } as M };
    }
    this.#regular = this.#standing;
  }

  /** For a checkpoint. */
  state(): CheckpointValidation {
    const { name, better, patience, dataHash } = this.#validation;
    const { count, bestModel } = this.#regular;
    const values = this.#values.slice(0, count);
    return { name, better, every: this.#every, patience, dataHash, values, bestModel };
  }

  /** The first pass after `pass` that is measured. */
  nextAfter(pass: number): number {
    return Math.min(this.#passes, (Math.floor(pass / this.#every) + 1) * this.#every);
  }

  /** Measures if it is time and has not been done. */
  async after(pass: number, run: Run<M>): Promise<void> {
    const isRegular = pass % this.#every === 0;
    if (pass === 0 || (!isRegular && pass !== this.#passes && !run.finished)) return;
    if (this.#values.at(-1)?.pass === pass) return;
    const model = await run.model(pass, this.#training.signal);
    const value = await this.#validation.measure(model, this.#training);
    this.#record({ pass, value: finiteNumber("validation", this.#validation.name, value) }, model);
    if (isRegular) this.#regular = this.#standing;
  }

  #record(measured: Measured, model: M | undefined): void {
    const { better, patience } = this.#validation;
    const { best, bestModel, worse } = this.#standing;
    const improved =
      best === undefined || (better === "lower" ? measured.value < best.value : measured.value > best.value);
    this.#values.push(measured);
    this.#standing = {
      count: this.#values.length,
      best: improved ? measured : best,
      bestModel: improved && patience !== undefined ? model : bestModel,
      worse: improved ? 0 : worse + 1,
    };
  }

  get bestModel(): M | undefined {
    return this.#standing.bestModel;
  }

  get exhausted(): boolean {
    return this.#validation.patience !== undefined && this.#standing.worse >= this.#validation.patience;
  }

  last(): { readonly name: string; readonly value: number; readonly best: number } | undefined {
    const { best } = this.#standing;
    const last = this.#values.at(-1);
    if (last === undefined || best === undefined) return undefined;
    return { name: this.#validation.name, value: last.value, best: best.value };
  }

  summary() {
    const { best } = this.#standing;
    return best === undefined ? undefined : { name: this.#validation.name, values: this.#values, bestPass: best.pass };
  }

  /** For findings. */
  course(): LossCourse["validation"] {
    const { name, better, patience } = this.#validation;
    const { best } = this.#standing;
    if (best === undefined) return undefined;
    return { name, better, values: this.#values, bestPass: best.pass, keepsBest: patience !== undefined };
  }
}
