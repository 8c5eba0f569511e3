import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import type { FactorModel } from "@lowrank/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../src/model-files.ts";
import { byNumpy, doubles, singles } from "./by-numpy.ts";
import { folder, inProcess, lowrank, smallFiles, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof smallFiles>>["dir"];
let model: string;
let values: string;
let mask: string;
let users: string;
let items: string;

/** smallRatings as the notebook keeps ratings: Y of 30 items × 40 users with zeros where R says that there is none. */
beforeAll(async () => {
  ({ dir, model } = await smallFiles());
  const [y, r] = [0, 0].map(() => Array.from({ length: 30 }, () => new Array<number>(40).fill(0)));
  for (const line of smallRatings().trim().split("\n").slice(1)) {
    const [user, item, rating] = line.split(",").map(Number);
    y[item - 1][user - 1] = rating;
    r[item - 1][user - 1] = 1;
  }
  values = await write(dir.file("Y.npy"), doubles(y));
  mask = await write(dir.file("R.npy"), singles("|b1", r));
  const numbered = (count: number) => Array.from({ length: count }, (_, at) => `${at + 1}\n`).join("");
  users = await write(dir.file("users.txt"), numbered(40));
  items = await write(dir.file("items.txt"), numbered(30));
});

afterAll(() => dir.dispose());

describe("a matrix", () => {
  it("trains the same model as the table of its cells, to the byte", async () => {
    const out = dir.file("matrix.safetensors");
    const matrix = [values, "--mask", mask, "--rows", "items", "--user-ids", users, "--item-ids", items];
    const fitted = await lowrank(["fit", ...matrix, "--rank", "4", "--sweeps", "6", "--out", out]);
    expect(fitted.code).toBe(0);
    expect(fitted.stderr).toContain("Y.npy: 30 × 40 float64; ratings are where");
    expect(readFileSync(out)).toEqual(readFileSync(model));
  });

  it("is inspected and evaluated, alone and as the test ratings of a model", async () => {
    const matrix = [values, "--mask", mask, "--rows", "items"];
    const inspected = await inProcess(["inspect", ...matrix, "--json", "--quiet"]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      kind: "ratings",
      report: { ratings: 800, users: 40, items: 30 },
    });
    const flags = ["--rank", "4", "--sweeps", "4", "--no-rulers", "--json", "--quiet"];
    const split = await inProcess(["evaluate", ...matrix, ...flags]);
    expect(JSON.parse(split.stdout).errors.rmse.mean).toBeLessThan(1);
    const ids = ["--user-ids", users, "--item-ids", items];
    const judged = await inProcess(["evaluate", model, ...matrix, ...ids, "--json", "--quiet"]);
    expect(JSON.parse(judged.stdout).counts).toMatchObject({ records: 800, alreadyInTraining: 800 });
  });

  it("is refused without --rows, the flag named, with 1", async () => {
    const { code, stdout, stderr } = await inProcess(["fit", values, "--out", dir.file("x.safetensors")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(
      "nothing in it tells users from items; say what each row is: --rows users or --rows items",
    );
  });

  it.each([
    [["--rows", "movies"], 2, "--rows must be one of users, items"],
    [["--rows", "users", "--separator", ","], 2, "--separator must be left out"],
    [["--rows", "users", "--user-column", "1"], 2, "--user-column must be left out"],
    [["--rows", "users", "--user-ids", "users.txt"], 1, "users.txt: holds 40 ids, and there are 30 rows of Y.npy"],
    [["--rows", "users", "--mask", "users.txt"], 1, "users.txt: is no NumPy array"],
    [["--rows", "items", "--out", "R.npy", "--mask", "R.npy"], 2, "--out R.npy is one of the rating files"],
    [["--rows", "items", "--arrays", "Y.npy"], 2, "--arrays must end in .npz"],
    [["--rows", "items", "--arrays", "none/a.npz"], 1, "there is no folder"],
    [["--rows", "items", "--out", "a.npz", "--arrays", "./a.npz"], 2, "--arrays ./a.npz is where the model goes"],
  ])("is refused with %j", async (flags, expected, message) => {
    const { code, stdout, stderr } = await lowrank(["fit", "Y.npy", ...flags], { cwd: dir.path });
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
  });

  it("of an archive is not overwritten by the model or its arrays", async () => {
    const here = await folder();
    await write(here.file("data.npz"), byNumpy("savez"));
    for (const flags of [
      ["--out", "data.npz"],
      ["--arrays", "data.npz"],
    ]) {
      const { code, stderr } = await lowrank(["fit", "data.npz/Y", "--rows", "users", ...flags], { cwd: here.path });
      expect({
        code,
        message: stderr.includes(`${flags[0]} data.npz is one of the rating files (data.npz/Y)`),
      }).toEqual({
        code: 2,
        message: true,
      });
    }
    expect(readFileSync(here.file("data.npz"))).toEqual(byNumpy("savez"));
    expect(await readdir(here.path)).toEqual(["data.npz"]);
    await here.dispose();
  });

  it("is refused beside --train when --mask is stated, because it would act on both", async () => {
    const flags = ["--mask", mask, "--rows", "items", "--train", values];
    const { code, stderr } = await inProcess(["evaluate", model, values, ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain("--mask would act on the test matrix and on --train alike");
  });
});

describe("lowrank export", () => {
  it("writes all arrays into a .npz, the same bytes as fit --arrays, and one into a .npy", async () => {
    const here = await folder();
    const fit = ["fit", dir.file("ratings.csv"), "--rank", "4", "--sweeps", "6", "--quiet", "--out", here.file("m")];
    const fitted = await lowrank([...fit, "--arrays", here.file("fit.npz")]);
    expect(fitted.stdout).toMatch(/arrays +\S+fit.npz, [\d.]+ kB/);
    const { code, stdout } = await lowrank(["export", here.file("m"), here.file("all.npz"), "--json", "--quiet"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).arrays).toHaveLength(7);
    expect(readFileSync(here.file("all.npz"))).toEqual(readFileSync(here.file("fit.npz")));
    await lowrank(["export", here.file("m"), here.file("W.npy"), "--array", "user_factors"]);
    const written = readFileSync(here.file("W.npy"));
    expect(written.toString("latin1")).toContain("'shape': (40, 4), ");
    const { userFactors } = (await loadModel(here.file("m"))) as FactorModel;
    expect(written.subarray(128)).toEqual(Buffer.from(userFactors.buffer, userFactors.byteOffset, 640));
    await here.dispose();
  });

  it.each([
    [["a.txt"], 2, 'ends in .npz, or with --array in .npy, got "a.txt"'],
    [["a.npy"], 2, "a .npy holds one array; state which"],
    [["a.npz", "--array", "mean"], 2, "--array acts only for a .npy"],
    [["a.npy", "--array", "W"], 2, "--array must be one of user_factors, item_factors"],
    [["none/a.npz"], 1, "there is no folder"],
  ])("refuses %j", async (args, expected, message) => {
    const { code, stdout, stderr } = await lowrank(["export", model, ...args], { cwd: dir.path });
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
  });

  it("does not replace the model that it reads, and says what is no model", async () => {
    const here = await folder();
    await write(here.file("m.npz"), readFileSync(model));
    const replaced = await lowrank(["export", "m.npz", "./m.npz"], { cwd: here.path });
    expect(replaced.stderr).toContain("is one of the files that are read (m.npz); name another file for the arrays");
    const foreign = await lowrank(["export", values, "a.npz"], { cwd: here.path });
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toContain("Y.npy");
    expect(await readdir(here.path)).toEqual(["m.npz"]);
    await here.dispose();
  });
});
