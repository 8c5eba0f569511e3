/**
 * 16 hexadecimal digits that two models share when they predict the same, bit for bit, for the same ids.
 *
 * Covers ids, tables, layers, biases, mean and scale; of a model of items its weights and the history that its scores follow
 * from. Leaves out where the model came from (method, backend, version) and the history of other models: fits on other
 * machines, engines or thread counts are compared by it.
 */
import { wideBlocks } from "../ratings/index.ts";
import { Digest } from "../support/index.ts";
import type { ItemModel } from "./item-model.ts";
import type { Model } from "./model.ts";

export function modelDigest(model: Model): string {
  const digest = new Digest();
  digest.add(Uint32Array.of(model.kind === "items" ? 0 : model.rank, model.users.size, model.items.size));
  model.users.digestInto(digest);
  model.items.digestInto(digest);
  if (model.kind === "items") {
    addItems(digest, model);
    return digest.addText(`items ${model.values}`).addText(model.scale).hex();
  }
  digest.add(model.userFactors).add(model.itemFactors);
  digest.add(model.userBias ?? new Float32Array(0)).add(model.itemBias ?? new Float32Array(0));
  if (model.kind === "net") {
    for (const { weight, bias } of model.layers) digest.add(weight).add(bias);
    if (model.product !== undefined) digest.add(model.product.userFactors).add(model.product.itemFactors);
    digest.addText(`net ${model.activation}`);
  }
  return digest
    .add(Float64Array.of(model.mean + 0))
    .addText(model.scale)
    .hex();
}

function addItems(digest: Digest, { weights, values, history }: ItemModel): void {
  if (weights.kind === "sparse") digest.add(weights.start).add(weights.index);
  digest.add(weights.value);
  if (history === undefined) return;
  digest.add(history.start).addPieces(wideBlocks(history.index));
  if (values === "given") digest.addPieces(history.value.blocks());
}
