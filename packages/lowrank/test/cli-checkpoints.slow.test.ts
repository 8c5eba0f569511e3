/** `lowrank fit --checkpoint --resume`: stopped, resumed, run again, refused. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCheckpoint, saveCheckpoint } from "../src/index.ts";
import { folder, inProcess, lowrank, main, smallRatings, write } from "./cli-support.ts";

let dir: Awaited<ReturnType<typeof folder>>;
let ratings: string;

beforeAll(async () => {
  dir = await folder();
  ratings = await write(dir.file("ratings.csv"), smallRatings());
});

afterAll(() => dir.dispose());

/** The command of these tests, with files in a folder of their own. */
async function command(...more: string[]) {
  const here = await folder();
  const [model, checkpoint] = [here.file("m.safetensors"), here.file("run.ckpt")];
  const args = ["fit", ratings, "--method", "als", "--rank", "8", "--out", model, ...more];
  const keep = ["--checkpoint", checkpoint];
  const again = [...keep, "--resume", checkpoint];
  return { here, model, checkpoint, args, keep, again, bytes: () => readFileSync(model) };
}

describe("lowrank fit --checkpoint --resume", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "stopped by %s keeps the pass it was in, with %d, and ends in the bytes of an undisturbed run",
    async (signal, code) => {
      const { here, checkpoint, args, again, bytes } = await command(
        "--sweeps",
        "3000",
        "--validation",
        "0.2",
        "--patience",
        "5000",
      );
      let sent = false;
      const stopped = await lowrank([...args, ...again], {
        onStderr: (text, kill) => {
          if (sent || !text.includes("of 3000")) return;
          sent = true;
          kill(signal);
        },
      });
      expect(stopped.code).toBe(code);
      expect(stopped.stderr).toMatch("run.ckpt is not there yet: training starts from the beginning");
      expect(stopped.stderr).toMatch("Stopping at the end of this sweep");
      expect(stopped.stderr).toMatch(
        /run\.ckpt keeps the first \d+ sweeps?; go on with --checkpoint and --resume \S+run\.ckpt/,
      );
      expect(stopped.stderr).toMatch(/^lowrank fit: stopped$/m);
      expect(readdirSync(here.path)).toEqual(["run.ckpt"]);
      const { passes } = await loadCheckpoint(checkpoint);
      const resumed = await lowrank([...args, ...again, "--threads", "2"]);
      expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
      expect(resumed.stderr).toMatch(new RegExp(`going on from .*run\\.ckpt, after ${passes} sweeps? of 3000\\n`));
      expect(resumed.stdout).toMatch(new RegExp(`resumed +after ${passes} sweep`));
      const model = bytes();
      expect(readdirSync(here.path).sort()).toEqual(["m.safetensors", "run.ckpt"]);
      const undisturbed = await lowrank([...args, "--quiet"]);
      expect({ code: undisturbed.code, stderr: undisturbed.stderr }).toEqual({ code: 0, stderr: "" });
      expect(bytes()).toEqual(model);
      await here.dispose();
    },
  );

  it("run again when all is done gives the same file at once, and more sweeps go on from there", async () => {
    const { here, args, again, bytes } = await command();
    expect((await inProcess([...args, "--sweeps", "3", ...again, "--checkpoint-every", "2"])).code).toBe(0);
    const three = bytes();
    const second = await inProcess([...args, "--sweeps", "3", ...again]);
    expect(second.stderr).toMatch("after 3 sweeps of 3, which is all of them");
    expect(bytes()).toEqual(three);
    const longer = await inProcess([...args, "--sweeps", "7", ...again, "--json"]);
    expect(JSON.parse(longer.stdout)).toMatchObject({
      report: { resumedAfter: 3, passes: 7 },
      checkpoint: { passes: 7, file: expect.stringContaining("run.ckpt") },
    });
    const seven = bytes();
    await inProcess([...args, "--sweeps", "7"]);
    expect(bytes()).toEqual(seven);
    await here.dispose();
  });

  it("goes on from one file and keeps another, or keeps none", async () => {
    const { here, args, keep, checkpoint, bytes } = await command();
    await inProcess([...args, "--sweeps", "5"]);
    const undisturbed = bytes();
    await inProcess([...args, "--sweeps", "3", ...keep]);
    const before = readFileSync(checkpoint);
    const other = here.file("other.ckpt");
    const kept = await inProcess([...args, "--sweeps", "5", "--resume", checkpoint, "--checkpoint", other]);
    expect(kept.code).toBe(0);
    expect(bytes()).toEqual(undisturbed);
    expect((await loadCheckpoint(other)).passes).toBe(5);
    expect((await inProcess([...args, "--sweeps", "5", "--resume", checkpoint])).code).toBe(0);
    expect(readFileSync(checkpoint)).toEqual(before);
    // No sweep is left to make, and the other file is written nevertheless; its own is left as it is.
    const copy = here.file("copy.ckpt");
    const done = await inProcess([...args, "--sweeps", "3", "--resume", checkpoint, "--checkpoint", copy]);
    expect({ code: done.code, stdout: done.stdout }).toEqual({ code: 0, stdout: expect.stringContaining("copy.ckpt") });
    expect(await loadCheckpoint(copy)).toMatchObject({ passes: 3, loss: (await loadCheckpoint(checkpoint)).loss });
    await inProcess([...args, "--sweeps", "3", "--resume", checkpoint, "--checkpoint", checkpoint]);
    expect(readFileSync(checkpoint)).toEqual(before);
    await here.dispose();
  });

  it("refuses with 2 what cannot go together, before any training, and touches no file", async () => {
    const { here, args, keep, checkpoint, model } = await command("--sweeps", "2");
    const refusals: [string[], RegExp][] = [
      [["--checkpoint-every", "3"], /--checkpoint-every acts only with --checkpoint/],
      [["--checkpoint-every", "0", ...keep], /--checkpoint-every must be a whole number of at least 1, got "0"/],
      [["--resume-across-builds"], /--resume-across-builds acts only with --resume/],
      [["--checkpoint", "-"], /--checkpoint -: a checkpoint is a file/],
      [["--resume", "-"], /--resume -: a checkpoint is a file/],
      [["--checkpoint", model], /--checkpoint .*m\.safetensors is where the model goes/],
      [
        ["--checkpoint", here.file("a.npz"), "--arrays", here.file("a.npz")],
        /--checkpoint .*a\.npz is where the file of arrays goes/,
      ],
      [
        ["--checkpoint", ratings],
        /--checkpoint .*ratings\.csv is one of the rating files; name another file for the checkpoint/,
      ],
    ];
    for (const [more, message] of refusals) {
      const { code, stderr } = await inProcess([...args, ...more]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    }
    expect(readdirSync(here.path)).toEqual([]);
    expect((await inProcess([...args, ...keep])).code).toBe(0);
    const before = readFileSync(checkpoint);
    const { code, stderr } = await inProcess([...args, ...keep]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /that file is there already; to go on from it say --resume \S+run\.ckpt too, else remove it/,
      ),
    });
    expect(readFileSync(checkpoint)).toEqual(before);
    await here.dispose();
  });

  it("refuses with 1 a checkpoint of another training, a damaged one, another file and one that is not there", async () => {
    const { here, args, keep, again, checkpoint, model } = await command("--sweeps", "3");
    await inProcess([...args, ...keep]);
    const refused = async (more: readonly string[], message: string | RegExp) => {
      const { code, stderr } = await inProcess(more);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
      expect(stderr).not.toContain("going on from");
    };
    await refused(
      [...args, ...again, "--seed", "4", "--bias-regularization", "1"],
      /another training: --bias-regularization is 3 there and 1 here; --seed is 0 there and 4 here/,
    );
    await refused(
      [...args, ...again, "--validation", "0.2"],
      /the ratings are not the same .*; nothing is watched there and held-out RMSE here/,
    );
    await refused([...args, ...again, "--backend", "reference"], /backend is "wasm" there and "reference" here/);
    const bytes = readFileSync(checkpoint);
    writeFileSync(checkpoint, bytes.subarray(0, bytes.length - 1));
    await refused([...args, ...again], /run\.ckpt: cut short/);
    bytes[bytes.length - 9] ^= 1;
    writeFileSync(checkpoint, bytes);
    await refused(
      [...args, ...again],
      /run\.ckpt: damaged: .*; take another copy of the file, or start anew without it/,
    );
    writeFileSync(checkpoint, readFileSync(model));
    await refused([...args, ...again], /run\.ckpt: not a lowrank checkpoint: a model file/);
    await refused([...args, "--resume", here.file("none.ckpt")], /none\.ckpt: there is no such file; check the path/);
    await here.dispose();
  });

  it("goes on from another build or version only with --resume-across-builds", async () => {
    const { here, args, keep, checkpoint } = await command("--sweeps", "3", "--reproducible");
    await inProcess([...args, ...keep]);
    const { encodeCheckpointParts } = await import("@lowrank/core");
    const made = await loadCheckpoint(checkpoint);
    await saveCheckpoint(checkpoint, encodeCheckpointParts({ ...made, version: "0.0.1" }));
    const refused = await inProcess([...args, "--resume", checkpoint]);
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/version is "0\.0\.1" there .*; resume with --resume-across-builds if/),
    });
    expect((await inProcess([...args, "--resume", checkpoint, "--resume-across-builds"])).code).toBe(0);
    await here.dispose();
  });

  it("tells with 1, before it reads a rating, that no checkpoint can be written in a folder that is not there", async () => {
    const { here, args } = await command("--sweeps", "2");
    const { code, stderr } = await inProcess([...args, "--checkpoint", here.file("none/run.ckpt")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/run\.ckpt: cannot be written: there is no folder/),
    });
    expect(stderr).not.toMatch("Read ratings.csv");
    await here.dispose();
  });

  it("removes what killed processes of this machine left half written, and nothing else", async () => {
    const { here, args, keep } = await command("--sweeps", "2");
    const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 6);
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    const leftovers = [`.run.ckpt.${host}-${gone}-012abc.part`, `.m.safetensors.${host}-${gone}-345def.part`];
    const others = [
      `.run.ckpt.${host}-${process.pid}-012abc.part`,
      `.run.ckpt.000000-${gone}-012abc.part`,
      `.other.${host}-${gone}-012abc.part`,
    ];
    for (const name of [...leftovers, ...others]) writeFileSync(here.file(name), "half");
    expect((await inProcess([...args, ...keep])).code).toBe(0);
    expect(readdirSync(here.path).sort()).toEqual([...others, "m.safetensors", "run.ckpt"].sort());
    await here.dispose();
  });
});

describe("a disk that is full", () => {
  /** Runs with a limit on the length of files, in units of 512 bytes, as a disk that has no more room. */
  function limited(units: number, args: readonly string[]) {
    const script = `trap '' XFSZ; ulimit -f ${units}; exec "$0" "$@"`;
    const { status, stdout, stderr } = spawnSync("sh", ["-c", script, process.execPath, main, ...args], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    return { code: status, stdout, stderr };
  }

  it("is told with 1 before the first pass when no checkpoint fits, and nothing is left", async () => {
    const { here, args, keep } = await command("--sweeps", "4");
    const { code, stderr } = limited(4, [...args, ...keep]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/run\.ckpt: cannot be written/) });
    expect(stderr).not.toMatch("sweep 1 of");
    expect(readdirSync(here.path)).toEqual([]);
    await here.dispose();
  });

  it("that fills up later is warned of, training goes on, and the model is saved", async () => {
    const more = ["--sweeps", "4", "--validation", "0.2", "--no-history", "--checkpoint-every", "1"];
    const { here, args, keep, checkpoint } = await command(...more);
    const whole = limited(1000, [...args, ...keep]);
    expect(whole).toMatchObject({ code: 0 });
    // The best model is in it from the first pass on, not before.
    const full = readFileSync(checkpoint).length;
    await here.dispose();
    const again = await command(...more);
    const { code, stderr } = limited(Math.floor(full / 512), [...again.args, ...again.keep]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /warning: .*run\.ckpt: cannot be written.*training goes on; what is kept is the first 0 sweeps/,
      ),
    });
    expect((await loadCheckpoint(again.checkpoint)).passes).toBe(0);
    expect(readdirSync(again.here.path).sort()).toEqual(["m.safetensors", "run.ckpt"]);
    await again.here.dispose();
  });
});
