/**
 * Option rows that several methods share: the same name, type, choices and words everywhere. A method takes a row with its
 * own default: `rank: rankOption(32)`.
 */
import { type Biases, biasSides, type Center, centers } from "../model/index.ts";

/** A row's system takes rank² floats per worker; above this rank one pass over real data takes hours. */
const MAX_RANK = 1024;

export const rankOption = (rank: number) =>
  ({ type: "whole", default: rank, min: 1, max: MAX_RANK, about: "latent dimension" }) as const;

/** Penalties go up to this: those that follow from the data grow with the ratings, and what a report shows can be given. */
export const MAX_PENALTY = 1e30;

export const biasesOption = (biases: Biases) =>
  ({ type: "choice", default: biases, choices: biasSides, about: "which sides have a fitted bias" }) as const;

export const centerOption = (center: Center) =>
  ({
    type: "choice",
    default: center,
    choices: centers,
    about: "subtracted before fitting: nothing, the mean of all, or each user's or item's mean",
  }) as const;

/** When options of the biases act: for the `when` of their rows. */
export const withBiases = { option: "biases", is: ["user", "item", "both"] } as const;
