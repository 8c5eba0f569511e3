/**
 * A method's options as a table: one row per option says its type, range, default and meaning. The same table checks what
 * callers pass, fills in defaults, and gives the command line its flags, so the three cannot drift apart.
 */
import { finiteNumber, knownOptions, OptionError, oneOf, show, trueOrFalse, wholeNumber } from "../support/index.ts";

/** What every row of a table has. */
export interface OptionRow {
  /** One line for a help text, without a full stop */
  readonly about: string;
  /** The option acts only when another option has one of these values; given otherwise, it is refused. */
  readonly when?: { readonly option: string; readonly is: readonly (string | boolean)[] };
}

export type OptionSpec = OptionRow &
  (
    | { readonly type: "whole"; readonly default: number; readonly min: number; readonly max: number }
    | {
        readonly type: "number";
        /** `auto`: the method derives the value from the ratings, as `auto` says */
        readonly default: number | "auto";
        readonly auto?: string;
        readonly min: number;
        readonly max: number;
      }
    | { readonly type: "choice"; readonly default: string; readonly choices: readonly string[] }
    | { readonly type: "flag"; readonly default: boolean }
    | {
        /** Whole numbers, each from `min` to `max`, at least one and at most `most` of them */
        readonly type: "wholes";
        readonly default: readonly number[];
        readonly min: number;
        readonly max: number;
        readonly most: number;
      }
  );

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** What a table's options look like once every default is filled in. */
export type Resolved<T extends OptionTable> = {
  readonly [Name in keyof T]: T[Name] extends { type: "choice"; choices: readonly (infer Word)[] }
    ? Word
    : T[Name] extends { type: "flag" }
      ? boolean
      : T[Name] extends { type: "wholes" }
        ? readonly number[]
        : T[Name] extends { default: "auto" }
          ? number | "auto"
          : number;
};

/**
 * Checks the given options against the table and fills in the defaults.
 *
 * @throws OptionError for an unknown name, a wrong type, a value out of range, or an option that cannot act beside the others
 */
export function resolveOptions<const T extends OptionTable>(who: string, table: T, given: object): Resolved<T> {
  knownOptions(who, given, Object.keys(table));
  const values = given as Record<string, unknown>;
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    resolved[name] = values[name] === undefined ? spec.default : checkedNumber(who, name, spec, values[name]);
  }
  for (const [name, { when }] of Object.entries<OptionSpec>(table)) {
    if (when === undefined || values[name] === undefined) continue;
    const other = resolved[when.option];
    if (!when.is.includes(other as string | boolean)) {
      const allowed = `left out when ${when.option} is ${show(other)}`;
      throw new OptionError(
        who,
        name,
        values[name],
        allowed,
        `it acts only with ${when.option} ${when.is.join(" or ")}`,
      );
    }
  }
  return resolved as Resolved<T>;
}

function wholeNumbers(
  who: string,
  name: string,
  value: unknown,
  { min, max, most }: OptionSpec & { readonly type: "wholes" },
): readonly number[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > most) {
    throw new OptionError(who, name, value, `a list of 1 to ${most} whole numbers`);
  }
  const wrong = value.findIndex((one) => !Number.isInteger(one) || one < min || one > max);
  if (wrong >= 0) throw new OptionError(who, name, value[wrong], `whole numbers from ${min} to ${max}`);
  return [...value];
}

/** A number out of its range is refused with what it is when nobody gives it. */
function checkedNumber(who: string, name: string, spec: OptionSpec, value: unknown): unknown {
  try {
    return checked(who, name, spec, value);
  } catch (error) {
    if (spec.type !== "number" || !(error instanceof OptionError)) throw error;
    throw new OptionError(who, name, value, error.allowed, `left out, it is ${spec.default}`);
  }
}

function checked(who: string, name: string, spec: OptionSpec, value: unknown): unknown {
  switch (spec.type) {
    case "whole":
      return wholeNumber(who, name, value, spec.min, spec.max);
    case "number":
      if (spec.auto === undefined) return finiteNumber(who, name, value, spec.min, spec.max);
      return value === "auto" ? value : finiteNumber(who, name, value, spec.min, spec.max, ', or "auto"');
    case "choice":
      return oneOf(who, name, value, spec.choices);
    case "flag":
      return trueOrFalse(who, name, value);
    case "wholes":
      return wholeNumbers(who, name, value, spec);
    default:
      return spec satisfies never;
  }
}
