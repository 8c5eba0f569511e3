/**
 * Checkpoints while a training runs: when one is written, and whether one that is there belongs to this training.
 *
 * A clock may decide when a checkpoint is written, never what is computed. Writing goes on beside the next passes; a second
 * one waits for the first. Not here: what a checkpoint holds (checkpoint.ts), where it goes (the caller's `write`).
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { CheckpointError, finiteNumber, knownOptions, OptionError, show, wholeNumber } from "../support/index.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpointParts } from "./checkpoint.ts";
import type { Factorizer } from "./factorizer.ts";
import type { Validation } from "./validation-watch.ts";
import { version } from "./version.ts";

/** Seconds between checkpoints where neither passes nor seconds are stated. */
const DEFAULT_SECONDS = 30;

/** What `write` is told about a checkpoint. */
export interface CheckpointInfo {
  /** Passes made */
  readonly passes: number;
  /**
   * `start`: before the first pass of this call, so that an unwritable place is known before hours of training;
   * `due`: its time has come; `stopped`: the caller's signal has fired; `end`: the training is done, also where
   * what was resumed had no pass left to make
   */
  readonly reason: "start" | "due" | "stopped" | "end";
}

/** With both `every` and `seconds`, a checkpoint is written when either says so; with neither, every 30 seconds. */
export interface CheckpointOptions {
  /** After every so many passes, at least 1 */
  readonly every?: number | undefined;
  /** After the first pass that ends so long after the last checkpoint, ≥ 0 */
  readonly seconds?: number | undefined;
  /**
   * Keeps a checkpoint, in one piece or not at all: `parts` one after another are what `decodeCheckpoint` reads. Training
   * goes on meanwhile, except for `start`, `stopped` and `end`. When it rejects, the training ends with that error.
   */
  write(parts: readonly Uint8Array[], info: CheckpointInfo): Promise<void>;
}

const optionNames: readonly (keyof CheckpointOptions)[] = ["every", "seconds", "write"];

/** Calls `write` when it is time, one at a time. */
export class CheckpointWriter {
  readonly #options: CheckpointOptions;
  readonly #every: number | undefined;
  readonly #seconds: number | undefined;
  #writing: Promise<void> | undefined;
  #failure: { readonly cause: unknown } | undefined;
  #passes = 0;
  #at = performance.now();

  /** @throws OptionError */
  constructor(options: CheckpointOptions) {
    const who = "checkpoint";
    knownOptions(who, options, optionNames);
    if (typeof options.write !== "function") {
      throw new OptionError(who, "write", options.write, "a function that keeps the bytes of a checkpoint");
    }
    const { every, seconds } = options;
    this.#options = options;
    this.#every = every === undefined ? undefined : wholeNumber(who, "every", every, 1, Number.MAX_SAFE_INTEGER);
    this.#seconds =
      seconds !== undefined
        ? finiteNumber(who, "seconds", seconds, 0)
        : every === undefined
          ? DEFAULT_SECONDS
          : undefined;
  }

  /** The first pass after `pass` at which a checkpoint is due for certain. */
  nextAfter(pass: number): number {
    return this.#every === undefined ? Number.POSITIVE_INFINITY : (Math.floor(pass / this.#every) + 1) * this.#every;
  }

  /** After some passes: writes if it is time, without waiting for the end of it. @throws what an earlier `write` threw */
  async after(passes: number, make: () => Checkpoint): Promise<void> {
    this.#throwFailure();
    if (passes >= this.nextAfter(this.#passes)) await this.#writing;
    else if (this.#writing !== undefined || !this.#timeIsUp()) return;
    this.#throwFailure();
    this.#write(make(), "due");
  }

  /** Writes now and waits for it. */
  async now(reason: CheckpointInfo["reason"], make: () => Checkpoint): Promise<void> {
    await this.#writing;
    // The one that failed before does not matter any more where this one succeeds.
    this.#failure = undefined;
    this.#write(make(), reason);
    await this.#writing;
    this.#throwFailure();
  }

  /** Resolves when nothing is being written any more; for the end of a training that failed. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #timeIsUp(): boolean {
    return this.#seconds !== undefined && performance.now() - this.#at >= 1000 * this.#seconds;
  }

  #write(checkpoint: Checkpoint, reason: CheckpointInfo["reason"]): void {
    const { passes } = checkpoint;
    this.#passes = passes;
    const written = this.#options.write(encodeCheckpointParts(checkpoint), { passes, reason });
    const done = () => {
      this.#writing = undefined;
      this.#at = performance.now();
    };
    this.#writing = Promise.resolve(written).then(done, (cause) => {
      done();
      this.#failure = { cause };
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

/** What a training is, for the question whether a checkpoint is of it. */
interface Resuming {
  readonly ratings: Ratings;
  readonly method: Factorizer<Model>;
  readonly seed: number;
  readonly validation: Validation | undefined;
  readonly kernels: Kernels;
  /** Go on with another build or version too, and give up the same bytes */
  readonly acrossBuilds: boolean;
}

/**
 * The checkpoint, if this training would have come by it. The number of passes may be another one: not below those made,
 * and only where a pass does not depend on it.
 *
 * @param given a checkpoint or the bytes of one
 * @throws CheckpointError that names everything that differs (`facts.differs`); OptionError when it is no checkpoint
 */
export function checkResumed(given: unknown, training: Resuming): Checkpoint {
  const checkpoint = checkpointOf(given);
  const found = differences(checkpoint, training);
  const { method } = training;
  if (found.length > 0) {
    throw new CheckpointError(
      `${method.name}: the checkpoint is of another training: ${found.map(({ sentence }) => sentence).join("; ")}; ` +
        "ask for what stands there, or begin anew without resuming",
      { method: method.name, differs: found.map(({ what }) => what) },
    );
  }
  if (checkpoint.passes > method.passes) {
    throw new CheckpointError(
      `${method.name}: the checkpoint holds ${checkpoint.passes} ${method.passName} already; ` +
        `ask for as many or more, not ${method.passes}`,
      { method: method.name, passes: checkpoint.passes, asked: method.passes },
    );
  }
  return checkpoint;
}

function checkpointOf(given: unknown): Checkpoint {
  if (given instanceof Uint8Array) return decodeCheckpoint(given);
  if (typeof given === "object" && given !== null && "state" in given && "loss" in given) return given as Checkpoint;
  throw new OptionError("factorize", "resume", given, "a checkpoint or the bytes of one");
}

interface Difference {
  readonly what: string;
  readonly sentence: string;
}

function differences(checkpoint: Checkpoint, training: Resuming): Difference[] {
  const { ratings, method, seed, kernels } = training;
  const found: Difference[] = [];
  const compare = (what: string, there: unknown, here: unknown, remedy = "") => {
    if (there !== here)
      found.push({ what, sentence: `${what} is ${show(there)} there and ${show(here)} here${remedy}` });
  };
  if (checkpoint.dataHash !== ratings.hash) {
    const sentence =
      `the ratings are not the same (${checkpoint.dataHash} there, ${ratings.hash} here); ` +
      "train on those it was made with, read and split in the same way";
    found.push({ what: "ratings", sentence });
  }
  compare("method", checkpoint.method, method.name);
  if (checkpoint.method === method.name) found.push(...optionDifferences(checkpoint, method));
  compare("seed", checkpoint.seed, seed);
  found.push(...validationDifferences(checkpoint.validation, training.validation));
  compare("backend", checkpoint.backend, kernels.backend);
  if (!training.acrossBuilds) {
    const remedy = ", which may give other bytes; resume with resumeAcrossBuilds if that does not matter";
    if (checkpoint.backend === kernels.backend) compare("build", checkpoint.build, kernels.build, remedy);
    compare("version", checkpoint.version, version, remedy);
  }
  return found;
}

function optionDifferences({ options }: Checkpoint, method: Factorizer<Model>): Difference[] {
  const names = new Set([...Object.keys(options), ...Object.keys(method.options)]);
  const found: Difference[] = [];
  const thereIs = (name: string) => (Object.hasOwn(options, name) ? options[name] : undefined);
  const isOther = (name: string) => JSON.stringify(thereIs(name)) !== JSON.stringify(method.options[name]);
  for (const name of names) {
    if (!isOther(name)) continue;
    const [there, here] = [thereIs(name), method.options[name]];
    if (name === method.passName && method.passesMatter === undefined) continue;
    if (name === "unit" && isOther("learningRate")) continue; // follows from it
    const why =
      name === method.passName
        ? `, and each pass depends on it (${method.passesMatter}): ask for ${shown(there)} ${name}, or begin anew with schedule: "constant"`
        : name === "unit"
          ? ", which learningRate, where it is given, sets to 1"
          : "";
    found.push({ what: name, sentence: `${name} is ${shown(there)} there and ${shown(here)} here${why}` });
  }
  return found;
}

/** Lists and objects as JSON: `show` would call two different ones alike. */
function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : show(value);
}

function validationDifferences(there: Checkpoint["validation"], here: Validation | undefined): Difference[] {
  if (there === undefined && here === undefined) return [];
  const figure = (validation: { readonly name: string } | undefined) => validation?.name ?? "nothing";
  if (there === undefined || here === undefined || there.name !== here.name || there.better !== here.better) {
    return [{ what: "validation", sentence: `${figure(there)} is watched there and ${figure(here)} here` }];
  }
  const found: Difference[] = [];
  const compare = (what: string, thereIs: unknown, hereIs: unknown) => {
    if (thereIs === hereIs) return;
    found.push({ what, sentence: `${what} is ${show(thereIs)} there and ${show(hereIs)} here` });
  };
  compare("every", there.every, here.every ?? 1);
  compare("patience", there.patience, here.patience);
  if (there.dataHash !== here.dataHash) {
    found.push({ what: "held-out data", sentence: "the held-out data are not the same" });
  }
  return found;
}
