import { existsSync } from "node:fs";
import { version } from "@lowrank/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildProgram } from "../src/cli/program.ts";
import { Shell } from "../src/cli/shell.ts";
import { folder, inProcess, type Result, smallFiles, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof smallFiles>>["dir"];
let model: string;
let ratings: string;
let clickModel: string;
let titles: string;

beforeAll(async () => {
  ({ dir, ratings, titles, model, clickModel } = await smallFiles());
});

afterAll(() => dir.dispose());

describe("lowrank", () => {
  it("refuses help on a command that is not there, with 2 and the near one", async () => {
    const { code, stdout, stderr } = await inProcess(["help", "recomend"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('unknown command "recomend"; did you mean recommend?');
  });

  it("shows all 11 commands and exits with 0, with --help and without arguments", async () => {
    const commands = [
      "fit",
      "evaluate",
      "sweep",
      "recommend",
      "similar",
      "explain",
      "export",
      "inspect",
      "datasets",
      "doctor",
      "demo",
    ];
    for (const args of [["--help"], []]) {
      const { code, stdout } = await inProcess(args);
      expect(code).toBe(0);
      for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    }
  });

  it("prints its version", async () => {
    expect(await inProcess(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("refuses a mistyped command with 2 and suggests the right one", async () => {
    const { code, stdout, stderr } = await inProcess(["fti"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe("lowrank: unknown command 'fti'; did you mean fit?\n");
  });

  it("has --json, --quiet and --debug on each of the 12 commands that do something", () => {
    const program = buildProgram(
      new Shell(new AbortController().signal, { out: process.stdout, err: process.stderr }, {}),
    );
    const commands = program.commands.flatMap((command) =>
      command.commands.length > 0 ? command.commands : [command],
    );
    expect(commands).toHaveLength(12);
    for (const command of commands) {
      const flags = command.options.map((option) => option.long);
      expect(flags, command.name()).toEqual(expect.arrayContaining(["--json", "--quiet", "--debug"]));
    }
  });
});

describe("lowrank recommend", () => {
  it("lists even items first for user 2, with titles, leaving out what the user has rated", async () => {
    const { code, stdout } = await inProcess(["recommend", model, "--user", "2", "--titles", titles, "-n", "3"]);
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
      inProcess(["recommend", model, "--user", "7", "-n", "4", "--json"]),
      inProcess(["recommend", model, "--all", "-n", "4", "--titles", titles]),
      inProcess(["recommend", model, "--all", "-n", "4", "--json"]),
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
    const unknown = await inProcess(["recommend", model, "--user", "99"]);
    expect({ code: unknown.code, stdout: unknown.stdout }).toEqual({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain("user 99 is not among the 40 users");
    expect(unknown.stderr).toContain("--fallback popular");
    const popular = await inProcess(["recommend", model, "--user", "bob", "--fallback", "popular", "-n", "3"]);
    expect(popular.code).toBe(0);
    expect(popular.stdout.trim().split("\n")).toHaveLength(4);
    expect(popular.stderr).toContain("unknown to this model; the most rated items instead");
  });

  it("lists odd items for somebody new who likes odd ones, and names what it does not know", async () => {
    const { code, stdout, stderr } = await inProcess([
      ...["recommend", model, "--history", "1:5,3:5,5:4.5,2:1,4:1,777:3", "-n", "5", "--json"],
    ]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer.items.map(({ item }: { item: number }) => item % 2)).toEqual([1, 1, 1, 1, 1]);
    expect(answer.unknownHistory).toEqual([777]);
    expect(stderr).toContain("does not know item 777");
  });

  it("takes clicks without ratings as a history of a click model", async () => {
    const { code, stdout } = await inProcess(["recommend", clickModel, "--history", "2,4,8", "-n", "4", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).items.map(({ item }: { item: number }) => item % 2)).toEqual([0, 0, 0, 0]);
  });

  it("takes what --only names for ids where the model knows one, else for a file, and @ for a file always", async () => {
    const here = await folder();
    await write(here.file("12"), "2\n");
    await write(here.file("list"), "12\n\n14\n");
    const args = ["recommend", model, "--user", "2", "--include-seen", "--json", "--quiet", "--only"];
    const items = ({ code, stdout, stderr }: Result) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout)
        .items.map(({ item }: { item: number }) => item)
        .sort((a: number, b: number) => a - b);
    };
    expect(items(await inProcess([...args, "12"], { cwd: here.path }))).toEqual([12]);
    expect(items(await inProcess([...args, "@12"], { cwd: here.path }))).toEqual([2]);
    expect(items(await inProcess([...args, here.file("list")]))).toEqual([12, 14]);
    expect(items(await inProcess([...args, `@${here.file("list")}`]))).toEqual([12, 14]);
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
    const { code, stdout } = await inProcess(["recommend", model, "--user", "2", ...flags]);
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
    const items = await inProcess(["similar", clickModel, "--item", "2", "-n", "5", "--json"]);
    expect(JSON.parse(items.stdout).similar.map(({ id }: { id: number }) => id % 2)).toEqual([0, 0, 0, 0, 0]);
    const users = await inProcess(["similar", clickModel, "--user", "6", "-n", "5", "--csv"]);
    const rows = users.stdout.trim().split("\n");
    expect(rows[0]).toBe("user,place,similarity,ratings");
    expect(rows.slice(1).map((row) => Number(row.split(",")[0]) % 2)).toEqual([0, 0, 0, 0, 0]);
  });

  it("takes a score apart into parts that add up to it", async () => {
    for (const file of [model, clickModel]) {
      const { code, stdout } = await inProcess(["explain", file, "--user", "2", "--item", "12", "--json"]);
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
    const { stdout } = await inProcess([
      "explain",
      model,
      "--user",
      "2",
      "--item",
      "12",
      "-n",
      "2",
      "--titles",
      titles,
    ]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^ += \d\.\d{3} .*predicted rating$/);
    expect(lines.some((line) => line.includes("other items of the history"))).toBe(true);
  });

  it("tells the reason of a remainder in full below the table, in lines of 100 columns", async () => {
    const out = dir.file("short.safetensors");
    const settings = ["--method", "gradient", "--steps", "3", "--rank", "4", "--quiet"];
    expect((await inProcess(["fit", ratings, ...settings, "--out", out])).code).toBe(0);
    const { stdout } = await inProcess(["explain", out, "--user", "2", "--item", "12"]);
    expect(stdout).toMatch(/^ +[+-]\d\.\d{3} +not explained by the history, see below$/m);
    expect(stdout.replace(/\s+/g, " ")).toContain("training stopped before its rows settled");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("shows the ratings of the history with 4 digits", async () => {
    const thirds = smallRatings().replace(/(\d+,\d+,)([\d.]+)/g, (_, ids, rating) => `${ids}${Number(rating) / 3}`);
    const file = await write(dir.file("thirds.csv"), thirds);
    const out = dir.file("thirds.safetensors");
    expect((await inProcess(["fit", file, "--rank", "4", "--quiet", "--out", out])).code).toBe(0);
    const { stdout } = await inProcess(["explain", out, "--user", "2", "--item", "12"]);
    expect(stdout).toMatch(/ 0\.8333 | 1\.167 | 1\.333 | 1\.667 /);
    expect(stdout).not.toMatch(/\d\.\d{5}/);
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
