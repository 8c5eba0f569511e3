/** Models trained once on a world and kept below .cache/bench/models, for tables that are not about training. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type FactorModel, factorize, ials, type Kernels, version } from "@lowrank/core";
import { loadModel, saveModel } from "lowrank";
import { cache } from "./environments.ts";
import { type WorldSize, world } from "./worlds.ts";

const SWEEPS = 5;

/** A model of the world's ratings as clicks, its history inside. */
export async function trainedOn(size: WorldSize, rank: number, kernels: Kernels): Promise<FactorModel> {
  const { users, items, ratings } = size;
  const file = join(cache, "models", `ials-${users}-${items}-${ratings}-rank-${rank}-${version}.safetensors`);
  if (!existsSync(file)) {
    console.error(`training a model of ${ratings} ratings at rank ${rank}, once`);
    const { model } = await factorize((await world(size)).train, ials({ rank, sweeps: SWEEPS }), { kernels, seed: 1 });
    await mkdir(join(cache, "models"), { recursive: true });
    await saveModel(file, model);
  }
  const model = await loadModel(file);
  if (model.kind !== "factors") throw new Error(`${file} is no factor model`);
  return model;
}
