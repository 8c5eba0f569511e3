/** `lowrank fit`: what it makes of files and flags, and what it refuses. */
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { methods } from "@lowrank/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, inProcess, lowrank, smallClicks, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof folder>>;
let ratings: string;
let clicks: string;

beforeAll(async () => {
  dir = await folder();
  ratings = await write(dir.file("ratings.csv"), smallRatings());
  clicks = await write(dir.file("clicks.csv"), smallClicks());
});

afterAll(() => dir.dispose());

describe("lowrank fit", () => {
  it("has a flag for every option of every method", async () => {
    const { stdout } = await inProcess(["fit", "--help"]);
    for (const option of Object.values(methods).flatMap(({ options }) => Object.keys(options))) {
      const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect(stdout).toMatch(new RegExp(`^ {2}--(no-)?${flag} `, "m"));
    }
  });

  it("names in its help flags that are there, and the defaults of sgd as it comes, in blocks", async () => {
    const { stdout } = await inProcess(["fit", "--help"]);
    const help = stdout.replace(/\s+/g, " ");
    expect(help).not.toMatch(/learningRate|initScale|clipNorm|or initial/);
    const about = (flag: string) => help.match(new RegExp(` ${flag} <\\w+> (.*?) --[a-z-]+ <`))?.[1];
    expect(about("--regularization")).toContain(
      "sgd: L2 penalty of the factors (auto: 0.9 × the standard deviation of the ratings / the mean root of a row's number of ratings in blocks, 0.85 ×",
    );
    expect(about("--bias-regularization")).toContain(
      "sgd: L2 penalty of the biases (auto: 0.01 in blocks, 3 in other orders)",
    );
    expect(about("--learning-rate")).toMatch(
      /^size of a step \(gradient auto: .* \(none with optimizer sgd\); sgd auto: 0\.1 in blocks/,
    );
    expect(help).toContain("1 where --learning-rate is given in another order than blocks); net:");
  });

  it("with a file alone takes als for ratings, says why, and writes model.safetensors where it runs", async () => {
    const here = await folder();
    const { code, stdout, stderr } = await lowrank(["fit", ratings], { cwd: here.path });
    expect(code).toBe(0);
    expect(stderr).toContain("Training als, because ratings from 1.5 to 5 say how much each item was liked");
    expect(stderr).toContain("sweep 15 of 15: training RMSE");
    expect(stdout).toMatch(/digest +[0-9a-f]{16}/);
    expect(stdout).toMatch(/gradient +[\d.,]+, relative [\d.e-]+ \(0 at rest\)/);
    expect(readdirSync(here.path)).toEqual(["model.safetensors"]);
    await here.dispose();
  });

  it("with --plan says bytes, solver, time and whether it fits, and writes nothing", async () => {
    const here = await folder();
    const args = ["fit", ratings, "--plan", "--rank", "8"];
    const { code, stdout, stderr } = await inProcess(args, { cwd: here.path });
    expect(code).toBe(0);
    expect(stderr).toContain("Planning als, because");
    expect(stdout).toMatch(/solver +cholesky/);
    expect(stdout).toMatch(/ratings +[\d.]+ kB, [\d.]+ bytes a rating/);
    expect(stdout).toMatch(/kernel memory +[\d.]+ kB: tables [\d.]+ kB, ratings [\d.]+ kB \(6\.\d bytes a rating\)/);
    expect(stdout).toMatch(/peak +about [\d.]+ MB; it fits/);
    expect(stdout).toMatch(/training +about .+ for 15 sweeps, tried on all ratings/);
    expect(readdirSync(here.path)).toEqual([]);
    const json = await inProcess([...args, "--memory", "1MB", "--json"]);
    expect(json.code).toBe(0);
    const { plan, fits, memory } = JSON.parse(json.stdout);
    expect([fits, memory, plan.obstacles.length, plan.bytes.ratings > 0]).toEqual([false, 1e6, 1, true]);
    expect(plan.obstacles[0].message).toMatch(/^the process alone takes/);
    await here.dispose();
  });

  it("with --memory refuses a training that would take more, before it begins, and does one that fits", async () => {
    const here = await folder();
    const args = ["fit", ratings, "--rank", "8", "--sweeps", "2", "--out", here.file("m.safetensors"), "--memory"];
    const refused = await inProcess([...args, "1.5MB"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /the process alone takes [\d.]+ MB .*: allow at least [\d.]+ MB; --memory 1\.50 MB includes .* of the process/,
    );
    expect(existsSync(here.file("m.safetensors"))).toBe(false);
    expect((await inProcess([...args, "8GiB"])).code).toBe(0);
    for (const wrong of ["-1", "2 TBX", "0", "500", "much"]) {
      const { code, stderr } = await inProcess([...args, wrong]);
      expect(code).toBe(2);
      expect(stderr).toContain("--memory must be a size such as 2GB, 1.5GiB or 500MB, got");
    }
    await here.dispose();
  });

  it("says how near a fit to complete ratings is to the nearest model of its rank, unless told not to", async () => {
    const lines = ["user,item,rating"];
    for (let n = 0; n < 48; n++) lines.push(`u${n % 8},i${n % 6},${((n % 8) * (n % 6)) % 5}`);
    for (let n = 0; n < 48; n++) lines.push(`u${n % 8},i${(n + Math.floor(n / 24)) % 6},${(n * n) % 5}`);
    const complete = await write(dir.file("complete.csv"), `${lines.join("\n")}\n`);
    const fit = ["fit", complete, "--rank", "2", "--out", dir.file("n.safetensors"), "--method"];
    const best = await inProcess([...fit, "svd"]);
    expect(best.stdout).toMatch(/distance +[\d.]+ from all ratings, as near as rank 2 can come/);
    const other = await inProcess([...fit, "als"]);
    expect(other.stdout).toMatch(/distance +[\d.]+ from all ratings, the nearest of rank 2 is at/);
    const silent = await inProcess([...fit, "als", "--no-certificate"]);
    expect(silent.stdout).not.toMatch(/^ *(distance|gradient)/m);
  });

  it.each(["bpr", "softmax", "warp", "logistic"])(
    "trains %s on clicks, and the model lists and explains",
    async (method) => {
      const out = dir.file(`${method}.safetensors`);
      const settings = ["--rank", "4", "--epochs", "6", "--batch-size", "8", "--negatives", "10", "--out", out];
      const { code, stdout, stderr } = await inProcess(["fit", clicks, "--method", method, ...settings]);
      expect([code, stderr]).toEqual([0, expect.stringContaining("epoch 6 of 6: loss per chosen item")]);
      expect(stdout).toMatch(/digest +[0-9a-f]{16}/);
      const listed = await inProcess(["recommend", out, "--user", "1", "--n", "3"]);
      expect([listed.code, listed.stdout.trim().split("\n").length]).toEqual([0, 4]);
      const folded = await inProcess(["recommend", out, "--history", "2", "--n", "3"]);
      expect(folded.code, folded.stderr).toBe(0);
    },
  );

  it("takes ials for clicks and says why", async () => {
    const { code, stderr } = await inProcess(["fit", clicks, "--rank", "4", "--out", dir.file("c.safetensors")]);
    expect(code).toBe(0);
    expect(stderr).toContain("Training ials, because");
  });

  it("trains by gradient descent, a few measurements of the held-out error on the way, and by sgd", async () => {
    const out = dir.file("descent.safetensors");
    const steps = ["fit", ratings, "--method", "gradient", "--steps", "100", "--rank", "4", "--validation", "0.2"];
    const first = await inProcess([...steps, "--patience", "100", "--out", out, "--json"]);
    expect(first.code).toBe(0);
    const { report } = JSON.parse(first.stdout);
    expect(report).toMatchObject({ method: "gradient", passName: "steps", passes: 100, lossName: "loss" });
    expect(report.validation.values.map(({ pass }: { pass: number }) => pass).slice(0, 3)).toEqual([2, 4, 6]);
    const second = await inProcess([
      "fit",
      ratings,
      "--method",
      "sgd",
      "--epochs",
      "3",
      "--order",
      "shuffled",
      "--update",
      "alternately",
      "--out",
      out,
    ]);
    expect(second.code).toBe(0);
    expect(second.stderr).toContain("epoch 3 of 3: RMSE on the way");
    const diverged = await inProcess(["fit", ratings, "--method", "sgd", "--learning-rate", "1e9", "--out", out]);
    expect(diverged.code).toBe(1);
    expect(diverged.stderr).toMatch(
      /in epoch 1 of 20.* lower --learning-rate \(1\.00e\+9 in that epoch; give it with --unit 1\.348\)/,
    );
    expect((await inProcess(["fit", ratings, "--method", "sgd", "--learning-rate", "0", "--out", out])).code).toBe(2);
  });

  it("writes the same bytes with 1, 2 and 3 threads, and a report as JSON on stdout alone", async () => {
    const files: Buffer[] = [];
    for (const threads of [1, 2, 3]) {
      const out = dir.file(`threads-${threads}.safetensors`);
      const args = ["fit", ratings, "--method", "als", "--rank", "8", "--seed", "1", "--threads", String(threads)];
      const { code, stdout } = await inProcess([...args, "--out", out, "--json"]);
      expect(code).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({ model: { file: out, rank: 8 }, report: { method: "als", seed: 1, passes: 15 } });
      expect(report.report.loss).toHaveLength(15);
      expect(report.peakBytes).toBeGreaterThan(1e6);
      files.push(readFileSync(out));
    }
    expect(files[1].equals(files[0]) && files[2].equals(files[0])).toBe(true);
  });

  it("watches held-out RMSE with --validation and says which sweep was best", async () => {
    const args = ["fit", ratings, "--rank", "4", "--validation", "0.2", "--out", dir.file("v.safetensors"), "--json"];
    const { code, stdout, stderr } = await inProcess(args);
    expect(code).toBe(0);
    expect(stderr).toContain("watching the held-out RMSE");
    const { validation, loss } = JSON.parse(stdout).report;
    const best = Math.min(...validation.values.map(({ value }: { value: number }) => value));
    const atBest = validation.values.find(({ pass }: { pass: number }) => pass === validation.bestPass);
    expect(atBest.value).toBe(best);
    expect(loss.length).toBeLessThanOrEqual(15);
  });

  it("warns of rank 64 above 30 items and trains all the same", async () => {
    const { code, stderr } = await inProcess([
      "fit",
      ratings,
      "--rank",
      "64",
      "--quiet",
      "--out",
      dir.file("r.safetensors"),
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: rank 64 is above 30, .*; use rank 30 or less\n$/);
  });

  it.each([
    [["--rank", "0"], "--rank must be a whole number from 1 to 1024, got 0"],
    [["--rank", "many"], '--rank must be a whole number, got "many"'],
    [["--regularization", "much"], '--regularization must be a number or auto, got "much"'],
    [
      ["--method", "als", "--regularization", "-1"],
      '--regularization must be a finite number from 0 to 1e30, or "auto", got -1; left out, it is auto',
    ],
    [["--rank", "4", "--rank", "8"], "--rank is given twice; state it once"],
    [["--certificate", "--no-certificate"], "--certificate and --no-certificate exclude each other; state one of them"],
    [["--no-header", "--header"], "--header and --no-header exclude each other; state one of them"],
    [["--checkpoint", "."], "--checkpoint .: is a folder; name a file in it"],
    [["--mask", "-"], "--mask -: standard input holds ratings only; name a file, or ./- for that name"],
    [
      ["--checkpoint", "/dev/null"],
      "--checkpoint /dev/null: is no plain file, so no checkpoint goes there; name a file",
    ],
    [["--method", "net", "--hidden", "10000"], "--hidden must be whole numbers from 1 to 4096, got 10000"],
    [["--rnak", "4"], "unknown option '--rnak'; did you mean --rank?"],
    [
      ["--method", "alss"],
      `--method must be one of auto, ${Object.keys(methods).join(", ")}, got "alss"; did you mean "als"?`,
    ],
    [["--method", "als", "--confidence", "log"], "--confidence is a setting of ials, and --method is als"],
    [["--confidence", "log", "--biases", "none"], "no method has all of --biases and --confidence"],
    [["--unobserved-weight", "1"], "--unobserved-weight is no setting of als, which suits these data"],
    [["--no-biases"], "unknown option '--no-biases'; did you mean --biases?"],
    [["--biases", "all"], '--biases must be one of none, user, item, both, got "all"'],
    [
      ["--biases", "none", "--bias-regularization", "1"],
      '--bias-regularization must be left out when biases is "none"',
    ],
    [["--threads", "0"], "--threads must be a whole number from 1 to 256"],
    [["--patience", "2"], "--patience acts only with --validation"],
    [["--no-rating", "--rating-column", "3"], "--no-rating and --rating-column cannot go together"],
    [["--method", "als", "--cg-steps", "5"], "--cg-steps must be left out when solver is"],
  ])("refuses %j with 2, by name, and writes nothing", async (flags, message) => {
    const out = dir.file("refused.safetensors");
    const { code, stdout, stderr } = await inProcess(["fit", ratings, "--quiet", "--out", out, ...flags]);
    expect(stderr).toContain(`lowrank fit: ${message}`);
    expect({ code, stdout, lines: stderr.trim().split("\n").length }).toEqual({ code: 2, stdout: "", lines: 1 });
    expect(existsSync(out)).toBe(false);
  });

  it("refuses to replace the ratings by the model, with 2", async () => {
    const { code, stderr } = await inProcess(["fit", ratings, "--out", ratings]);
    expect(code).toBe(2);
    expect(stderr).toContain("is one of the rating files");
  });

  it("refuses to replace one of the ratings that a pattern stands for, or a link to one, with 2, and leaves them", async () => {
    const here = await folder();
    const files = ["a.csv", "b.csv"].map((name) => here.file(name));
    for (const file of files) await write(file, smallRatings());
    symlinkSync(files[1], here.file("link"));
    for (const out of ["a.csv", "link"]) {
      const { code, stderr } = await inProcess(["fit", here.file("*.csv"), "--out", here.file(out)]);
      expect(stderr).toContain("is one of the rating files");
      expect(code).toBe(2);
    }
    for (const file of files) expect(readFileSync(file, "utf8")).toBe(smallRatings());
    await here.dispose();
  });

  it("refuses to write a model to standard output, with 2, and leaves no file named -", async () => {
    const here = await folder();
    const { code, stderr } = await inProcess(["fit", ratings, "--out", "-"], { cwd: here.path });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("--out - would be standard output") });
    expect(readdirSync(here.path)).toEqual([]);
    await here.dispose();
  });

  it("refuses an output that cannot be written before it reads a single rating, with 1", async () => {
    const { code, stderr } = await inProcess(["fit", ratings, "--out", dir.file("no/such/folder/m.safetensors")]);
    expect(code).toBe(1);
    expect(stderr).toContain("cannot be written");
    expect(stderr).not.toContain("Read ratings.csv");
  });

  it.each([
    ["missing.csv", undefined, "missing.csv"],
    ["empty.csv", "", "empty.csv"],
    [
      "text.csv",
      "user,item,rating\n1,1,4\n1,2,good\n",
      'line 3: rating "good" is not a number; correct the line, or leave such rows out with --bad-rows drop\n',
    ],
    ["nan.csv", "user,item,rating\n1,1,4\n2,1,NaN\n", "line 3"],
    ["one.csv", "user,item,rating\n1,1,4\n1,2,3\n1,3,5\n", "there is one user only, 1"],
    ["inf.csv", "user,item,rating\n1,1,4\n2,1,inf\n", "line 3"],
    ["twice.csv", "user,item,rating,rating\n1,1,4,2\n", 'the header has "rating" twice'],
    ["latin.csv", Buffer.from("user,item,rating\nJos\xe9,1,3\nAnn,1,4\n", "latin1"), "--encoding latin-1"],
    [
      "column.csv",
      "user,score\n1,4\n",
      'column.csv line 1: no column is known as the item; its columns are "user" and "score"; say which with --item-column name, or give its position',
    ],
    ["commas.csv", "1;2;3\n1;3;4,5\n", 'use a decimal point, or pass --decimal ","\n'],
    ["cut.csv.gz", new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 75]), "cut.csv.gz"],
  ])("refuses %s with 1, naming the place, and leaves no file behind", async (name, content, place) => {
    const here = await folder();
    if (content !== undefined) await write(here.file(name), content);
    const { code, stdout, stderr } = await inProcess(["fit", here.file(name), "--out", here.file("m.safetensors")]);
    expect(stderr).toContain(place);
    expect(stderr).not.toContain("unexpected error");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(readdirSync(here.path)).toEqual(content === undefined ? [] : [name]);
    await here.dispose();
  });

  it("says an error as JSON on stderr with --json, facts as fields", async () => {
    const bad = await write(dir.file("bad.csv"), "user,item,rating\n1,1,4\n1,2,good\n");
    const { code, stdout, stderr } = await lowrank(["fit", bad, "--json"], { cwd: dir.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "").error).toMatchObject({
      code: "data",
      facts: { line: 3 },
    });
  });

  it("keeps escape sequences in ids away from the terminal", async () => {
    const lines = [
      ["a\u001b[31m", "x", 3],
      ["b", "x", 4],
      ["b", "y", 2],
    ];
    const json = lines.map(([user, item, rating]) => JSON.stringify({ user, item, rating })).join("\n");
    const file = await write(dir.file("escapes.jsonl"), `${json}\n`);
    const { code, stderr } = await inProcess(["fit", file, "--rank", "1", "--out", dir.file("escapes.safetensors")]);
    expect(code).toBe(0);
    expect(stderr).toContain("--user 'a [31m'");
    expect(stderr).not.toContain("\u001b");
  });
});
