/** A small world, and the objectives of als and ials over it by loops in double precision. Not part of the build. */
import type { FactorModel } from "../model/index.ts";
import { type RatingRecord, type Ratings, ratingsFrom } from "../ratings/index.ts";
import { normal, unit } from "../support/index.ts";

/** 40 users × 25 items, rank 2 plus noise and biases, about 40 % of the cells, ratings on a half-star scale. */
export function smallWorld(
  label: (side: "u" | "i", n: number) => string = (side, n) => side + String(n).padStart(3, "0"),
): Ratings {
  const records: RatingRecord[] = [];
  for (let u = 0; u < 40; u++) {
    for (let i = 0; i < 25; i++) {
      if (unit(1, u * 25 + i) > 0.4) continue;
      const dot = normal(2, 2 * u) * normal(3, 2 * i) + normal(2, 2 * u + 1) * normal(3, 2 * i + 1);
      const raw = 3 + 0.6 * dot + 0.4 * normal(4, u) + 0.4 * normal(5, i) + 0.2 * normal(6, u * 25 + i);
      const rating = Math.min(5, Math.max(0.5, Math.round(2 * raw) / 2));
      records.push({ user: label("u", u), item: label("i", i), rating });
    }
  }
  return ratingsFrom(records);
}

/** The als objective of the header of als.ts, by loops over records, in double precision. */
export function alsObjective(
  model: FactorModel,
  ratings: Ratings,
  lambda: number,
  exponent: number,
  lambdaBias: number,
): number {
  let sum = 0;
  const { rank } = model;
  for (const { user, item, rating } of ratings.records()) {
    const u = model.users.index(user) as number;
    const i = model.items.index(item) as number;
    let score = model.mean + (model.userBias?.[u] ?? 0) + (model.itemBias?.[i] ?? 0);
    for (let f = 0; f < rank; f++) score += model.userFactors[u * rank + f] * model.itemFactors[i * rank + f];
    sum += ((rating as number) - score) ** 2;
  }
  const side = (rows: Float32Array, bias: Float32Array | undefined, start: Uint32Array) => {
    for (let r = 0; r + 1 < start.length; r++) {
      const count = start[r + 1] - start[r];
      for (let f = 0; f < rank; f++) sum += lambda * count ** exponent * rows[r * rank + f] ** 2;
      if (bias !== undefined) sum += lambdaBias * count ** exponent * bias[r] ** 2;
    }
  };
  side(model.userFactors, model.userBias, ratings.byUser.start);
  side(model.itemFactors, model.itemBias, ratings.byItem.start);
  return sum;
}

/** The ials objective of the header of ials.ts over every cell, dense, in double precision. */
export function ialsObjective(
  model: FactorModel,
  ratings: Ratings,
  settings: { w: number; lambda: number; e: number; seenToo: boolean },
): number {
  const { rank } = model;
  const seen = new Map<string, number>();
  for (const { user, item, rating } of ratings.records()) {
    seen.set(`${model.users.index(user)} ${model.items.index(item)}`, 1 + (rating ?? 1));
  }
  let sum = 0;
  for (let u = 0; u < model.users.size; u++) {
    for (let i = 0; i < model.items.size; i++) {
      let score = 0;
      for (let f = 0; f < rank; f++) score += model.userFactors[u * rank + f] * model.itemFactors[i * rank + f];
      const confidence = seen.get(`${u} ${i}`);
      if (confidence !== undefined) sum += confidence * (1 - score) ** 2;
      if (confidence === undefined || settings.seenToo) sum += settings.w * score ** 2;
    }
  }
  const side = (rows: Float32Array, start: Uint32Array, others: number) => {
    for (let r = 0; r + 1 < start.length; r++) {
      const weight = settings.lambda * (start[r + 1] - start[r] + settings.w * others) ** settings.e;
      for (let f = 0; f < rank; f++) sum += weight * rows[r * rank + f] ** 2;
    }
  };
  side(model.userFactors, ratings.byUser.start, model.items.size);
  side(model.itemFactors, ratings.byItem.start, model.users.size);
  return sum;
}
