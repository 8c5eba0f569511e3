import { readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, inProcess, lowrank, smallFiles, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof smallFiles>>["dir"];
let ratings: string;
let model: string;
let clickModel: string;

beforeAll(async () => {
  ({ dir, ratings, model, clickModel } = await smallFiles());
});

afterAll(() => dir.dispose());

describe("a net on the command line", () => {
  it("is trained with --hidden 8,4, measured, asked, inspected; explain and --history say why not", async () => {
    const out = dir.file("net.safetensors");
    const settings = ["--method", "net", "--hidden", "8,4", "--rank", "4", "--epochs", "3", "--batch-size", "64"];
    const fit = await inProcess(["fit", ratings, ...settings, "--out", out, "--json"]);
    expect(fit.code, fit.stderr).toBe(0);
    const inspected = await inProcess(["inspect", out]);
    expect(inspected.stdout).toContain("net, rank 4, layers 8 to 8 to 4 to 1 and a product, biases of users and items");
    const recommended = await inProcess(["recommend", out, "--user", "2", "-n", "3", "--json"]);
    expect(recommended.code, recommended.stderr).toBe(0);
    expect((await inProcess(["recommend", out, "--all", "-n", "3"])).code).toBe(0);
    expect((await inProcess(["similar", out, "--item", "8"])).code).toBe(0);
    const test = await write(dir.file("net-test.csv"), "user,item,rating\n2,8,5\n2,9,1\n4,10,4.5\n");
    expect((await inProcess(["evaluate", out, test])).code).toBe(0);
    for (const question of [
      ["explain", out, "--user", "2", "--item", "8"],
      ["recommend", out, "--history", "8:5"],
    ]) {
      const { code, stderr } = await inProcess(question);
      expect(stderr).toContain("do not follow from a history alone");
      expect(code).not.toBe(0);
    }
  });

  it("takes no --arrays, and --hidden only with the method that has it", async () => {
    const arrays = await inProcess(["fit", ratings, "--method", "net", "--arrays", dir.file("a.npz")]);
    expect(arrays.stderr).toContain("--arrays cannot act: a net is more than tables");
    expect(arrays.code).toBe(2);
    const als = await inProcess(["fit", ratings, "--method", "als", "--hidden", "8,4"]);
    expect(als.stderr).toContain("--hidden is a setting of net, and --method is als");
    expect(als.code).toBe(2);
  });
});

describe("lowrank evaluate", () => {
  it("measures als in 3 folds well below the RMSE of biases only", async () => {
    const args = ["evaluate", ratings, "--folds", "3", "--rank", "4", "-n", "5,10", "--json"];
    const { code, stdout } = await inProcess(args);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.folds).toHaveLength(3);
    expect(result.ranking.map(({ n }: { n: number }) => n)).toEqual([5, 10]);
    const biases = result.rulers.find(({ name }: { name: string }) => name === "biasOnly");
    expect(result.errors.rmse.mean).toBeLessThan(0.7 * biases.errors.rmse.mean);
  });

  it("measures a model file on test ratings beside three rulers, in a table with RMSE and NDCG", async () => {
    const test = await write(dir.file("test.csv"), "user,item,rating\n2,8,5\n2,9,1\n4,10,4.5\n999,2,3\n");
    const { code, stdout, stderr } = await inProcess(["evaluate", model, test]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +als +popularity +biases only +chance$/m);
    expect(stdout).toMatch(/^ {2}RMSE +\d\.\d{4} +– +\d\.\d{4} +\d\.\d{4}$/m);
    expect(stdout).toMatch(/^ {2}NDCG +(\d\.\d{4} *){4}$/m);
    expect(stderr).toContain("1 user in the held-out data is unknown");
  });

  it.each([
    [["--folds", "3", "--test-fraction", "0.2"], "--folds and --test-fraction are two ways"],
    [["--test-fraction", "0"], '--test-fraction must be a number from 0.001 to 0.9, got "0"'],
    [["--test-latest", "1"], '--test-latest must be a number from 0.001 to 0.9, got "1"'],
    [["--folds", "1"], "--folds must be a whole number of at least 2"],
    [["--relevant-from", "good"], '--relevant-from must be a rating or "all"'],
    [["-n", "0"], "--n must be whole numbers of at least 1"],
  ])("refuses %j with 2", async (flags, message) => {
    const { code, stderr } = await inProcess(["evaluate", ratings, ...flags]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it("measures a model of text users and number items on a file whose users all look like numbers", async () => {
    const rows = smallRatings().trim().split("\n").slice(1);
    const mixed = await write(dir.file("mixed.csv"), `user,item,rating\n${rows.join("\n")}\nann,1,4\nann,2,2\n`);
    const out = dir.file("mixed.safetensors");
    const fit = await inProcess(["fit", mixed, "--rank", "4", "--sweeps", "6", "--quiet", "--out", out]);
    expect(fit.code).toBe(0);
    const test = await write(dir.file("numeric.csv"), "user,item,rating\n2,8,5\n2,11,1\n4,10,4.5\n");
    const { code, stdout, stderr } = await inProcess(["evaluate", out, test, "--json", "--quiet"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout).counts).toMatchObject({ records: 3, usersRanked: 2 });
    const refused = await inProcess(["evaluate", out, test, "--string-ids"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--string-ids cannot act: the item ids of");
  });

  it("speaks of flags, not of functions, when the data cannot be split as asked", async () => {
    const { code, stderr } = await inProcess(["evaluate", ratings, "--test-last", "2"]);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n").at(-1)).toMatch(/^lowrank evaluate: these ratings have no times; /);
    const few = await write(dir.file("pair.csv"), "user,item,rating\n1,2,3\n2,1,4\n");
    const nothing = await inProcess(["evaluate", few, "--test-fraction", "0.01"]);
    expect(nothing.code).toBe(1);
    expect(nothing.stderr).not.toMatch(/randomSplit|testFraction/);
  });

  it("says that the model file goes first, and that it takes one, with 2", async () => {
    const swapped = await inProcess(["evaluate", ratings, model]);
    expect(swapped.code).toBe(2);
    expect(swapped.stderr).toContain(`the model file goes first: lowrank evaluate ${model} ${ratings}`);
    const both = await inProcess(["evaluate", model, clickModel]);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain("are both model files");
  });

  it("refuses method settings beside a model file, by name", async () => {
    const { code, stderr } = await inProcess(["evaluate", model, ratings, "--rank", "4"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--rank acts only when ratings are split");
  });
});

describe("a model without its history", () => {
  let bare: string;

  beforeAll(async () => {
    bare = dir.file("bare.safetensors");
    const fit = await inProcess(["fit", ratings, "--rank", "4", "--no-history", "--quiet", "--out", bare]);
    expect(fit.code).toBe(0);
  });

  it.each([
    ["recommend", ["--user", "2"], "add --include-seen, or train it again without --no-history"],
    ["explain", ["--user", "2", "--item", "12"], "explain needs the training ratings"],
    ["evaluate", [], "state them with --train <file>"],
  ])("is refused by %s with 1 and told what would help", async (command, flags, message) => {
    const rest = command === "evaluate" ? [ratings] : flags;
    const { code, stdout, stderr } = await inProcess([command, bare, ...rest]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("was trained with --no-history");
    expect(stderr).toContain(message);
  });

  it("recommends with --include-seen, and is measured like its twin when --train names the ratings", async () => {
    const seen = await inProcess(["recommend", bare, "--user", "2", "--include-seen", "-n", "30", "--csv"]);
    expect(seen.stdout.trim().split("\n")).toHaveLength(31);
    const test = await write(dir.file("few.csv"), "user,item,rating\n2,8,5\n2,9,1\n4,10,4.5\n");
    const twin = await inProcess(["fit", ratings, "--rank", "4", "--quiet", "--out", dir.file("twin.safetensors")]);
    expect(twin.code).toBe(0);
    const [a, b] = await Promise.all([
      inProcess(["evaluate", bare, test, "--train", ratings, "--json"]),
      inProcess(["evaluate", dir.file("twin.safetensors"), test, "--json"]),
    ]);
    expect(a.code).toBe(0);
    expect(JSON.parse(a.stdout)).toEqual(JSON.parse(b.stdout));
  });
});

describe("a model file that is not what it should be", () => {
  /** The header of the model file, changed, before its tables. */
  function altered(change: (header: Record<string, unknown>) => void): Buffer {
    const bytes = readFileSync(model);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    change(header);
    const text = Buffer.from(JSON.stringify(header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([size, text, bytes.subarray(8 + length)]);
  }
  type Meta = { __metadata__: Record<string, string> };
  const cases: readonly (readonly [string, () => Buffer, RegExp])[] = [
    ["that is a table of ratings", () => readFileSync(ratings), /^: not a lowrank model: a text file/m],
    [
      "cut in the tables",
      () => readFileSync(model).subarray(0, -40),
      /^: cut short: tensor "\w+" ends at byte \d+ of the data, \d+ are there; take another copy of the file, or train the model again$/m,
    ],
    [
      "cut in the header",
      () => readFileSync(model).subarray(0, 200),
      /^: cut short: the header takes \d+ bytes, 192 are there; take another copy of the file, or train the model again$/m,
    ],
    [
      "of version 999",
      () => {
        return altered((header) => {
          const { __metadata__: meta } = header as Meta;
          const [key] = Object.keys(meta).filter((name) => /version/i.test(name) && /^\d+$/.test(meta[name]));
          meta[key] = "999";
        });
      },
      /^: written as version 999, this build reads \d+; update the package$/m,
    ],
    [
      "with a header length beyond the file",
      () => {
        const bytes = Buffer.from(readFileSync(model));
        bytes.writeBigUInt64LE(2n ** 62n, 0);
        return bytes;
      },
      /^: not a lowrank model: no safetensors header at its start; give a file that saveModel or lowrank fit wrote$/m,
    ],
    [
      "with a table that reaches beyond the file",
      () =>
        altered((header) => {
          const name = Object.keys(header).find((key) => key !== "__metadata__") as string;
          (header[name] as { data_offsets: number[] }).data_offsets[1] = 2 ** 40;
        }),
      /^: tensor "\w+" of shape .* needs \d+ bytes and has 1099511627776; take another copy of the file, or train the model again$/m,
    ],
  ];
  it.each(cases)(
    "%s is refused with 1 by every command that reads one, by its name and reason",
    async (_, bytes, why) => {
      const file = await write(dir.file("hostile.safetensors"), bytes());
      for (const args of [
        ["inspect"],
        ["recommend", "--user", "1"],
        ["similar", "--item", "1"],
        ["evaluate", ratings],
      ]) {
        const [command, ...flags] = args;
        const { code, stdout, stderr } = await inProcess([command, file, ...flags]);
        expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: "" });
        expect(stderr.startsWith(`lowrank ${command}: ${file}`), stderr).toBe(true);
        expect(stderr.slice(stderr.indexOf(file) + file.length)).toMatch(why);
        expect(stderr).not.toContain("unexpected error");
      }
    },
  );
});

describe("lowrank inspect", () => {
  it("knows a model that is cut within its header, under any name", async () => {
    const cut = await write(dir.file("cut.bin"), readFileSync(model).subarray(0, 300));
    const { code, stderr } = await inProcess(["inspect", cut]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/cut\.bin: cut short: the header takes/),
    });
  });

  it("shows 800 ratings of 40 users and 30 items with a histogram that adds up", async () => {
    const [text, json] = await Promise.all([
      inProcess(["inspect", ratings]),
      inProcess(["inspect", ratings, "--json"]),
    ]);
    expect(text.stdout).toMatch(/^ {2}users +40 /m);
    expect(text.stdout).toMatch(/^ {2}items +30 /m);
    const facts = JSON.parse(json.stdout);
    const sum = facts.values.histogram.reduce((all: number, each: { count: number }) => all + each.count, 0);
    expect([facts.ratings, sum]).toEqual([800, 800]);
  });

  it("shows method, rank, settings and digest of a model, the digest that fit printed", async () => {
    const { stdout } = await inProcess(["inspect", model, "--json"]);
    const out = dir.file("again.safetensors");
    const fit = await inProcess(["fit", ratings, "--rank", "4", "--sweeps", "6", "--out", out, "--json"]);
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ kind: "model", rank: 4, provenance: { method: "als", passes: 6 } });
    expect(facts.digest).toBe(JSON.parse(fit.stdout).model.digest);
  });

  it("shows the settings that acted, and in words; passes of one are one pass", async () => {
    const out = dir.file("full.safetensors");
    const settings = ["--method", "gradient", "--rank", "4", "--steps", "1", "--quiet"];
    expect((await inProcess(["fit", ratings, ...settings, "--out", out])).code).toBe(0);
    const { stdout } = await inProcess(["inspect", out]);
    expect(stdout).toMatch(/^ {2}trained +1 pass, seed 0/m);
    const said = stdout.replace(/\s+/g, " ");
    expect(said).toContain("batch full");
    for (const name of ["batch size", "final rate", "momentum"]) expect(said).not.toContain(name);
  });
});

describe("lowrank doctor", () => {
  it("finds this machine well and says so line by line", async () => {
    const { code, stdout } = await lowrank(["doctor"], { cwd: dir.path });
    expect(stdout).not.toContain("FAILED");
    expect(code).toBe(0);
    for (const name of ["Node", "engine", "self-test", "write access"]) expect(stdout).toContain(name);
    expect(stdout).toMatch(/file reader +DuckDB v\d+\.\d+\.\d+ reads rating files/);
  });

  it("fails with 1 where nothing can be written, as another user than root", async () => {
    const here = await folder();
    await chmod(here.path, 0o555);
    const { code, stdout, stderr } = await lowrank(["doctor", "--json"], { cwd: here.path, asNobody: true });
    const failed = JSON.parse(stdout).checks.filter(({ ok }: { ok: boolean }) => !ok);
    expect(failed).toEqual([
      { name: "write access", ok: false, text: expect.stringContaining("may not be written to") },
    ]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("lowrank doctor: write access failed; see above"),
    });
    await chmod(here.path, 0o755);
    await here.dispose();
  });
});

describe("models of items on the command line", () => {
  it.each([
    [
      "itemKnn",
      ["--neighbors", "3", "--weighting", "cosine", "--shrinkage", "1"],
      /itemKnn, \d+ weights between items/,
    ],
    ["ease", ["--regularization", "2"], /ease, \d+ weights between items/],
  ] as const)(
    "%s is trained, measured, asked, explained and inspected; a stranger's history is enough",
    async (...row) => {
      const [method, settings, about] = row;
      const out = dir.file(`${method}.safetensors`);
      const fit = await inProcess(["fit", ratings, "--method", method, ...settings, "--out", out, "--json"]);
      expect(fit.code, fit.stderr).toBe(0);
      expect(fit.stderr).toContain(`${method} does not look at: rating`);
      const inspected = await inProcess(["inspect", out]);
      expect(inspected.stdout).toMatch(about);
      expect(inspected.stdout).toContain("the more of what speaks for an item a user has, the higher");
      for (const question of [
        ["recommend", out, "--user", "2", "-n", "3"],
        ["recommend", out, "--all", "-n", "3"],
        ["recommend", out, "--history", "8,9", "-n", "3"],
        ["similar", out, "--item", "8"],
        ["explain", out, "--user", "2", "--item", "8"],
      ]) {
        const { code, stderr } = await inProcess(question);
        expect(code, `${question.join(" ")}: ${stderr}`).toBe(0);
      }
      const test = await write(dir.file("items-test.csv"), "user,item,rating\n2,8,5\n2,9,1\n4,10,4.5\n");
      expect((await inProcess(["evaluate", out, test])).code).toBe(0);
      const users = await inProcess(["similar", out, "--user", "2"]);
      expect(users.stderr).toContain(`a model of ${method} has weights between items and no rows of factors`);
      expect(users.code).not.toBe(0);
    },
  );

  it("take no --arrays and no --rank, and say that ratings are not looked at", async () => {
    const arrays = await inProcess(["fit", ratings, "--method", "ease", "--arrays", dir.file("a.npz")]);
    expect(arrays.stderr).toContain("a model of items has weights instead of tables");
    expect(arrays.code).toBe(2);
    const rank = await inProcess(["fit", ratings, "--method", "itemKnn", "--rank", "3"]);
    expect(rank.stderr).toContain("--rank is a setting of");
    expect(rank.code).toBe(2);
    const rated = await inProcess(["recommend", dir.file("itemKnn.safetensors"), "--history", "8:5,8:4"]);
    expect(rated.stderr).toContain("item 8 is there more than once; it counts once");
    expect(rated.stderr).toContain("this model does not look at ratings");
    const exported = await inProcess(["export", dir.file("ease.safetensors"), dir.file("a.npz")]);
    expect(exported.stderr).toContain("a model of items has weights instead of tables");
    expect(exported.code).not.toBe(0);
  });

  it("without their history answer for histories and say what is missing for users", async () => {
    const out = dir.file("bare.safetensors");
    const fit = await inProcess(["fit", ratings, "--method", "itemKnn", "--no-history", "--out", out]);
    expect(fit.code, fit.stderr).toBe(0);
    expect((await inProcess(["recommend", out, "--history", "8,9"])).code).toBe(0);
    const user = await inProcess(["recommend", out, "--user", "2"]);
    expect(user.stderr).toContain("--no-history");
    expect(user.code).not.toBe(0);
  });
});
