import { existsSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { version } from "@lowrank/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildProgram } from "../src/cli/program.ts";
import { Shell } from "../src/cli/shell.ts";
import { folder, inProcess, lowrank, smallClicks, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof folder>>;
let ratings: string;
let clicks: string;
let model: string;
let clickModel: string;
let titles: string;

beforeAll(async () => {
  dir = await folder();
  ratings = await write(dir.file("ratings.csv"), smallRatings());
  clicks = await write(dir.file("clicks.csv"), smallClicks());
  const lines = Array.from({ length: 30 }, (_, at) => `${at + 1},"Film, the ${at + 1}th"`);
  titles = await write(dir.file("movies.csv"), `movieId,title\n${lines.join("\n")}\n`);
  model = dir.file("model.safetensors");
  clickModel = dir.file("clicks.safetensors");
  const fits = await Promise.all([
    lowrank(["fit", ratings, "--rank", "4", "--sweeps", "6", "--out", model, "--quiet"]),
    lowrank(["fit", clicks, "--rank", "4", "--sweeps", "6", "--out", clickModel, "--quiet"]),
  ]);
  for (const fit of fits) expect(fit).toMatchObject({ code: 0, stderr: "" });
});

afterAll(() => dir.dispose());

describe("lowrank", () => {
  it("refuses help on a command that is not there, with 2 and the near one", async () => {
    const { code, stdout, stderr } = await inProcess(["help", "recomend"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('unknown command "recomend"; did you mean recommend?');
  });

  it("shows all 9 commands and exits with 0, with --help and without arguments", async () => {
    const commands = ["fit", "evaluate", "recommend", "similar", "explain", "inspect", "datasets", "doctor", "demo"];
    for (const args of [["--help"], []]) {
      const { code, stdout } = await lowrank(args);
      expect(code).toBe(0);
      for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    }
  });

  it("prints its version", async () => {
    expect(await lowrank(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("refuses a mistyped command with 2 and suggests the right one", async () => {
    const { code, stdout, stderr } = await lowrank(["fti"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe("lowrank: unknown command 'fti'; did you mean fit?\n");
  });

  it("has --json, --quiet and --debug on each of the 10 commands that do something", () => {
    const program = buildProgram(
      new Shell(new AbortController().signal, { out: process.stdout, err: process.stderr }, {}),
    );
    const commands = program.commands.flatMap((command) =>
      command.commands.length > 0 ? command.commands : [command],
    );
    expect(commands).toHaveLength(10);
    for (const command of commands) {
      const flags = command.options.map((option) => option.long);
      expect(flags, command.name()).toEqual(expect.arrayContaining(["--json", "--quiet", "--debug"]));
    }
  });
});

describe("lowrank recommend", () => {
  it("lists even items first for user 2, with titles, leaving out what the user has rated", async () => {
    const { code, stdout } = await lowrank(["recommend", model, "--user", "2", "--titles", titles, "-n", "3"]);
    expect(code).toBe(0);
    const rows = stdout.trim().split("\n").slice(1);
    expect(rows).toHaveLength(3);
    const rated = smallRatings()
      .split("\n")
      .filter((line) => line.startsWith("2,"))
      .map((line) => line.split(",")[1]);
    for (const [at, row] of rows.entries()) {
      const [place, score, item, ...title] = row.trim().split(/\s+/);
      expect(Number(place)).toBe(at + 1);
      expect(Number(item) % 2).toBe(0);
      expect(Number(score)).toBeGreaterThan(3);
      expect(rated).not.toContain(item);
      expect(title.join(" ")).toBe(`Film, the ${item}th`);
    }
  });

  it("gives the same items one by one, as CSV for all 40 users, and as JSON lines", async () => {
    const [one, csv, lines] = await Promise.all([
      lowrank(["recommend", model, "--user", "7", "-n", "4", "--json"]),
      lowrank(["recommend", model, "--all", "-n", "4", "--titles", titles]),
      lowrank(["recommend", model, "--all", "-n", "4", "--json"]),
    ]);
    const items = JSON.parse(one.stdout).items.map(({ item }: { item: number }) => item);
    const rows = csv.stdout.trim().split("\n");
    expect(rows[0]).toBe("user,place,item,score,title");
    expect(rows[1]).toMatch(/^1,1,\d+,[\d.]+,"Film, the \d+th"$/);
    expect(rows.filter((row) => row.startsWith("7,")).map((row) => Number(row.split(",")[2]))).toEqual(items);
    const answers = lines.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toHaveLength(40);
    expect(answers[6].items.map(({ item }: { item: number }) => item)).toEqual(items);
  });

  it("says that user 99 is unknown, with 1, and lists popular items when asked to", async () => {
    const unknown = await lowrank(["recommend", model, "--user", "99"]);
    expect({ code: unknown.code, stdout: unknown.stdout }).toEqual({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain("user 99 is not among the 40 users");
    expect(unknown.stderr).toContain("--fallback popular");
    const popular = await lowrank(["recommend", model, "--user", "bob", "--fallback", "popular", "-n", "3"]);
    expect(popular.code).toBe(0);
    expect(popular.stdout.trim().split("\n")).toHaveLength(4);
    expect(popular.stderr).toContain("unknown to this model; the most rated items instead");
  });

  it("lists odd items for somebody new who likes odd ones, and names what it does not know", async () => {
    const { code, stdout, stderr } = await lowrank([
      ...["recommend", model, "--history", "1:5,3:5,5:4.5,2:1,4:1,777:3", "-n", "5", "--json"],
    ]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer.items.map(({ item }: { item: number }) => item % 2)).toEqual([1, 1, 1, 1, 1]);
    expect(answer.unknownHistory).toEqual([777]);
    expect(stderr).toContain("does not know item 777");
  });

  it("takes clicks without ratings as a history of a click model", async () => {
    const { code, stdout } = await lowrank(["recommend", clickModel, "--history", "2,4,8", "-n", "4", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).items.map(({ item }: { item: number }) => item % 2)).toEqual([0, 0, 0, 0]);
  });

  it("takes what --only names for ids where the model knows one, else for a file, and @ for a file always", async () => {
    const here = await folder();
    await write(here.file("12"), "2\n");
    await write(here.file("list"), "12\n\n14\n");
    const listed = async (only: string) => {
      const args = ["recommend", model, "--user", "2", "--include-seen", "--json", "--quiet", "--only", only];
      const { code, stdout, stderr } = await lowrank(args, { cwd: here.path });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout)
        .items.map(({ item }: { item: number }) => item)
        .sort((a: number, b: number) => a - b);
    };
    expect(await listed("12")).toEqual([12]);
    expect(await listed("@12")).toEqual([2]);
    expect(await listed("list")).toEqual([12, 14]);
    expect(await listed("@list")).toEqual([12, 14]);
    await here.dispose();
  });

  it("warns of a rating in --history that no training rating was near", async () => {
    const { code, stderr } = await inProcess(["recommend", model, "--history", "1:9999,3:4", "--quiet"]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      "warning: --history: rating 9999 of item 1 lies outside 1.5 to 5, the ratings that the model was trained on\n",
    );
  });

  it("takes text for an unknown id where ids are numbers, and names the flag", async () => {
    const { code, stderr } = await inProcess([
      "recommend",
      model,
      "--history",
      "abc:3,3:4",
      "--only",
      "3,x",
      "--quiet",
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain('--history: the model does not know item "abc"');
    expect(stderr).toContain('--only: the model does not know item "x"');
  });

  it("keeps to --only from a file, leaves out --except, and says why the list is short", async () => {
    const only = await write(dir.file("only.txt"), "2\n3\n5\n12\n");
    const flags = ["--only", only, "--except", "12", "--include-seen", "--json"];
    const { code, stdout } = await lowrank(["recommend", model, "--user", "2", ...flags]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer.items.map(({ item }: { item: number }) => item).sort()).toEqual([2, 3, 5]);
    expect(answer.short).toMatchObject({ asked: 10, listed: 3 });
  });

  it.each([
    [[], "for whom? State --user <id>, --history <list> or --all"],
    [["--user", "1", "--all"], "--user and --all cannot go together"],
    [["--user", "1", "--json", "--csv"], "--json and --csv cannot go together"],
    [["--history", "1"], "has no rating"],
    [["--user", "1", "-n", "0"], "--n must be a whole number from 1"],
    [["--history", ""], "--history is empty"],
    [["--user", "1", "--only", "none.txt"], '--only: "none.txt" is neither item ids of the model nor a file'],
    [["--user", "1", "--only", "@none.txt"], "--only: none.txt: there is no such file"],
    [["--user", "1", "--only", "abc"], '--only: "abc" is neither item ids of the model nor a file'],
  ])("refuses %j with 2", async (flags, message) => {
    const { code, stdout, stderr } = await inProcess(["recommend", model, ...flags]);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("says that standard output cannot be written when the disk behind it is full, with 1", async () => {
    // /dev/full is Linux's; elsewhere a full disk cannot be had without being root.
    if (!existsSync("/dev/full")) return expect(process.platform).not.toBe("linux");
    const { spawnSync } = await import("node:child_process");
    const { main } = await import("./cli-support.ts");
    const line = `"${process.execPath}" "${main}" recommend "${model}" --all -q > /dev/full`;
    const { status, stderr } = spawnSync("sh", ["-c", line], { encoding: "utf8" });
    expect(stderr).toContain("standard output cannot be written (ENOSPC)");
    expect(status).toBe(1);
  });

  it("says of a history which items are there twice, and when ratings do not count", async () => {
    const twice = await inProcess(["recommend", model, "--history", "2:5,2:1,4:5"]);
    expect({ code: twice.code, stderr: twice.stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("--history: item 2 is there more than once; the last one counts"),
    });
    const rated = await inProcess(["recommend", clickModel, "--history", "2:5,4"]);
    expect(rated.stderr).toContain("this model does not look at ratings");
    const plain = await inProcess(["recommend", clickModel, "--history", "2,4"]);
    expect(plain.stderr).not.toContain("warning");
  });

  it("ends quietly when the reader of its output has seen enough", async () => {
    const { spawnSync } = await import("node:child_process");
    const { main } = await import("./cli-support.ts");
    const line = `"${process.execPath}" "${main}" recommend "${model}" --all -n 20 | head -n 1`;
    const { stdout, stderr } = spawnSync("sh", ["-c", line], { encoding: "utf8" });
    expect(stdout).toBe("user,place,item,score\n");
    expect(stderr).not.toContain("EPIPE");
  });
});

describe("lowrank similar and explain", () => {
  it("refuses --n beside --json for explain, which gives every reason", async () => {
    const { code, stderr } = await inProcess(["explain", model, "--user", "4", "--item", "12", "-n", "2", "--json"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--n acts on the printed table");
  });

  it("finds even items like item 2 and users 2, 4, … like user 6", async () => {
    const items = await lowrank(["similar", clickModel, "--item", "2", "-n", "5", "--json"]);
    expect(JSON.parse(items.stdout).similar.map(({ id }: { id: number }) => id % 2)).toEqual([0, 0, 0, 0, 0]);
    const users = await lowrank(["similar", clickModel, "--user", "6", "-n", "5", "--csv"]);
    const rows = users.stdout.trim().split("\n");
    expect(rows[0]).toBe("user,place,similarity,ratings");
    expect(rows.slice(1).map((row) => Number(row.split(",")[0]) % 2)).toEqual([0, 0, 0, 0, 0]);
  });

  it("takes a score apart into parts that add up to it", async () => {
    for (const file of [model, clickModel]) {
      const { code, stdout } = await lowrank(["explain", file, "--user", "2", "--item", "12", "--json"]);
      expect(code).toBe(0);
      const { score, baseline, contributions, remainder } = JSON.parse(stdout);
      const sum = contributions.reduce(
        (all: number, each: { contribution: number }) => all + each.contribution,
        baseline + remainder,
      );
      expect(Math.abs(sum - score)).toBeLessThan(1e-9);
    }
  });

  it("shows parts and total in a table whose last line is the score", async () => {
    const { stdout } = await lowrank(["explain", model, "--user", "2", "--item", "12", "-n", "2", "--titles", titles]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^ += \d\.\d{3} .*predicted rating$/);
    expect(lines.some((line) => line.includes("other items of the history"))).toBe(true);
  });

  it("names an unknown item and an unknown user with 1", async () => {
    const explained = await inProcess(["explain", model, "--user", "99", "--item", "98"]);
    expect(explained.code).toBe(1);
    expect(explained.stderr).toContain("user 99 and item 98 are unknown");
    const similar = await inProcess(["similar", model, "--item", "98"]);
    expect(similar.code).toBe(1);
    expect(similar.stderr).toContain("item 98 is not among the 30 items");
    const word = await inProcess(["similar", model, "--user", "abc"]);
    expect({ code: word.code, stderr: word.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`user "abc" is not among the 40 users of ${model}; lowrank inspect`),
    });
    const nobody = await inProcess(["explain", model, "--user", "abc", "--item", "3"]);
    expect({ code: nobody.code, stderr: nobody.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/user "abc" is unknown to .*; lowrank recommend .* --user abc --fallback popular/),
    });
  });
});

describe("lowrank evaluate", () => {
  it("measures als in 3 folds well below the RMSE of biases only", async () => {
    const args = ["evaluate", ratings, "--folds", "3", "--rank", "4", "-n", "5,10", "--json"];
    const { code, stdout } = await lowrank(args);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.folds).toHaveLength(3);
    expect(result.ranking.map(({ n }: { n: number }) => n)).toEqual([5, 10]);
    const biases = result.rulers.find(({ name }: { name: string }) => name === "biasOnly");
    expect(result.errors.rmse.mean).toBeLessThan(0.7 * biases.errors.rmse.mean);
  });

  it("measures a model file on test ratings beside three rulers, in a table with RMSE and NDCG", async () => {
    const test = await write(dir.file("test.csv"), "user,item,rating\n2,8,5\n2,9,1\n4,10,4.5\n999,2,3\n");
    const { code, stdout, stderr } = await lowrank(["evaluate", model, test]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +als +popularity +biases only +chance$/m);
    expect(stdout).toMatch(/^ {2}RMSE +\d\.\d{4} +– +\d\.\d{4} +\d\.\d{4}$/m);
    expect(stdout).toMatch(/^ {2}NDCG +(\d\.\d{4} *){4}$/m);
    expect(stderr).toContain("1 users in the held-out data are unknown");
  });

  it.each([
    [["--folds", "3", "--test-fraction", "0.2"], "--folds and --test-fraction are two ways"],
    [["--test-fraction", "0"], '--test-fraction must be a number above 0 and below 1, got "0"'],
    [["--test-latest", "1"], '--test-latest must be a number above 0 and below 1, got "1"'],
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
    const fit = await lowrank(["fit", ratings, "--rank", "4", "--no-history", "--quiet", "--out", bare]);
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
    const seen = await lowrank(["recommend", bare, "--user", "2", "--include-seen", "-n", "30", "--csv"]);
    expect(seen.stdout.trim().split("\n")).toHaveLength(31);
    const test = await write(dir.file("few.csv"), "user,item,rating\n2,8,5\n2,9,1\n4,10,4.5\n");
    const twin = await lowrank(["fit", ratings, "--rank", "4", "--quiet", "--out", dir.file("twin.safetensors")]);
    expect(twin.code).toBe(0);
    const [a, b] = await Promise.all([
      lowrank(["evaluate", bare, test, "--train", ratings, "--json"]),
      lowrank(["evaluate", dir.file("twin.safetensors"), test, "--json"]),
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
      /^: cut short: tensor "\w+" ends at byte \d+ of the data, \d+ are there$/m,
    ],
    [
      "cut in the header",
      () => readFileSync(model).subarray(0, 200),
      /^: cut short: the header takes \d+ bytes, 192 are there$/m,
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
      /^: not a lowrank model: no safetensors header at its start$/m,
    ],
    [
      "with a table that reaches beyond the file",
      () =>
        altered((header) => {
          const name = Object.keys(header).find((key) => key !== "__metadata__") as string;
          (header[name] as { data_offsets: number[] }).data_offsets[1] = 2 ** 40;
        }),
      /^: tensor "\w+" of shape .* needs \d+ bytes and has 1099511627776$/m,
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
  it("shows 800 ratings of 40 users and 30 items with a histogram that adds up", async () => {
    const [text, json] = await Promise.all([lowrank(["inspect", ratings]), lowrank(["inspect", ratings, "--json"])]);
    expect(text.stdout).toMatch(/^ {2}users +40 /m);
    expect(text.stdout).toMatch(/^ {2}items +30 /m);
    const facts = JSON.parse(json.stdout);
    const sum = facts.values.histogram.reduce((all: number, each: { count: number }) => all + each.count, 0);
    expect([facts.ratings, sum]).toEqual([800, 800]);
  });

  it("shows method, rank, settings and digest of a model, the digest that fit printed", async () => {
    const { stdout } = await lowrank(["inspect", model, "--json"]);
    const out = dir.file("again.safetensors");
    const fit = await lowrank(["fit", ratings, "--rank", "4", "--sweeps", "6", "--out", out, "--json"]);
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ kind: "model", rank: 4, provenance: { method: "als", passes: 6 } });
    expect(facts.digest).toBe(JSON.parse(fit.stdout).model.digest);
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
