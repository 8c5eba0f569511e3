/** What a training would take, said before it: `fit --plan`; and `--memory`, which refuses one that would take more. */
import {
  type Factorizer,
  LowrankError,
  type Model,
  type PlannedBytes,
  plan,
  type Ratings,
  type TrainingPlan,
} from "@lowrank/core";
import type { Command } from "commander";
import { type EngineFlags, size } from "./flags.ts";
import { aPass, bytes, count, counted, duration, factLines } from "./format.ts";
import { type ChosenMethod, settingsSentence, settingText } from "./settings.ts";
import type { Job } from "./shell.ts";

export function addPlanFlags(command: Command): Command {
  return command
    .optionsGroup("Before the training:")
    .option("--plan", "read the ratings, say what memory and time the training would take, and end: nothing is written")
    .option(
      "--memory <size>",
      "refuse a training that would take more than this, the process included: 2GB, 500MB",
      size("--memory"),
    );
}

type Engine = Pick<EngineFlags, "threads" | "backend"> & { reproducible?: true };

/** Prints the plan of a training on these ratings. */
export async function tellPlan(
  job: Job,
  ratings: Ratings,
  chosen: ChosenMethod,
  engine: Engine,
  memory: number | undefined,
): Promise<void> {
  const { output, signal } = job;
  const { method, reason } = chosen;
  output.say(`Planning ${method.name}${reason === undefined ? "" : `, because ${reason}`}`);
  output.say(`  ${settingsSentence(method)}`);
  const { made, besides } = await planWithin(memory, ratings, method, engine, { signal });
  const peakBytes = besides + made.bytes.total;
  output.print(...factLines(planFacts(made, method, besides, memory), output.width));
  for (const { message } of made.obstacles) output.warn(message);
  output.json({ plan: made, reason, processBytes: besides, peakBytes, memory, fits: made.obstacles.length === 0 });
}

/** @throws LowrankError `memory` for a training that would take more, all that the process holds included */
export async function refuseAbove(
  memory: number,
  ratings: Ratings,
  method: Factorizer<Model>,
  engine: Engine,
  signal: AbortSignal,
): Promise<void> {
  const { made, besides } = await planWithin(memory, ratings, method, engine, { trial: false, signal });
  const [obstacle] = made.obstacles;
  if (obstacle === undefined) return;
  throw new LowrankError(
    "memory",
    `${obstacle.message}; --memory ${bytes(memory)} includes ${bytes(besides)} of the process beside the ratings, ` +
      "and --plan says what takes how much",
    { memory, processBytes: besides, planned: made.bytes },
  );
}

/** A plan, held against what is left of `memory` when the process has had its share. */
async function planWithin(
  memory: number | undefined,
  ratings: Ratings,
  method: Factorizer<Model>,
  engine: Engine,
  more: { readonly trial?: boolean; readonly signal: AbortSignal },
): Promise<{ made: TrainingPlan; besides: number }> {
  // Looked at before the trial, which leaves traces of its own.
  const besides = processBytes(ratings);
  const left = memory === undefined ? undefined : memory - besides;
  if (left === undefined || left >= 1) {
    const allowed = left === undefined ? {} : { memory: left };
    return { made: await plan(ratings, method, { ...engine, ...allowed, ...more }), besides };
  }
  const made = await plan(ratings, method, { ...engine, ...more });
  const needed = besides + made.bytes.total;
  const message = `the process alone takes ${bytes(besides)} beside the ratings, the training ${bytes(made.bytes.total)}: allow at least ${bytes(needed)}`;
  const obstacle = { code: "memory", bytes: needed, limit: memory as number, message } as const;
  return { made: { ...made, obstacles: [...made.obstacles, obstacle] }, besides };
}

/** What a training adds beside its arrays: compiled kernels, workers, and garbage not yet collected. Measured: 19 to 31 MB on MovieLens. */
const RUNNING_BYTES = 32e6;

/** What the process takes beside the ratings: the engine, the code, what reading left behind, and what running adds. */
function processBytes(ratings: Ratings): number {
  return process.memoryUsage.rss() - ratingsBytes(ratings) + RUNNING_BYTES;
}

function ratingsBytes({ byUser }: Ratings): number {
  const { start, index, value, time } = byUser;
  return start.byteLength + index.byteLength + value.byteLength + (time?.byteLength ?? 0);
}

function planFacts(
  made: TrainingPlan,
  method: Factorizer<Model>,
  besides: number,
  memory: number | undefined,
): [string, string][] {
  const { bytes: parts, seconds, untimed, passes, passName } = made;
  const pass = passName.slice(0, -1);
  const most = method.mayEndEarly ? "at most " : "";
  const solver = made.options.solver;
  return [
    [
      "training on",
      `${counted(made.ratings, "rating")} of ${counted(made.users, "user")} and ${counted(made.items, "item")}`,
    ],
    ...(typeof solver === "string"
      ? [["solver", settingText("solver", solver).replace("solver ", "")] as [string, string]]
      : []),
    ["engine", made.kernels],
    ["ratings", `${bytes(parts.ratings)}, ${perRating(parts.ratings, made)}`],
    ["kernel memory", `${bytes(parts.kernel.total)}: ${kernelParts(parts.kernel, made)}`],
    ["model", bytes(parts.model)],
    ...(parts.host > 0 ? [["on the way", bytes(parts.host)] as [string, string]] : []),
    ["process", `${bytes(besides)} beside the ratings, what running adds included`],
    [
      "peak",
      `about ${bytes(besides + parts.total)}${memory === undefined ? "" : `, ${bytes(memory)} allowed`}; ` +
        (made.obstacles.length === 0 ? "it fits" : "it does not fit"),
    ],
    ...(seconds?.pass === undefined ? [] : [[aPass(pass), `about ${duration(seconds.pass)}`] as [string, string]]),
    [
      "training",
      seconds === undefined
        ? `not known: ${untimed}`
        : `about ${most}${duration(seconds.total)}${passes > 1 ? ` for ${count(passes)} ${passName}` : ""}, ` +
          (seconds.trial === undefined ? "by its operations" : trialText(seconds.trial, made)),
    ],
  ];
}

function trialText(trial: number, { ratings }: TrainingPlan): string {
  return trial === ratings ? "tried on all ratings" : `tried on ${count(trial)} of the ratings`;
}

function perRating(part: number, { ratings }: TrainingPlan): string {
  return `${(part / ratings).toFixed(1)} bytes a rating`;
}

function kernelParts({ tables, ratings, other, scratch, outside }: PlannedBytes["kernel"], made: TrainingPlan): string {
  const beside = outside === 0 ? "" : `, ${bytes(outside)} beside the block`;
  return `tables ${bytes(tables)}, ratings ${bytes(ratings)} (${perRating(ratings, made)}${beside}), other ${bytes(other)}, scratch ${bytes(scratch)}`;
}
