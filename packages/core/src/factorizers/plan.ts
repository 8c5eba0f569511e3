/**
 * What a training would take, before it is begun: bytes by what they are for, seconds by a trial on part of the users.
 *
 * The bytes of kernel memory are those that a training opens, to the byte: they come of the same layout. The seconds are measured here, with
 * the method itself: passes on two samples of whole histories give a line, work that grows with the ratings and work that every item
 * brings, and the line is followed to all ratings. Not here: the training (train.ts).
 */
import {
  arrayBytes,
  type EngineOptions,
  engineOptionNames,
  type Kernels,
  kernelsFor,
  type Layout,
} from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { type Ratings, someHistories } from "../ratings/index.ts";
import {
  AbortedError,
  finiteNumber,
  knownOptions,
  LowrankError,
  throwIfAborted,
  trueOrFalse,
} from "../support/index.ts";
import { checkArguments } from "./arguments.ts";
import type { Factorizer, PassName } from "./factorizer.ts";

export interface PlanOptions extends EngineOptions {
  /** Bytes that the training may take, ratings included, at least 1. Left out: what kernel memory holds is the only limit */
  readonly memory?: number | undefined;
  /** Measure a trial, some seconds at most where passes are short, for `seconds`. Default true */
  readonly trial?: boolean | undefined;
  /** Looked at between passes and within long ones */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes, by what they are for. The process itself, 50 to 100 MB in Node, and what a reader of files leaves behind are not in it. */
export interface PlannedBytes {
  /** The arrays of the ratings as they are, without ids */
  readonly ratings: number;
  /** One block, opened for the training */
  readonly kernel: {
    /** Factors, and what is kept beside each, such as an optimizer's moments */
    readonly tables: number;
    /** The method's own copies of the ratings, in the order that it works in */
    readonly ratings: number;
    /** What is kept for each row, and for the whole */
    readonly other: number;
    /** For the kernels' own use, most of it for each thread */
    readonly scratch: number;
    readonly total: number;
    /** Of `ratings`, what lies beside the block because the block would be too large with it; 0 where everything fits */
    readonly outside: number;
  };
  /** The model, a copy that outlives kernel memory; validation and checkpoints keep one more each */
  readonly model: number;
  /** What else stands outside kernel memory while the method trains */
  readonly host: number;
  readonly total: number;
}

/** Seconds of a training, without validation, certificate and checkpoints. */
export interface PlannedSeconds {
  /** Until the first pass; undefined where the seconds are known of the whole only */
  readonly prepare: number | undefined;
  readonly pass: number | undefined;
  /** With all passes; methods that may end before take less */
  readonly total: number;
  /** Ratings of the largest trial; undefined: the operations were counted instead */
  readonly trial: number | undefined;
}

/** A limit that the training would meet. */
export interface PlanObstacle {
  /** `kernel-memory`: what one block of the backend can hold; `memory`: what was allowed */
  readonly code: "kernel-memory" | "memory";
  readonly bytes: number;
  readonly limit: number;
  /** What is too much, and what to do */
  readonly message: string;
}

export interface TrainingPlan {
  readonly method: string;
  /** What `auto` takes for these ratings is stated where it decides how rows are solved */
  readonly options: Readonly<Record<string, unknown>>;
  readonly passName: PassName;
  readonly passes: number;
  /** Backend, build and threads, as a sentence */
  readonly kernels: string;
  readonly threads: number;
  readonly users: number;
  readonly items: number;
  readonly ratings: number;
  readonly bytes: PlannedBytes;
  /** Undefined where no trial was made, or where it failed: `untimed` says why */
  readonly seconds: PlannedSeconds | undefined;
  readonly untimed: string | undefined;
  /** Empty: the training fits */
  readonly obstacles: readonly PlanObstacle[];
}

const optionNames: readonly (keyof PlanOptions)[] = [...engineOptionNames, "memory", "trial", "signal"];

/**
 * Says what `factorize` with these ratings, method and engine would take.
 *
 * @throws OptionError for arguments and options that are unknown, out of range or in conflict; AbortedError
 */
export async function plan(
  ratings: Ratings,
  method: Factorizer<Model>,
  options: PlanOptions = {},
): Promise<TrainingPlan> {
  checkArguments("plan", ratings, method);
  knownOptions("plan", options, optionNames);
  const trial = trueOrFalse("plan", "trial", options.trial ?? true);
  const memory =
    options.memory === undefined
      ? undefined
      : finiteNumber("plan", "memory", options.memory, 1, Number.MAX_SAFE_INTEGER);
  throwIfAborted("plan", options.signal);
  const kernels = await kernelsFor("plan", options);
  const settled = method.settledFor?.(ratings) ?? method;
  const bytes = bytesOf(ratings, settled, kernels);
  const timed = trial ? await timeOf(ratings, settled, kernels, options.signal) : undefined;
  return {
    method: method.name,
    options: settled.options,
    passName: method.passName,
    passes: method.passes,
    kernels: kernels.reason,
    threads: kernels.threads,
    users: ratings.users.size,
    items: ratings.items.size,
    ratings: ratings.size,
    bytes,
    seconds: typeof timed === "string" ? undefined : timed,
    untimed: typeof timed === "string" ? timed : undefined,
    obstacles: obstaclesOf(bytes, settled, kernels, memory),
  };
}

function bytesOf(ratings: Ratings, method: Factorizer<Model>, kernels: Kernels): PlannedBytes {
  const { users, items, byUser, size } = ratings;
  const { start, index, value, time } = byUser;
  const own = [start, index, value, time].reduce((sum, array) => sum + (array?.byteLength ?? 0), 0);
  const kernel = kernelBytes(size, method, ratings, kernels);
  const model = method.modelBytes?.(ratings) ?? 4 * (users.size + items.size) * ((method.rank ?? 0) + 1);
  const host = method.hostBytes?.(ratings) ?? 0;
  return { ratings: own, kernel, model, host, total: own + kernel.total + model + host };
}

/** The parts of the layout that the method asks the size of. */
function kernelBytes(
  size: number,
  method: Factorizer<Model>,
  ratings: Ratings,
  kernels: Kernels,
): PlannedBytes["kernel"] {
  let layout: Layout = {};
  const total = method.bytesFor(ratings, {
    ...kernels,
    bytesFor: (asked) => {
      layout = asked;
      return kernels.bytesFor(asked);
    },
  });
  const sums = { tables: 0, ratings: 0, other: 0 };
  const bytes = arrayBytes(layout, kernels);
  for (const [name, slot] of Object.entries(layout)) {
    if ("rank" in slot) sums.tables += bytes[name];
    else sums[slot.length > 0 && slot.length % size === 0 ? "ratings" : "other"] += bytes[name];
  }
  const scratch = total - sums.tables - sums.ratings - sums.other;
  return { ...sums, scratch, total, outside: total === 0 ? 0 : total - kernels.addressedBytes(layout) };
}

/** Where trials begin, how much larger the next is, and when a pass is long enough to go by; where the first is, a smaller one follows. */
const FIRST_TRIAL = 100_000;
const TRIAL_GROWTH = 4;
const LONG_PASS = 0.25; // seconds

interface Trial {
  readonly ratings: number;
  readonly prepare: number;
  readonly pass: number;
}

/** Seconds, or why there are none. */
async function timeOf(
  ratings: Ratings,
  method: Factorizer<Model>,
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<PlannedSeconds | string> {
  const counted = method.secondsFor?.(ratings, kernels);
  if (counted !== undefined) return { prepare: undefined, pass: undefined, total: counted, trial: undefined };
  try {
    let before: Trial | undefined;
    let last: Trial | undefined;
    for (let wanted = FIRST_TRIAL; last === undefined || last.pass < LONG_PASS; wanted *= TRIAL_GROWTH) {
      const sample = someHistories(ratings, wanted);
      if (last === undefined) await timed(sample, method, kernels, signal); // code and memory are cold
      before = last;
      last = await timed(sample, method, kernels, signal);
      if (sample === ratings) break;
    }
    // Every item is in each sample: of one long trial alone its work would be multiplied with the ratings.
    if (before === undefined && last.ratings < ratings.size) {
      before = await timed(someHistories(ratings, FIRST_TRIAL / TRIAL_GROWTH), method, kernels, signal);
    }
    const at = (figure: "prepare" | "pass") => following(ratings.size, figure, before, last as Trial);
    const [prepare, pass] = [at("prepare"), at("pass")];
    return { prepare, pass, total: prepare + method.passes * pass, trial: last?.ratings };
  } catch (error) {
    if (error instanceof LowrankError && !(error instanceof AbortedError)) return error.message;
    throw error;
  }
}

/** The line through two trials, at so many ratings; in proportion to the ratings where there is one trial, or noise between them. */
function following(ratings: number, figure: "prepare" | "pass", before: Trial | undefined, last: Trial): number {
  const each = before === undefined ? 0 : (last[figure] - before[figure]) / (last.ratings - before.ratings);
  if (each <= 0) return (last[figure] * ratings) / last.ratings;
  return last[figure] + each * (ratings - last.ratings);
}

/** The faster of two passes, or of as many as the method has. */
async function timed(
  ratings: Ratings,
  method: Factorizer<Model>,
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<Trial> {
  const started = performance.now();
  const run = await method.start(ratings, kernels, 0, undefined, signal);
  try {
    const prepare = since(started);
    let pass = Number.POSITIVE_INFINITY;
    for (let n = 0; n < Math.min(2, method.passes) && run.finished !== true; n++) {
      throwIfAborted("plan", signal);
      const began = performance.now();
      await run.passes(1, signal);
      pass = Math.min(pass, since(began));
    }
    return { ratings: ratings.size, prepare, pass };
  } finally {
    run.close();
  }
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}

function obstaclesOf(
  { kernel, total }: PlannedBytes,
  { rank }: Factorizer<Model>,
  { mostBytes }: Kernels,
  memory: number | undefined,
): PlanObstacle[] {
  const found: PlanObstacle[] = [];
  const add = (code: PlanObstacle["code"], what: string, bytes: number, limit: number) => {
    if (bytes <= limit) return;
    const message = `${what} ${gigabytes(bytes)}, and ${gigabytes(limit)} is the most; ${remedy(kernel, rank, bytes - limit)}`;
    found.push({ code, bytes, limit, message });
  };
  add("kernel-memory", "kernel memory would take", kernel.total - kernel.outside, mostBytes);
  if (memory !== undefined) add("memory", "the training would take", total, memory);
  return found;
}

/** What would take less: a rank at which the tables have shrunk by as much, where there is one, or fewer ratings. */
function remedy({ tables }: PlannedBytes["kernel"], rank: number | undefined, excess: number): string {
  const fewer = "leave out users and items with few ratings";
  if (rank === undefined || excess >= tables) return fewer;
  const lower = 16 * Math.floor((rank * (1 - excess / tables)) / 16);
  return lower >= 16 ? `a rank of ${lower} would fit, or ${fewer}` : `a lower rank takes less, or ${fewer}`;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toPrecision(3)} MB` : `${(bytes / 1e9).toPrecision(3)} GB`;
}
