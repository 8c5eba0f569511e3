/** What is done with a model made by svd beyond training: fold-in of a training row, and refusal where no row follows. */
import { describe, expect, it } from "vitest";
import { factorize, type SvdOptions, svd } from "../src/factorizers/index.ts";
import { openKernels } from "../src/kernels/index.ts";
import { centers, decodeModel, encodeModel } from "../src/model/index.ts";
import { plantedWorld, type Ratings, ratingsFrom, ratingsFromDense } from "../src/ratings/index.ts";
import { openRecommender } from "../src/recommend/index.ts";

const kernels = await openKernels();
const complete = ratingsFromDense(
  Array.from({ length: 30 }, (_, u) => Float64Array.from({ length: 20 }, (_, i) => ((u * i + 3 * u + i * i) % 7) + 1)),
);
const { ratings } = plantedWorld({ users: 60, items: 50, rank: 2, density: 0.3, seed: 5 });
const clicks = ratingsFrom(Array.from(ratings.records(), ({ user, item }) => ({ user, item })));

function historyOf({ byUser, items }: Ratings, user: number) {
  const { start, index, value } = byUser;
  const entries = index.subarray(start[user], start[user + 1]);
  return Array.from(entries, (item, e) => ({ item: items.id(item), rating: value.at(start[user] + e) }));
}

/** The largest difference between a training user's row and the row that its history folds in to. */
async function offBy(data: Ratings, options: SvdOptions): Promise<number> {
  const { model } = await factorize(data, svd(options), { kernels });
  const recommender = await openRecommender(model, { kernels });
  let worst = 0;
  for (let u = 0; u < data.users.size; u++) {
    const folded = await recommender.foldInUser(historyOf(data, u));
    if (folded.status !== "known") throw new Error(folded.status);
    for (let k = 0; k < model.rank; k++) {
      worst = Math.max(worst, Math.abs(folded.factors[k] - model.userFactors[u * model.rank + k]));
    }
  }
  recommender.close();
  return worst;
}

describe("models of svd", () => {
  it.each(centers)("complete ratings, center %s: folding in a training user gives its row to 1e-4", async (center) => {
    expect(await offBy(complete, { rank: 4, center })).toBeLessThan(1e-4);
  });

  it("clicks: folding in a training user gives its row to 1e-4", async () => {
    expect(await offBy(clicks, { rank: 4 })).toBeLessThan(1e-4);
  });

  it("ratings with holes counted as 0 are not folded in: the refusal names the method and says what can", async () => {
    const { model } = await factorize(ratings, svd({ rank: 3, missing: "zero" }), { kernels });
    const recommender = await openRecommender(model, { kernels });
    const refused = recommender.foldInUser([{ item: ratings.items.id(0), rating: 4 }]);
    await expect(refused).rejects.toMatchObject({ code: "no-objective", message: expect.stringContaining("svd") });
    expect((await recommender.recommend(ratings.users.id(0), { n: 3 })).status).toBe("known");
    recommender.close();
  });

  it("a history shorter than the rank has no row of its own: the refusal says so", async () => {
    const { model } = await factorize(complete, svd({ rank: 4 }), { kernels });
    const recommender = await openRecommender(model, { kernels });
    const refused = recommender.foldInUser([{ item: 0, rating: 4 }]);
    await expect(refused).rejects.toMatchObject({ code: "divergence", message: expect.stringContaining("rank 4") });
    recommender.close();
  });

  it("come back from a file as they went in", async () => {
    const { model } = await factorize(complete, svd({ rank: 3, center: "item" }), { kernels });
    const back = decodeModel(encodeModel(model));
    expect(back).toMatchObject({ rank: 3, objective: model.objective, userFactors: model.userFactors });
  });
});
