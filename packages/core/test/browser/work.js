/**
 * The work that a page and Node both do, to be compared: a planted world, ALS and iALS trained on it, a list, an explanation,
 * and the model written to a file's bytes and read again. Plain JavaScript, because a browser takes this file as it is.
 *
 * Both methods do about 10⁸ multiply-adds per half-sweep, so that half-sweeps go to workers where there are any.
 */

const users = 4000;

const worlds = {
  als: { users, items: 900, ratings: 240_000, rank: 6, noise: 0.3, mean: 3, biasSpread: 0.3, seed: 11 },
  ials: { users, items: 900, ratings: 240_000, rank: 6, values: "clicks", seed: 12 },
};

/**
 * @param core the module @lowrank/core
 * @param engine how to open kernels: `reproducible`, `threads`
 * @param whileTraining is given each training to run, so that a page can watch itself meanwhile
 */
export async function work(core, engine, whileTraining = (train) => train()) {
  const methods = [core.als({ rank: 32, sweeps: 4 }), core.ials({ rank: 32, sweeps: 4 })];
  const results = {};
  for (const method of methods) results[method.name] = await one(core, engine, method, whileTraining);
  return results;
}

async function one(core, engine, method, whileTraining) {
  const { ratings } = core.plantedWorld(worlds[method.name]);
  const { model, report } = await whileTraining(() => core.factorize(ratings, method, { seed: 7, ...engine }));
  const recommender = await core.openRecommender(model, engine);
  try {
    const list = await recommender.recommend(17, { n: 10 });
    const explanation = await recommender.explain(17, list.items[0].item);
    const bytes = core.encodeModel(model);
    return {
      data: ratings.hash,
      kernels: report.kernels,
      threads: report.threads,
      loss: report.loss,
      digest: report.digest,
      list: list.items,
      explanation,
      file: await sha256(bytes),
      digestOfDecoded: core.modelDigest(core.decodeModel(bytes)),
    };
  } finally {
    recommender.close();
  }
}

async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
