/**
 * What a model file says in words: the string-to-string `__metadata__` of a model, both ways.
 *
 * Numbers are written so that they read back to the same f64 (JavaScript's shortest form, as in JSON).
 */
import {
  biasSides,
  centers,
  confidenceKinds,
  type FactorModel,
  type Provenance,
  type RowObjective,
} from "./factor-model.ts";
import { type HistoryValues, historyValues } from "./item-model.ts";
import type { Model } from "./model.ts";
import { checkVersion, type Refuse } from "./safetensors.ts";
import { type Scale, scales } from "./scorer.ts";

const FORMAT = "lowrank-model";
const FORMAT_VERSION = 1;
const kinds = ["factors", "net", "items"] as const satisfies readonly Model["kind"][];
/** What files of the first builds call factors. */
const FORMER_FACTORS = "factor";

/** Every key of version 1, in the order in which they are written and digested. */
export const metadataKeys = [
  "format",
  "format_version",
  "kind",
  "method",
  "options",
  "seed",
  "data_hash",
  "backend",
  "version",
  "passes",
  "mean",
  "scale",
  "range",
  "objective",
  "activation",
  "values",
] as const;

export interface ModelFacts {
  readonly kind: Model["kind"];
  /** 0 for a model of items, which has none */
  readonly mean: number;
  readonly scale: Scale;
  readonly range: FactorModel["range"];
  /** Of a model of factors */
  readonly objective: RowObjective | undefined;
  /** Of a model of items */
  readonly values: HistoryValues | undefined;
  readonly provenance: Provenance;
}

export function writeMetadata(model: Model): Record<string, string> {
  const { provenance: from, range } = model;
  const objective = model.kind === "factors" ? model.objective : undefined;
  return {
    format: FORMAT,
    format_version: String(FORMAT_VERSION),
    kind: model.kind,
    method: from.method,
    options: JSON.stringify(from.options),
    seed: String(from.seed),
    data_hash: from.dataHash,
    backend: from.backend,
    version: from.version,
    passes: String(from.passes),
    ...(model.kind === "items" ? { values: model.values } : { mean: String(model.mean) }),
    scale: model.scale,
    ...(range === undefined ? {} : { range: JSON.stringify({ min: range.min, max: range.max }) }),
    ...(objective === undefined ? {} : { objective: JSON.stringify(plainObjective(objective)) }),
    ...(model.kind === "net" ? { activation: model.activation } : {}),
  };
}

/** The objective's fields in a fixed order, and nothing else. */
function plainObjective(objective: RowObjective): RowObjective {
  const { regularization, regularizationExponent } = objective;
  switch (objective.kind) {
    case "explicit": {
      const { kind, center, biases, biasRegularization, biasRegularizationExponent } = objective;
      const ofBiases = { center, biases, biasRegularization, biasRegularizationExponent };
      return { kind, regularization, regularizationExponent, ...ofBiases };
    }
    case "implicit": {
      const { kind, unobservedWeight, observedInUnobserved, confidence, confidenceScale } = objective;
      const weights = { unobservedWeight, observedInUnobserved, confidence, confidenceScale };
      return { kind, regularization, regularizationExponent, ...weights };
    }
    default:
      return objective satisfies never;
  }
}

/**
 * Is this a lowrank model, of a version and kind that this build reads? Asked before anything else in the file is
 * looked at.
 */
export function checkFormat(
  metadata: ReadonlyMap<string, string>,
  tensorNames: readonly string[],
  refuse: Refuse,
): void {
  const format = metadata.get("format");
  if (format === "lowrank-checkpoint") {
    refuse("a checkpoint of a training", "foreign", {}, "resume it to get the model");
  }
  if (format !== FORMAT) {
    const names = tensorNames.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 40)));
    refuse(`a safetensors file of something else (${names.join(", ") || "without tensors"})`, "foreign");
  }
  checkVersion(metadata, FORMAT_VERSION, refuse);
  const kind = metadata.get("kind");
  if (kindOf(kind) !== undefined) return;
  const known = kinds.map((word) => JSON.stringify(word));
  const listed = `${known.slice(0, -1).join(", ")} and ${known.at(-1)}`;
  const what = `holds a model of kind ${JSON.stringify(kind)}, this build reads ${listed}`;
  refuse(what, "broken", { kind }, "update the package");
}

function kindOf(word: string | undefined): Model["kind"] | undefined {
  return word === FORMER_FACTORS ? "factors" : kinds.find((kind) => kind === word);
}

/** @param refuse called for the first entry that is missing or cannot be */
export function readMetadata(metadata: ReadonlyMap<string, string>, refuse: Refuse): ModelFacts {
  const fail = (key: string, allowed: string): never =>
    refuse(
      `metadata ${key} must be ${allowed}, got ${JSON.stringify(metadata.get(key))?.slice(0, 80) ?? "nothing"}`,
      "broken",
      { key },
    );
  const text = (key: string) => metadata.get(key) ?? fail(key, "there");
  const number = (key: string) => {
    const value = metadata.get(key) ?? "";
    return /^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(value) && Number.isFinite(Number(value))
      ? Number(value)
      : fail(key, "a finite number");
  };
  const json = (key: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(text(key));
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {}
    return fail(key, "a JSON object");
  };
  const passes = number("passes");
  if (!Number.isSafeInteger(passes) || passes < 0) fail("passes", "a whole number");
  const kind = kindOf(metadata.get("kind")) ?? fail("kind", "a kind of model");
  if (kind === "net" && metadata.get("activation") !== "relu") fail("activation", '"relu"');
  const scale = text("scale");
  if (!scales.includes(scale as Scale)) fail("scale", `one of ${scales.join(", ")}`);
  if (kind === "items" && scale !== "preference") fail("scale", '"preference"');
  const values = historyValues.find((word) => word === metadata.get("values"));
  if (kind === "items" && values === undefined) fail("values", `one of ${historyValues.join(", ")}`);
  return {
    kind,
    mean: kind === "items" ? 0 : number("mean"),
    scale: scale as Scale,
    range: metadata.has("range") ? readRange(json("range"), fail) : undefined,
    objective: kind === "factors" && metadata.has("objective") ? readObjective(json("objective"), fail) : undefined,
    values,
    provenance: {
      method: text("method"),
      options: json("options"),
      seed: number("seed"),
      dataHash: text("data_hash"),
      backend: text("backend"),
      version: text("version"),
      passes,
    },
  };
}

type Fail = (key: string, allowed: string) => never;

function readRange(range: Record<string, unknown>, fail: Fail): { min: number; max: number } {
  const { min, max } = range;
  if (typeof min === "number" && typeof max === "number" && Number.isFinite(max - min) && min <= max)
    return { min, max };
  return fail("range", "a finite min and a finite max");
}

/** An objective from plain fields. @param fail called with the key `objective` and what is allowed */
export function readObjective(from: Readonly<Record<string, unknown>>, fail: Fail): RowObjective {
  const amount = (field: string): number => {
    const value = from[field];
    return typeof value === "number" && Number.isFinite(value) && value >= 0
      ? value
      : fail("objective", `an objective whose ${field} is a finite number from 0`);
  };
  const word = <const T extends string>(field: string, words: readonly T[]): T =>
    words.find((one) => one === from[field]) ??
    fail("objective", `an objective whose ${field} is one of ${words.join(", ")}`);
  if (from.kind !== "explicit" && from.kind !== "implicit") {
    return fail("objective", 'an objective of kind "explicit" or "implicit"');
  }
  const common = {
    regularization: amount("regularization"),
    regularizationExponent: amount("regularizationExponent"),
  };
  if (from.kind === "explicit") {
    const biases = word("biases", biasSides);
    if (biases === "none" && from.biasRegularization !== undefined) {
      return fail("objective", 'an objective without biasRegularization when its biases are "none"');
    }
    return {
      kind: "explicit",
      ...common,
      center: word("center", centers),
      biases,
      biasRegularization: biases === "none" ? undefined : amount("biasRegularization"),
      biasRegularizationExponent: amount("biasRegularizationExponent"),
    };
  }
  const { observedInUnobserved } = from;
  if (typeof observedInUnobserved !== "boolean") {
    return fail("objective", "an objective whose observedInUnobserved is true or false");
  }
  return {
    kind: "implicit",
    ...common,
    unobservedWeight: amount("unobservedWeight"),
    observedInUnobserved,
    confidence: word("confidence", confidenceKinds),
    confidenceScale: amount("confidenceScale"),
  };
}
