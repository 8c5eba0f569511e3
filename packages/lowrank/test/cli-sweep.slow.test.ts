/** `lowrank sweep` by the built command: table, curve, drawing, JSON, and what is refused. */
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { doubles } from "./by-numpy.ts";
import { folder, inProcess, lowrank, smallClicks, smallRatings, write } from "./cli-support.ts";
import { elements, parseXml, textOf } from "./xml.ts";

let dir: Awaited<ReturnType<typeof folder>>;

/** A complete matrix of 30 × 24: two products, and a little that is none. */
const cell = (u: number, i: number) =>
  3 * Math.cos(u) * Math.cos(2 * i) + 2 * Math.sin(3 * u) * Math.sin(i) + 0.05 * Math.cos(u * u + 7 * i * u);

beforeAll(async () => {
  dir = await folder();
  await write(dir.file("ratings.csv"), smallRatings());
  await write(dir.file("clicks.csv"), smallClicks());
  const rows = Array.from({ length: 30 }, (_, u) => Array.from({ length: 24 }, (_, i) => cell(u, i)));
  await write(dir.file("Y.npy"), doubles(rows));
  await write(dir.file("R.npy"), doubles(rows.map((row, u) => row.map((_, i) => ((u * 5 + i * 3) % 4 === 0 ? 0 : 1)))));
});

afterAll(() => dir.dispose());

const sweep = (...args: string[]) => lowrank(["sweep", ...args], { cwd: dir.path });

describe("lowrank sweep", () => {
  it("shows a row for each rank, the curve, the suggested rank with its reason, and draws an SVG", async () => {
    const flags = ["--ranks", "4,1-2", "--sweeps", "6", "--seed", "3", "--svg", "out.svg"];
    const { code, stdout, stderr } = await sweep("ratings.csv", ...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("Training als, because") });
    const ranks = [...stdout.matchAll(/^ +(\d+) +0\.\d+ +[\d.]+ +[\d.]+ m?s( {2}← suggested)?$/gm)];
    expect(ranks.map(([, rank]) => rank)).toEqual(["1", "2", "4"]);
    const suggested = ranks.filter(([, , mark]) => mark !== undefined).map(([, rank]) => rank);
    expect(suggested).toHaveLength(1);
    expect(stdout).toContain("● held-out RMSE   ■ training RMSE");
    expect(stdout).toMatch(new RegExp(`^ {2}suggested: rank ${suggested[0]}, .*held-out RMSE`, "m"));
    expect(stderr).toContain("ranks 1, 2 and 4; 6 sweeps, regularization auto, seed 3");
    expect(stderr).toContain("holding out 10 % of the ratings, at random");
    expect(stderr.match(/^ {2}rank \d: training RMSE/gm)).toHaveLength(3);
    expect(stderr).toContain(`Next: lowrank fit ratings.csv --sweeps 6 --seed 3 --rank ${suggested[0]}`);
    const svg = parseXml(readFileSync(dir.file("out.svg"), "utf8"));
    expect(svg.name).toBe("svg");
    expect(elements(svg, "title").map(textOf)).toEqual(["RMSE by rank"]);
    expect(elements(svg, "text").map(textOf)).toContain("als on ratings.csv, 10 % held out, seed 3");
    expect((await readdir(dir.path)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("gives with --json the digests of fit and nothing else on stdout; --quiet says nothing", async () => {
    const flags = ["--ranks", "1,3", "--sweeps", "4", "--no-validation", "--json", "--quiet"];
    const { code, stdout, stderr } = await sweep("ratings.csv", ...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ method: "als", seed: 0, options: { sweeps: 4 }, data: { ratings: 800 } });
    expect(result.options).not.toHaveProperty("rank");
    const model = ["--sweeps", "4", "--out", "m.safetensors", "--json", "--quiet"];
    for (const { rank, digest, lossName } of result.rows) {
      const fitted = await lowrank(["fit", "ratings.csv", "--rank", String(rank), ...model], { cwd: dir.path });
      expect({ digest, lossName }).toEqual({
        digest: JSON.parse(fitted.stdout).model.digest,
        lossName: "training RMSE",
      });
    }
    expect(result.rows.map(({ rank }: { rank: number }) => rank)).toEqual([1, 3]);
    expect(result.suggested).toEqual({ reason: expect.stringContaining("(--validation 0.1)") });
  });

  it("says of sgd what all ranks share: not the size of starting factors, 1 / √rank, unless it was given", async () => {
    const flags = ["--method", "sgd", "--epochs", "3", "--no-validation", "--json"];
    const of = async (...more: string[]) => {
      const { stdout, stderr } = await inProcess(["sweep", dir.file("ratings.csv"), ...flags, ...more]);
      return { options: JSON.parse(stdout).options, stderr };
    };
    const auto = await of("--ranks", "1,4");
    expect(auto.options).toMatchObject({ epochs: 3, init: "positive" });
    expect(auto.options).not.toHaveProperty("initScale");
    expect(auto.stderr).toContain("ranks 1 and 4; 3 epochs");
    expect(auto.stderr).not.toContain("init scale");
    expect((await of("--ranks", "4")).options.initScale).toBe(0.5);
    const given = await of("--ranks", "1,4", "--init-scale", "0.3");
    expect(given.options.initScale).toBe(0.3);
    expect(given.stderr).toContain("init scale 0.3");
  });

  it("of a whole matrix holds out nothing, is svd's in one training, and finds its two products", async () => {
    const flags = ["--rows", "users", "--method", "svd", "--ranks", "1-4"];
    const { code, stdout, stderr } = await sweep("Y.npy", ...flags);
    expect(code).toBe(0);
    const rows = [...stdout.matchAll(/^ +(\d) +([\d.]+) +([\d.]+)( {2}← suggested)?$/gm)];
    expect(rows.map(([, rank, , , mark]) => [rank, mark !== undefined])).toEqual([
      ["1", false],
      ["2", true],
      ["3", false],
      ["4", false],
    ]);
    for (const [, , loss, optimum] of rows) expect(Number(loss) / Number(optimum)).toBeCloseTo(1, 3);
    expect(stdout).toContain("suggested: rank 2, 2 of 24 singular values are above the threshold");
    expect(stderr).toContain("holding out nothing");
    expect(stderr).toContain("one training for all ranks in");
    expect(stderr).toContain("Next: lowrank fit Y.npy --method svd --rows users --rank 2");
  });

  it("reads a matrix with its mask, and takes the settings of any method", async () => {
    const flags = ["--rows", "users", "--mask", "R.npy", "--method", "gradient", "--steps", "30", "--ranks", "1,2"];
    const { code, stdout, stderr } = await sweep("Y.npy", ...flags, "--validation", "0.2", "--json");
    expect(code).toBe(0);
    expect(stderr).toContain("holding out 20 % of the ratings");
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ method: "gradient", validation: 0.2, data: { ratings: 540 } });
    expect(result.rows[0]).toMatchObject({ lossName: "loss", passes: 30, heldOut: { name: "held-out RMSE" } });
  });

  it("of a whole matrix with a part held out has loss, held-out error and SVD optimum at each rank, and says of what", async () => {
    const flags = ["--rows", "users", "--ranks", "1-3", "--validation", "0.1"];
    const { code, stdout } = await sweep("Y.npy", ...flags);
    expect(code).toBe(0);
    expect(stdout).toMatch(/rank +training RMSE +SVD optimum +held-out RMSE +time/);
    expect(stdout).toContain("SVD optimum: what the RMSE over training and held-out ratings together cannot be below");
    const result = JSON.parse((await sweep("Y.npy", ...flags, "--json", "--quiet")).stdout);
    for (const { rank, svdOptimum } of result.rows)
      expect(svdOptimum).toMatchObject({ rank, over: "all ratings", stopped: "exact" });
  });

  it("shows ranks that diverge as failed, warns why, and suggests one of the others; 1 when all do", async () => {
    const method = ["--method", "gradient", "--optimizer", "sgd", "--objective", "sum", "--steps", "40"];
    const flags = ["--ranks", "1,1000", "--learning-rate", "0.002", "--init-scale", "1"];
    const { code, stdout, stderr } = await sweep("ratings.csv", ...method, ...flags);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +1000 +– +– +– {2}failed$/m);
    expect(stdout).toContain("suggested: rank 1,");
    expect(stderr).toMatch(/^warning: rank 1000 failed: gradient: .*lower --learning-rate/m);
    const all = await sweep("ratings.csv", ...method, "--ranks", "1,2", "--learning-rate", "1000000");
    expect({ code: all.code, stdout: all.stdout }).toEqual({ code: 1, stdout: "" });
    expect(all.stderr).toContain("lower --learning-rate");
  });

  it("warns of what trainings find, with the ranks that it is of, and says which columns are not looked at", async () => {
    const rows = Array.from({ length: 60 }, (_, n) => `${n % 12},${Math.floor(n / 6)},${1 + (n % 5)},${n + 1e9}`);
    await write(dir.file("timed.csv"), `user,item,rating,time\n${rows.join("\n")}\n`);
    const { code, stderr } = await sweep("timed.csv", "--ranks", "2,40", "--sweeps", "2");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: rank 40 is above .*use rank \d+ or less$/m);
    expect(stderr).toContain("  als does not look at: time");
    expect(stderr.match(/^warning: /gm)?.length).toBe(new Set(stderr.match(/^warning: .*$/gm)).size);
  });

  it("of clicks draws two charts, for NDCG and the objective, in one SVG, over a file that was there", async () => {
    await write(dir.file("two.svg"), "old");
    const flags = ["--ranks", "1,2", "--sweeps", "3", "--svg", "two.svg", "--quiet"];
    const { code, stdout } = await sweep("clicks.csv", ...flags);
    expect(code).toBe(0);
    expect(stdout).toMatch(/rank +objective per rating +held-out NDCG@10 +time/);
    const svg = parseXml(readFileSync(dir.file("two.svg"), "utf8"));
    expect(elements(svg, "title").map(textOf)).toEqual(["Held-out NDCG@10 by rank", "Objective per rating by rank"]);
  });

  it.each([
    [["ratings.csv", "--ranks", "0"], 2, '--ranks must be ranks from 1 to 1024 such as 1,2,4,8 or 1-9, got "0"'],
    [["ratings.csv", "--ranks", "4-2"], 2, "--ranks must be ranks from 1 to 1024"],
    [["ratings.csv", "--ranks", "2,2"], 2, "--ranks has rank 2 twice"],
    [["ratings.csv", "--rank", "8"], 2, "unknown option '--rank'; did you mean --ranks?"],
    [["ratings.csv", "--svg", "a.png"], 2, "--svg must end in .svg"],
    [["ratings.csv", "--svg", "none/a.svg"], 1, "there is no folder"],
    [
      ["not-there.csv", "--method", "itemKnn"],
      2,
      "--method itemKnn has no rank; sweep needs one of als, ials, gradient, sgd, net, svd, nmf",
    ],
    [["not-there.csv", "--method", "ease"], 2, "--method ease has no rank"],
    [
      ["not-there.csv", "--neighbors", "5"],
      2,
      "--neighbors is a setting of methods without a rank; leave it out: sweep",
    ],
    [["ratings.csv", "--validation", "1"], 2, "--validation must be a number from 0.001 to 0.9"],
    [["ratings.csv", "--no-validation", "--metric", "mae"], 2, "--metric is of held-out ratings"],
    [["ratings.csv", "--method", "als", "--epochs", "3"], 2, "--epochs is a setting of"],
    [
      ["ratings.csv", "--method", "svd", "--ranks", "1"],
      1,
      "whole matrix; use --method als to fit the ratings that are there, or --missing zero to count the others as 0",
    ],
    [["gone.csv"], 1, "there is no such file"],
  ])("refuses %j", async (args, code, message) => {
    const inFolder = args.map((arg) => (/\.[a-z]+$/.test(arg) ? dir.file(arg) : arg));
    const result = await inProcess(["sweep", ...inFolder]);
    expect(result.stderr).toContain(message);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: "" });
  });

  it("does not draw over a rating file", async () => {
    await write(dir.file("ratings.svg"), smallRatings());
    const { code, stderr } = await sweep("ratings.svg", "--svg", "./ratings.svg");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("--svg ./ratings.svg is one of the rating files"),
    });
  });

  it("stops on Ctrl-C with 130 and draws nothing", async () => {
    const { code } = await lowrank(["sweep", "ratings.csv", "--ranks", "1-40", "--sweeps", "2000", "--svg", "no.svg"], {
      cwd: dir.path,
      onStderr: (text, kill) => text.includes("rank 1:") && kill("SIGINT"),
    });
    expect(code).toBe(130);
    expect(await readdir(dir.path)).not.toContain("no.svg");
  });
});
