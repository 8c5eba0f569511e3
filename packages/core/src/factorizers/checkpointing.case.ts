/** Trainings that keep their checkpoints, for tests of these. Not part of the build. */
import { encodeModel, joined, type Model } from "../model/index.ts";
import { plantedWorld, type Ratings } from "../ratings/index.ts";
import {
  type CheckpointInfo,
  type FactorizeOptions,
  type Factorizer,
  type FitReport,
  factorize,
  type Validation,
} from "./index.ts";

export const { ratings } = plantedWorld({ users: 30, items: 20, rank: 3, density: 0.5, noise: 0.2, seed: 4 });
export const engine = { threads: 1 } as const;

/** Held-out figures that are best after pass 4 of 9, made from the model's first factor. */
export function watched(patience: number | undefined, every?: number): Validation {
  const measure = async (model: Model) => Math.abs(model.provenance.passes - 4) + 1e-3 * firstFactor(model);
  return { name: "distance", better: "lower", patience, every, measure };
}

function firstFactor(model: Model): number {
  return model.kind === "factors" ? model.userFactors[0] : 0;
}

export interface Kept {
  readonly bytes: Uint8Array;
  readonly info: CheckpointInfo;
}

/** Trains with a checkpoint after every pass and hands all of them out. */
export async function checkpointed<M extends Model>(
  method: Factorizer<M>,
  options: FactorizeOptions = {},
  data: Ratings = ratings,
) {
  const kept: Kept[] = [];
  const write = async (parts: readonly Uint8Array[], info: CheckpointInfo) => {
    kept.push({ bytes: joined(parts), info });
  };
  const checkpoint = { every: 1, ...options.checkpoint, write };
  const end = await factorize(data, method, { ...engine, ...options, checkpoint });
  return { ...end, kept };
}

/** What must be the same, seconds left out. */
export function outcome({ model, report }: { readonly model: Model; readonly report: FitReport }) {
  const { loss, initialLoss, validation, passes, stopped, findings, digest } = report;
  return { file: encodeModel(model), loss, initialLoss, validation, passes, stopped, findings, digest };
}
