/**
 * Seed notebook 004: 1,000 × 1,000 cells, one in a hundred rated 1 to 4 by chance, embeddings of 20 numbers, one pass of
 * stochastic gradient descent with rate 10⁻⁶. What does that learn, and what could be learned at all?
 */
import { als, evaluate, factorize, gradient, plantedWorld, randomSplit, uniformSparse } from "@lowrank/core";
import { table } from "./lib/print.ts";

const ratings = uniformSparse({ users: 1000, items: 1000, density: 0.01, seed: 4 });
/** One rating at a time, the gradient of its squared error, from normal factors: the notebook's loop. */
const notebook = (learningRate: number, epochs: number) =>
  gradient({ rank: 20, objective: "mean", optimizer: "sgd", batch: "mini", batchSize: 1, order: "shuffledOnce", learningRate, epochs, biases: "none", center: "none", regularization: 0, init: "normal", initScale: 1 });
