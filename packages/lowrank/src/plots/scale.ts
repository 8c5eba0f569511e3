/**
 * Axes: values come in, a range, places on it from 0 to 1, and marks at round numbers with their texts go out. Only operations
 * that every engine computes alike, so the same chart is the same text everywhere.
 */
import { DataError, OptionError } from "@lowrank/core";
import { exponential, logarithm, show } from "@lowrank/core/support";

export interface Tick {
  readonly value: number;
  readonly text: string;
}

/** An axis with everything settled. */
export interface Range {
  readonly scale: "linear" | "log";
  readonly from: number;
  readonly to: number;
  /** Ascending, all within the range */
  readonly ticks: readonly Tick[];
}

interface Wishes {
  readonly scale?: "linear" | "log" | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly ticks?: readonly number[] | undefined;
}

/** Where an axis is, and about how many marks it has room for. */
export interface Place {
  readonly who: string;
  readonly side: "x" | "y";
  readonly marks: number;
}

interface Named {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/**
 * The range of an axis. A vertical linear one is widened to round numbers, a logarithmic one by a little room.
 *
 * @throws DataError for values that are not finite, or cannot be on this axis, with their place
 */
export function rangeOf(wishes: Wishes, all: readonly Named[], place: Place): Range {
  const { who, side } = place;
  const scale = wishes.scale ?? "linear";
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const asked = [wishes.from, wishes.to, ...(wishes.ticks ?? [])].filter((value) => value !== undefined);
  for (const { name, values } of [...all, { name: "the axis", values: asked }]) {
    for (let at = 0; at < values.length; at++) {
      const value = values[at];
      const problem = problemOf(value, scale, wishes);
      if (problem !== undefined)
        throw new DataError(`${who}: ${side} ${at + 1} of ${name} is ${show(value)}; ${problem}`, {
          side,
          series: name,
          position: at + 1,
          got: value,
        });
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const [from, to] = scale === "log" ? logEnds(low, high, wishes) : linearEnds(low, high, wishes, place);
  if (!(from < to)) throw new OptionError(who, `${side}.from`, from, `below ${side}.to, ${to}`);
  const values =
    wishes.ticks ?? (scale === "log" ? logTicks(from, to, place.marks) : linearTicks(from, to, place.marks));
  return {
    scale,
    from,
    to,
    ticks: labelled(
      [...values].sort((a, b) => a - b),
      scale,
    ),
  };
}

function problemOf(value: unknown, scale: "linear" | "log", { from, to }: Wishes): string | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return "give finite numbers, and leave out what is missing";
  if (scale === "log" && value <= 0)
    return 'a logarithmic axis needs numbers above 0: take scale "linear", or leave it out';
  if ((from !== undefined && value < from) || (to !== undefined && value > to))
    return `it lies outside the axis, ${from ?? "…"} to ${to ?? "…"}`;
  return undefined;
}

function linearEnds(low: number, high: number, { from, to }: Wishes, { side, marks }: Place): [number, number] {
  // A single value gets room on both sides.
  const room = low < high ? 0 : Math.max(Math.abs(low) / 10, 1e-9) || 1;
  const ends: [number, number] = [from ?? low - room, to ?? high + room];
  if (side === "x" || !(ends[0] < ends[1])) return ends;
  const step = stepOf(ends[0], ends[1], marks);
  return [from ?? step * Math.floor(ends[0] / step), to ?? step * Math.ceil(ends[1] / step)].map(clean) as [
    number,
    number,
  ];
}

function logEnds(low: number, high: number, { from, to }: Wishes): [number, number] {
  if (low === high) return [from ?? low / 2, to ?? high * 2];
  const room = exponential(0.04 * (logarithm(high) - logarithm(low)));
  return [from ?? clean(low / room), to ?? clean(high * room)];
}

/** 1, 2 or 5 times a power of ten: the step that gives about so many marks. */
function stepOf(from: number, to: number, marks: number): number {
  const rough = (to - from) / marks;
  const power = Number(`1e${exponentOf(rough)}`);
  const mantissa = rough / power;
  return power * (mantissa < 1.42 ? 1 : mantissa < 3.17 ? 2 : mantissa < 7.08 ? 5 : 10);
}

/** k for numbers from 10^k to below 10^(k + 1), exactly. */
const exponentOf = (value: number) => Number(value.toExponential().split("e")[1]);

/** Without the dust that multiples of 0.1 leave. */
const clean = (value: number) => Number(value.toPrecision(12)) + 0;

function linearTicks(from: number, to: number, marks: number): number[] {
  const step = stepOf(from, to, marks);
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step - 1e-9); at * step <= to + 1e-9 * step; at++) ticks.push(clean(at * step));
  return ticks;
}

/** Powers of ten; with 2 and 5 times them where there are few; round numbers within less than a decade. */
function logTicks(from: number, to: number, marks: number): number[] {
  const [first, last] = [exponentOf(from), exponentOf(to)];
  const every = Math.ceil((last - first) / (marks + 2)) || 1;
  const within = (value: number) => value >= from && value <= to;
  const powers: number[] = [];
  const finer: number[] = [];
  for (let k = first; k <= last; k++) {
    if (k % every === 0) powers.push(Number(`1e${k}`));
    for (const digit of [1, 2, 5]) finer.push(Number(`${digit}e${k}`));
  }
  if (powers.filter(within).length >= 4) return powers.filter(within);
  return finer.filter(within).length >= 3 ? finer.filter(within) : linearTicks(from, to, marks);
}

/** All texts with as many decimals as the finest needs; a logarithmic axis gives each its own. */
function labelled(values: readonly number[], scale: "linear" | "log"): Tick[] {
  const largest = Math.max(...values.map(Math.abs));
  const isPlain = largest < 1e7 && (largest >= 1e-4 || largest === 0);
  if (scale === "log" || !isPlain) return values.map((value) => ({ value, text: numberText(value) }));
  const decimals = Math.min(8, Math.max(...values.map(decimalsOf)));
  return values.map((value) => ({ value, text: grouped(value.toFixed(decimals)) }));
}

/** Digits after the decimal point. */
function decimalsOf(value: number): number {
  const [digits, exponent] = value.toExponential().split("e");
  return Math.max(0, (digits.split(".")[1]?.length ?? 0) - Number(exponent));
}

/** A number for people: `1,000`, `0.05`, `10⁻⁶`, `2.5×10⁷`. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e7)) return grouped(String(Number(value.toPrecision(6)) + 0));
  const [digits, exponent] = Number(value.toPrecision(4)).toExponential().split("e");
  const power = `10${superscript(Number(exponent))}`;
  return digits === "1" ? power : `${digits.replace("-", "−")}×${power}`;
}

function superscript(exponent: number): string {
  return [...String(exponent)].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)])).join("");
}

/** Commas between thousands, and a real minus sign. */
function grouped(text: string): string {
  const [whole, rest] = text.split(".");
  const body = whole.replace("-", "−").replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? body : `${body}.${rest}`;
}

/** Where a value lies: 0 at the beginning of the axis, 1 at its end. Ascends with the value. */
export function placeOf({ scale, from, to }: Range, value: number): number {
  if (scale === "linear") return (value - from) / (to - from);
  return (logarithm(value) - logarithm(from)) / (logarithm(to) - logarithm(from));
}
