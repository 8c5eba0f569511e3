/** A NetModel in kernel memory, ready to score: the slots of its arrays, and the problem that they make once filled. */
import { type Arrays, fillTable, type NetScorerProblem, netPlaces, netScoringSlots, slot } from "../kernels/index.ts";
import { layersToFlat, netShapeOf } from "./net-layers.ts";
import type { NetModel } from "./net-model.ts";

/** To be part of the workspace's layout. */
export function netModelSlots(model: NetModel) {
  const { rank, users, items, product, userBias, itemBias } = model;
  const shape = netShapeOf(model);
  const rows = (count: number) => (product === undefined ? 0 : count);
  return {
    netUsers: slot.realTable(users.size, rank),
    netItems: slot.realTable(items.size, rank),
    netUserProduct: slot.realTable(rows(users.size), rank),
    netItemProduct: slot.realTable(rows(items.size), rank),
    netUserBias: slot.real(userBias === undefined ? 0 : users.size),
    netItemBias: slot.real(itemBias === undefined ? 0 : items.size),
    netLayers: slot.real(netPlaces(shape).length),
    ...netScoringSlots(shape, items.size),
  };
}

/** Fills the arrays. Left rows are users, right rows items; scores are whole, mean and biases included. */
export function netModelProblem(model: NetModel, at: Arrays<ReturnType<typeof netModelSlots>>): NetScorerProblem {
  const { product, userBias, itemBias, mean, layers } = model;
  const shape = netShapeOf(model);
  fillTable(at.netUsers, model.userFactors);
  fillTable(at.netItems, model.itemFactors);
  if (product !== undefined) {
    fillTable(at.netUserProduct, product.userFactors);
    fillTable(at.netItemProduct, product.itemFactors);
  }
  if (userBias !== undefined) at.netUserBias.set(userBias);
  if (itemBias !== undefined) at.netItemBias.set(itemBias);
  layersToFlat(shape, layers, at.netLayers);
  const side = (which: "User" | "Item") => ({
    table: at[`net${which}s`],
    product: product === undefined ? undefined : at[`net${which}Product`],
    bias: (which === "User" ? userBias : itemBias) === undefined ? undefined : at[`net${which}Bias`],
  });
  return { shape, left: side("User"), right: side("Item"), layers: at.netLayers, offset: mean, work: at };
}
