/**
 * Learning-rate schedules: which share of the learning rate each pass has. Options in, a rate per pass out.
 *
 * With T passes, W of them warm-up, f = finalRate, and s = (t − 1 − W) / (T − 1 − W) from 0 to 1 over the passes t after
 * the warm-up (0 where only one is left):
 *
 *   warm-up       t ≤ W: t / (W + 1)
 *   constant      1
 *   linear        1 − (1 − f) s
 *   cosine        f + (1 − f) (1 + cos π s) / 2          (Loshchilov & Hutter, ICLR 2017, one period)
 *   exponential   f^s
 *   step          decayFactor^⌊(t − 1 − W) / decayEvery⌋
 */
import { cosineOfHalfTurns, OptionError, power } from "../support/index.ts";
import type { OptionTable, Resolved } from "./options.ts";

export const scheduleOptions = {
  schedule: {
    type: "choice",
    default: "constant",
    choices: ["constant", "linear", "cosine", "exponential", "step"],
    about: "how the learning rate goes over the passes",
  },
  finalRate: {
    type: "number",
    default: 0.01,
    min: 1e-6,
    max: 1,
    about: "learning rate of the last pass, as a share of the first",
    when: { option: "schedule", is: ["linear", "cosine", "exponential"] },
  },
  decayEvery: {
    type: "whole",
    default: 10,
    min: 1,
    max: 10_000_000,
    about: "passes from one step of the learning rate to the next",
    when: { option: "schedule", is: ["step"] },
  },
  decayFactor: {
    type: "number",
    default: 0.5,
    min: 1e-6,
    max: 1,
    about: "what each step multiplies the learning rate by",
    when: { option: "schedule", is: ["step"] },
  },
  warmup: {
    type: "whole",
    default: 0,
    min: 0,
    max: 10_000_000,
    about: "first passes, in which the learning rate rises",
  },
} as const satisfies OptionTable;

/** Options of a schedule; every one may be left out. docs/gradient.md has the formulas. */
export interface ScheduleOptions {
  /** How the learning rate goes over the passes. Default constant; of sgd() and denseNet() linear */
  readonly schedule?: "constant" | "linear" | "cosine" | "exponential" | "step";
  /** Learning rate of the last pass as a share of the first, 10⁻⁶ to 1; linear, cosine, exponential. Default 0.01 */
  readonly finalRate?: number;
  /** Passes from one step to the next, 1 to 10⁷; step. Default 10 */
  readonly decayEvery?: number;
  /** What each step multiplies the rate by, 10⁻⁶ to 1; step. Default 0.5 */
  readonly decayFactor?: number;
  /** First passes, in which the rate rises, from 0 and fewer than there are. Default 0 */
  readonly warmup?: number;
}

type Schedule = Omit<Resolved<typeof scheduleOptions>, "schedule"> & {
  readonly schedule: NonNullable<ScheduleOptions["schedule"]>;
};

/** Learning rates of one training. */
export interface Rates {
  /** The learning rate of a pass, counted from 1. */
  at(pass: number): number;
  /** As Factorizer.passesMatter */
  readonly passesMatter: string | undefined;
}

/** @throws OptionError when no pass is left after the warm-up */
export function ratesOf(who: string, learningRate: number, schedule: Schedule, passes: number): Rates {
  const { warmup } = schedule;
  if (warmup >= passes) throw new OptionError(who, "warmup", warmup, `below the ${passes} passes in all`);
  const last = passes - 1 - warmup;
  const share = (done: number): number => (last === 0 ? 0 : done / last);
  return {
    at: (pass) => {
      if (pass <= warmup) return (learningRate * pass) / (warmup + 1);
      const done = pass - 1 - warmup;
      return learningRate * shareOf(schedule, done, share(done));
    },
    passesMatter: fixedCourse(schedule.schedule) ? undefined : `schedule ${schedule.schedule}`,
  };
}

/** @param done passes made since the warm-up @param s the same as a share of those there are, 0 to 1 */
function shareOf(schedule: Schedule, done: number, s: number): number {
  const f = schedule.finalRate;
  switch (schedule.schedule) {
    case "constant":
      return 1;
    case "linear":
      return 1 - (1 - f) * s;
    case "cosine":
      return f + ((1 - f) * (1 + cosineOfHalfTurns(s))) / 2;
    case "exponential":
      return power(f, s);
    case "step":
      return power(schedule.decayFactor, Math.floor(done / schedule.decayEvery));
    default:
      return schedule.schedule satisfies never;
  }
}

/** Whether a pass has its rate whatever the number of passes in all. */
function fixedCourse(schedule: Schedule["schedule"]): boolean {
  return schedule === "constant" || schedule === "step";
}
