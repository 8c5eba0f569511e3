/** `lowrank fit` and what it is connected to: standard input, pipes, readers that leave, signals. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, inProcess, lowrank, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof folder>>;
let ratings: string;

beforeAll(async () => {
  dir = await folder();
  ratings = await write(dir.file("ratings.csv"), smallRatings());
});

afterAll(() => dir.dispose());

describe("lowrank fit", () => {
  it("reads standard input for -", async () => {
    const out = dir.file("stdin.safetensors");
    const { code } = await lowrank(["fit", "-", "--rank", "4", "--out", out], { input: smallRatings() });
    expect(code).toBe(0);
    expect(existsSync(out)).toBe(true);
  });

  it("reads a pipe, by its name and as /dev/stdin, like the file", async () => {
    const files = ["piped", "stdin", "file"].map((name) => dir.file(`${name}.safetensors`));
    const args = (source: string, out: string) => ["fit", source, "--rank", "4", "--quiet", "--out", out];
    const pipe = dir.file("pipe.csv");
    execFileSync("mkfifo", [pipe]);
    const [piped, stdin, file] = await Promise.all([
      inProcess(args(pipe, files[0])),
      lowrank(args("/dev/stdin", files[1]), { input: smallRatings() }),
      inProcess(args(ratings, files[2])),
      writeFile(pipe, smallRatings()),
    ]);
    expect([piped, stdin, file].map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 3 }, () => ({ code: 0, stderr: "" })),
    );
    const [a, b, c] = files.map((name) => readFileSync(name));
    expect(a.equals(c) && b.equals(c)).toBe(true);
  });

  it("goes on when nobody reads its messages any more", async () => {
    const out = dir.file("unheard.safetensors");
    const { code } = await lowrank(["fit", ratings, "--rank", "4", "--sweeps", "40", "--out", out], { deaf: true });
    expect(code).toBe(0);
    expect(existsSync(out)).toBe(true);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("stops on %s with %d and leaves nothing half written", async (signal, expected) => {
    const here = await folder();
    let sent = false;
    const args = ["fit", ratings, "--rank", "32", "--sweeps", "10000", "--out", here.file("m.safetensors")];
    const { code, stderr } = await lowrank(args, {
      onStderr: (text, kill) => {
        if (sent || !text.includes("of 10000")) return;
        sent = true;
        kill(signal);
      },
    });
    expect(code).toBe(expected);
    expect(stderr).toMatch(/^lowrank fit: stopped$/m);
    expect(readdirSync(here.path)).toEqual([]);
    await here.dispose();
  });

  it.each([
    ["SIGINT", 130],
    ["SIGHUP", 129],
  ] as const)(
    "stops on %s while it reads, with %d, and leaves no copy of the data behind",
    async (signal, expected) => {
      const here = await folder();
      const out = here.file("m.safetensors");
      const { code, stderr } = await lowrank(["fit", "-", "--out", out], {
        env: { TMPDIR: here.path },
        input: smallRatings(),
        keepOpen: true,
        onStart: async (kill) => {
          const copies = () => readdirSync(here.path, { recursive: true, encoding: "utf8" });
          while (!copies().some((name) => name.endsWith(".part"))) await new Promise((later) => setTimeout(later, 20));
          kill(signal);
        },
      });
      expect({ code, stderr }).toEqual({ code: expected, stderr: "lowrank fit: stopped\n" });
      expect(readdirSync(here.path)).toEqual([]);
      await here.dispose();
    },
  );

  it("stops on SIGINT while it waits for a pipe that nobody writes to, with 130", async () => {
    const here = await folder();
    const pipe = here.file("pipe.csv");
    execFileSync("mkfifo", [pipe]);
    // The copy of the pipe is made in a folder that appears when the wait begins.
    const { code } = await lowrank(["fit", pipe, "--out", here.file("m.safetensors")], {
      env: { TMPDIR: here.path },
      onStart: async (kill) => {
        while (!readdirSync(here.path).some((name) => name.startsWith("lowrank-")))
          await new Promise((later) => setTimeout(later, 20));
        setTimeout(() => kill("SIGINT"), 200);
      },
    });
    expect(code).toBe(130);
    expect(readdirSync(here.path)).toEqual(["pipe.csv"]);
    await here.dispose();
  });

  it("says with 1 that there is no place for a copy of a pipe, and does not wait for one who writes to it", async () => {
    const here = await folder();
    const pipe = here.file("pipe.csv");
    execFileSync("mkfifo", [pipe]);
    const missing = here.file("none");
    const { code, stderr } = await lowrank(["fit", pipe, "--out", here.file("m.safetensors")], {
      env: { TMPDIR: missing },
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(missing) });
    await here.dispose();
  });
});
