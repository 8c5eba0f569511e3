import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { als, type FactorModel, factorize, IdMap, ials, openRecommender, ratingsFrom } from "@lowrank/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readArray } from "./array-file.ts";
import { type ArrayName, arrayNames, checkArraysWritable, readMatrix, saveArrays } from "./index.ts";
import { numbersOf, textsOf } from "./npy.ts";

let folder: string;
let model: FactorModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-arrays-"));
  ({ model } = await factorize(ratings("u"), als({ rank: 3, sweeps: 3 })));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** 9 users, 7 items; users are text with a prefix, or numbers without one. */
function ratings(prefix: string) {
  const records = [];
  for (let user = 0; user < 9; user++)
    for (let item = 0; item < 7; item++)
      if ((user + 2 * item) % 4 !== 0)
        records.push({
          user: prefix === "" ? user : `${prefix}${user}`,
          item: 10 * item,
          rating: 1 + ((user * item) % 5),
        });
  return ratingsFrom(records);
}

async function array(path: string, name: string) {
  const { array, refuse } = await readArray(join(path, name));
  return {
    shape: array.shape,
    values: array.kind === "U" ? textsOf(array, refuse) : Array.from(numbersOf(array, refuse)),
  };
}

describe("saveArrays", () => {
  it("writes tables from which dot products give every prediction, to 1e-6", async () => {
    const path = join(folder, "all.npz");
    const { arrays } = await saveArrays(path, model);
    expect(arrays).toEqual([...arrayNames]);
    const get = async (name: ArrayName) => (await array(path, name)).values as number[];
    const [w, x, b, c] = [
      await get("user_factors"),
      await get("item_factors"),
      await get("user_bias"),
      await get("item_bias"),
    ];
    const [mean] = await get("mean");
    const recommender = await openRecommender(model);
    const users = (await array(path, "user_ids")).values;
    const items = await get("item_ids");
    for (const [u, user] of users.entries()) {
      for (const [i, item] of items.entries()) {
        let score = mean + b[u] + c[i];
        for (let f = 0; f < 3; f++) score += w[3 * u + f] * x[3 * i + f];
        const prediction = recommender.predict(user, item);
        expect(prediction.status === "known" && Math.abs(prediction.score - score)).toBeLessThan(1e-6);
      }
    }
    recommender.close();
    expect((await array(path, "user_factors")).shape).toEqual([9, 3]);
    expect((await array(path, "user_bias")).shape).toEqual([9]);
    expect((await array(path, "mean")).shape).toEqual([]);
    expect(users).toEqual([...model.users.ids()]);
  });

  it("leaves out biases that a model does not have, and says so when one is asked for", async () => {
    const { model: plain } = await factorize(ratings(""), ials({ rank: 2, sweeps: 1 }));
    const { arrays } = await saveArrays(join(folder, "plain.npz"), plain);
    expect(arrays).toEqual(["user_factors", "item_factors", "mean", "user_ids", "item_ids"]);
    await expect(saveArrays(join(folder, "b.npy"), plain, { array: "user_bias" })).rejects.toThrow(
      "this model has no user_bias; it has user_factors, item_factors, mean, user_ids, item_ids",
    );
    expect((await array(join(folder, "plain.npz"), "user_ids")).values).toEqual([...plain.users.ids()]);
  });

  it("writes the same bytes for the same model, and in one array what the archive holds", async () => {
    await saveArrays(join(folder, "one.npz"), model);
    await saveArrays(join(folder, "two.npz"), model);
    expect(await readFile(join(folder, "one.npz"))).toEqual(await readFile(join(folder, "two.npz")));
    await saveArrays(join(folder, "X.npy"), model, { array: "item_factors" });
    const { array: single, refuse } = await readArray(join(folder, "X.npy"));
    expect(Array.from(numbersOf(single, refuse))).toEqual(Array.from(model.itemFactors));
    const { ratings: matrix } = await readMatrix({ values: join(folder, "X.npy"), rows: "items" });
    expect([matrix.items.size, matrix.users.size]).toEqual([7, 3]);
  });

  it("leaves the old file when it cannot write, and nothing half-written", async () => {
    const path = join(folder, "kept.npz");
    await writeFile(path, "old");
    const broken = { ...model, userFactors: new Float32Array(1) };
    await expect(saveArrays(path, broken)).rejects.toThrow("userFactors");
    const textual = {
      ...model,
      users: IdMap.of(
        [...model.users.ids()].map((id) => `${id}\0`),
        "user",
      ),
    };
    await expect(saveArrays(path, textual)).rejects.toThrow("ends in a zero character, which NumPy's text loses");
    expect(await readFile(path, "utf8")).toBe("old");
    expect((await readdir(folder)).filter((name) => name.includes(".part"))).toEqual([]);
  });

  it("refuses ids that would fill 4 GiB because one of them is long", async () => {
    const long = ["x".repeat(2 ** 27), ...Array.from({ length: 8 }, (_, at) => `u${at}`)];
    const users = IdMap.of(long, "user");
    await expect(saveArrays(join(folder, "long.npz"), { ...model, users })).rejects.toThrow("takes more than 4 GiB");
  });

  it.each<[string, string, object, string]>([
    ["other names", "a.txt", {}, "path must be a path that ends in .npz"],
    ["a .npy without saying which", "a.npy", {}, 'array must be one of "user_factors"'],
    ["one array for a .npz", "a.npz", { array: "mean" }, "array must be left out for a .npz"],
    ["an array that there is not", "a.npy", { array: "W" }, 'array must be one of "user_factors"'],
    ["another option", "a.npz", { arrays: [] }, 'did you mean "array"?'],
  ])("refuses %s, also before training", async (_, name, options, message) => {
    await expect(saveArrays(join(folder, name), model, options)).rejects.toThrow(message);
    await expect(checkArraysWritable(join(folder, name), options)).rejects.toThrow(message);
  });

  it("tells before training that there is no folder", async () => {
    await expect(checkArraysWritable(join(folder, "none", "a.npz"))).rejects.toThrow("there is no folder");
    await expect(checkArraysWritable(folder + "/x.npz")).resolves.toBeUndefined();
  });
});
