/** The option table of `denseNet`, and what its options are made into. */
import { biasesOption, centerOption, MAX_PENALTY, rankOption, withBiases } from "./common-options.ts";
import { learningRateRange, MAX_PASSES, optimizerOptions, orderOption } from "./descent-options.ts";
import { unitOption } from "./descent-unit.ts";
import type { OptionTable, Resolved } from "./options.ts";
import { scheduleOptions } from "./schedules.ts";

/** Learning rates that the defaults were chosen with; see docs/dense-net.md. */
const AUTO_LEARNING_RATE = { adam: 0.002, adamw: 0.002, adagrad: 0.03, sgd: 0.001 } as const;

export const denseNetOptions = {
  rank: rankOption(16),
  hidden: {
    type: "wholes",
    default: [32, 16],
    min: 1,
    max: 4096,
    most: 16,
    about: "widths of the hidden layers, first to last",
  },
  product: {
    type: "flag",
    default: true,
    about: "beside the layers, a product of further factors that goes straight to the score (NeuMF)",
  },
  epochs: { type: "whole", default: 8, min: 1, max: MAX_PASSES, about: "passes over the data" },
  batchSize: { type: "whole", default: 512, min: 1, max: 2 ** 24, about: "ratings in a batch" },
  order: orderOption("shuffled"),
  ...optimizerOptions,
  learningRate: {
    ...learningRateRange,
    default: "auto",
    auto: `${AUTO_LEARNING_RATE.adam}, with adagrad ${AUTO_LEARNING_RATE.adagrad}, with sgd ${AUTO_LEARNING_RATE.sgd}`,
  },
  ...scheduleOptions,
  schedule: { ...scheduleOptions.schedule, default: "linear" },
  regularization: {
    type: "number",
    default: 0.03,
    min: 0,
    max: MAX_PENALTY,
    about: "L2 penalty of the factors, per rating",
  },
  layerRegularization: { type: "number", default: 0, min: 0, max: MAX_PENALTY, about: "L2 penalty of the layers" },
  biases: biasesOption("both"),
  biasRegularization: {
    type: "number",
    default: 0.01,
    min: 0,
    max: MAX_PENALTY,
    about: "L2 penalty of the biases, per rating",
    when: withBiases,
  },
  center: centerOption("global"),
  unit: {
    ...unitOption,
    auto: "as for gradient; 1 where learningRate is given",
    about: "what ratings are divided by while they are fitted; learningRate and penalties are in this unit",
  },
  initScale: {
    type: "number",
    default: 0.1,
    // From all zeros no factor of the product branch would ever move.
    min: 1e-6,
    max: 1e3,
    about: "standard deviation of the starting factors",
  },
} as const satisfies OptionTable;

type NetOptions = Resolved<typeof denseNetOptions>;

export function learningRateOf({ learningRate, optimizer }: NetOptions): number {
  return learningRate === "auto" ? AUTO_LEARNING_RATE[optimizer] : learningRate;
}
