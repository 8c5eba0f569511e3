/**
 * Method settings as flags: every option of every method's table is a flag (`biasRegularization` is
 * `--bias-regularization`), with the table's own meaning and defaults. A setting that the method does not have is refused
 * by name, also when the method was chosen from the data.
 */
import {
  type Factorizer,
  type MethodName,
  type Model,
  methods,
  type OptionSpec,
  type OptionTable,
  type Ratings,
  suggestMethod,
} from "@lowrank/core";
import { rounded } from "@lowrank/core/support";
import { type Command, Option } from "commander";
import { UsageError } from "./exit.ts";
import { real, realOrAuto, whole, wholes, word } from "./flags.ts";
import { listed } from "./format.ts";
import { inFlags, kebab, words } from "./words.ts";

const methodNames = Object.keys(methods) as MethodName[];

/** Settings the user gave, by option name. */
export type Settings = Readonly<Record<string, unknown>>;

/**
 * Adds `--method` and one flag for each setting of any method.
 *
 * @param without settings that the command has another flag for
 */
export function addMethodFlags(command: Command, without: readonly string[] = []): Command {
  const words = ["auto", ...methodNames] as const;
  command.optionsGroup("Method:");
  command.option(
    "--method <word>",
    "als for ratings, ials for clicks and counts; auto looks at the data (auto)",
    word("--method", words),
  );
  command.optionsGroup("Method settings (with the default of each method that has them):");
  for (const [name, owners] of settingOwners()) {
    if (!without.includes(name)) addSettingFlag(command, name, owners);
  }
  return command;
}

interface Owner {
  readonly method: MethodName;
  readonly spec: OptionSpec;
}

/** Every option name, with the methods that have it, in the order of the tables. */
function settingOwners(): Map<string, Owner[]> {
  const owners = new Map<string, Owner[]>();
  for (const method of methodNames) {
    for (const [name, spec] of Object.entries<OptionSpec>(methods[method].options)) {
      owners.set(name, [...(owners.get(name) ?? []), { method, spec }]);
    }
  }
  return owners;
}

function addSettingFlag(command: Command, name: string, owners: readonly Owner[]): void {
  const flag = `--${kebab(name)}`;
  const [{ spec }] = owners;
  const about = aboutSetting(owners);
  switch (spec.type) {
    case "whole":
      command.option(`${flag} <n>`, about, whole(flag));
      return;
    case "number":
      command.option<unknown>(`${flag} <number>`, about, (text, previous) =>
        takesAuto(owners) ? realOrAuto(flag)(text, previous as number) : real(flag)(text, previous as number),
      );
      return;
    case "choice": {
      const choices = [...new Set(owners.flatMap((owner) => (owner.spec.type === "choice" ? owner.spec.choices : [])))];
      command.option(`${flag} <word>`, `${choices.join(", ")}: ${about}`, word(flag, choices));
      return;
    }
    case "flag": {
      const isOn = spec.default;
      command.addOption(hiddenIf(isOn, new Option(flag, about)));
      command.addOption(hiddenIf(!isOn, new Option(flag.replace("--", "--no-"), `switch off: ${about}`)));
      return;
    }
    case "wholes":
      command.option(`${flag} <n,...>`, about, wholes(flag));
      return;
    default:
      spec satisfies never;
  }
}

const settingFlags = new Set(
  methodNames.flatMap((method) => Object.keys(methods[method].options).map((name) => `--${kebab(name)}`)),
);
const isSetting = (flag: string) => settingFlags.has(flag);

/** `latent dimension (als 32; ials 64)`, or what it means for each method where that differs. */
function aboutSetting(owners: readonly Owner[]): string {
  const [{ spec }] = owners;
  if (owners.every((owner) => owner.spec.about === spec.about)) {
    return `${inFlags(spec.about, isSetting)} (${owners.map((owner) => `${owner.method} ${shownDefault(owner.spec)}`).join("; ")})`;
  }
  return owners
    .map((owner) => `${owner.method}: ${inFlags(owner.spec.about, isSetting)} (${shownDefault(owner.spec)})`)
    .join("; ");
}

function shownDefault(spec: OptionSpec): string {
  if (spec.type === "number" && spec.default === "auto" && spec.auto !== undefined)
    return `auto: ${inFlags(spec.auto, isSetting)}`;
  return spec.type === "flag" ? (spec.default ? "yes" : "no") : String(spec.default);
}

/** Whether some method derives the value from the data when it is left out. */
function takesAuto(owners: readonly Owner[]): boolean {
  return owners.some(({ spec }) => spec.type === "number" && spec.default === "auto");
}

function hiddenIf(hide: boolean, option: Option): Option {
  return hide ? option.hideHelp() : option;
}

/** What the user stated about the method, checked as far as that goes before any file is read. */
export interface MethodRequest {
  readonly method: MethodName | "auto";
  readonly settings: Settings;
}

/**
 * Reads method and settings from a command's flags. Wrong values and inapplicable settings are refused here when the
 * method is stated; with `auto`, what no method would take is refused here and the rest when the method is known.
 */
export function methodRequest(flags: Readonly<Record<string, unknown>>): MethodRequest {
  const method = (flags.method ?? "auto") as MethodRequest["method"];
  const settings: Record<string, unknown> = {};
  for (const name of settingOwners().keys()) if (flags[name] !== undefined) settings[name] = flags[name];
  if (method !== "auto") {
    makeMethod(method, settings);
    return { method, settings };
  }
  const candidates = methodNames.filter((name) => foreignSettings(name, settings).length === 0);
  if (candidates.length === 0) {
    throw new UsageError(
      `no method has all of ${listed(Object.keys(settings).map((name) => `--${kebab(name)}`))}; ` +
        `run "lowrank fit --help" to see which setting belongs to which method`,
      { settings: Object.keys(settings) },
    );
  }
  const refusals = candidates.map((name) => refusal(() => makeMethod(name, settings)));
  if (!refusals.includes(undefined)) throw refusals[0];
  return { method, settings };
}

function refusal(make: () => unknown): unknown {
  try {
    make();
    return undefined;
  } catch (error) {
    return error;
  }
}

export interface ChosenMethod {
  readonly method: Factorizer<Model>;
  /** Why this one; undefined when the user stated it */
  readonly reason: string | undefined;
}

/** The method for these ratings: the one stated, or the one that the data suggest, with the user's settings. */
export function chooseMethod(request: MethodRequest, ratings: Ratings): ChosenMethod {
  const { method, settings } = request;
  if (method !== "auto") return { method: makeMethod(method, settings), reason: undefined };
  const suggestion = suggestMethod(ratings);
  const name = suggestion.name;
  const foreign = foreignSettings(name, settings);
  if (foreign.length > 0) {
    throw new UsageError(
      `${listed(foreign.map((option) => `--${kebab(option)}`))} ${foreign.length === 1 ? "is no setting" : "are no settings"} of ${name}, ` +
        `which suits these data: ${suggestion.reason}; leave ${foreign.length === 1 ? "it" : "them"} out, or state --method ${otherMethod(settings)}`,
      { method: name, settings: foreign },
    );
  }
  return { method: makeMethod(name, settings), reason: suggestion.reason };
}

/**
 * Refuses to hold ratings out of a matrix without holes where the method takes no other: the holes that it would speak of are not in
 * the data.
 *
 * @param instead what to do about the split, before other ways are offered
 * @throws UsageError
 */
export function refuseHoldingOut(method: Factorizer<Model>, ratings: Ratings, instead: string): void {
  if (method.options.missing !== "refuse" || !ratings.hasRatings || !ratings.isComplete) return;
  throw new UsageError(
    `the ratings held out would be missing, and ${method.name} takes a whole matrix, as these ratings are; ${instead}; ` +
      "or --missing zero counts those held out as 0, and --method als leaves them out",
    { method: method.name },
  );
}

function makeMethod(name: MethodName, settings: Settings): Factorizer<Model> {
  const foreign = foreignSettings(name, settings);
  if (foreign.length > 0) {
    const owners = methodNames.filter((method) => foreign[0] in methods[method].options);
    throw new UsageError(
      `--${kebab(foreign[0])} is a setting of ${listed(owners)}, and --method is ${name}; leave it out`,
      { method: name, setting: foreign[0] },
    );
  }
  return methods[name].make(settings);
}

/** @throws UsageError for a stated method without a rank, or settings of such methods only, for commands that set it */
export function needRank({ method, settings }: MethodRequest, command: string): void {
  const ranked = methodNames.filter(hasRank);
  const needs = `${command} needs one of ${ranked.join(", ")}`;
  if (method !== "auto") {
    if (!hasRank(method)) throw new UsageError(`--method ${method} has no rank; ${needs}`, { method });
    return;
  }
  if (ranked.some((name) => foreignSettings(name, settings).length === 0)) return;
  const names = Object.keys(settings).filter((name) => !ranked.some((one) => name in methods[one].options));
  const flags = names.map((name) => `--${kebab(name)}`);
  const one = flags.length === 1;
  throw new UsageError(
    flags.length === 0
      ? `no method with a rank has all of ${listed(Object.keys(settings).map((name) => `--${kebab(name)}`))}; ${needs}`
      : `${listed(flags)} ${one ? "is a setting" : "are settings"} of methods without a rank; leave ${one ? "it" : "them"} out: ${needs}`,
    { settings: names },
  );
}

function hasRank(method: MethodName): boolean {
  return "rank" in methods[method].options;
}

function foreignSettings(method: MethodName, settings: Settings): string[] {
  return Object.keys(settings).filter((name) => !(name in methods[method].options));
}

function otherMethod(settings: Settings): string {
  return methodNames.find((name) => foreignSettings(name, settings).length === 0) ?? methodNames[0];
}

/** Settings without those that others keep from acting: `batchSize` where `batch` is `full`. */
export function actingSettings(
  method: string,
  settings: Readonly<Record<string, unknown>>,
): [name: string, value: unknown][] {
  const table: OptionTable = Object.hasOwn(methods, method) ? methods[method as MethodName].options : {};
  return Object.entries(settings).filter(([name]) => {
    const when = Object.hasOwn(table, name) ? table[name].when : undefined;
    return when === undefined || when.is.includes(settings[when.option] as string | boolean);
  });
}

/** `rank 32`, `non negative off`, `unit 1.45`. */
export function settingText(name: string, value: unknown): string {
  const shown =
    typeof value === "boolean" ? (value ? "on" : "off") : typeof value === "number" ? rounded(value) : value;
  return `${words(name)} ${Array.isArray(shown) ? shown.join(", ") : shown}`;
}

/** Said whether they were stated or not. */
const mainSettings = ["regularization", "unobservedWeight", "neighbors", "weighting"];

function rankText({ rank }: Factorizer<Model>): string | undefined {
  return rank === undefined ? undefined : `rank ${rank}`;
}

/**
 * The settings that matter to a reader, `rank 32, 15 sweeps, regularization 0.05`, those that act beside the others.
 *
 * @param rank how to begin; empty: with what comes after it
 */
export function settingsSentence(method: Factorizer<Model>, rank = rankText(method)): string {
  const table = methods[method.name as MethodName]?.options as Record<string, OptionSpec> | undefined;
  const parts = rank === undefined || rank === "" ? [] : [rank];
  const most = method.mayEndEarly ? "at most " : "";
  if (method.passes > 1) parts.push(`${most}${method.passes} ${method.passName}`);
  for (const [name, value] of actingSettings(method.name, method.options)) {
    if (name === "rank" || name === method.passName) continue;
    const spec = table?.[name];
    const isMain = mainSettings.includes(name);
    if (!isMain && (spec === undefined || String(spec.default) === String(value))) continue;
    parts.push(settingText(name, value));
  }
  return parts.join(", ");
}
