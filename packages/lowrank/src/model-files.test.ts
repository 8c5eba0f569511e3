import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModel, type FactorModel, IdMap, LowrankError, ModelFileError } from "@lowrank/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkWritable, loadModel, saveModel } from "./model-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-models-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function model(users: number, rank: number): FactorModel {
  return {
    kind: "factors",
    rank,
    users: IdMap.of(
      Array.from({ length: users }, (_, user) => user + 1),
      "user",
    ),
    items: IdMap.of(["a", "b", "ü"], "item"),
    userFactors: Float32Array.from({ length: users * rank }, (_, index) => (index % 17) / 8 - 1),
    itemFactors: Float32Array.from({ length: 3 * rank }, (_, index) => index / 4),
    userBias: undefined,
    itemBias: undefined,
    mean: 3.3,
    scale: "rating",
    range: { min: 1, max: 5 },
    objective: undefined,
    history: undefined,
    provenance: {
      method: "als",
      options: { rank },
      seed: 1,
      dataHash: "0".repeat(16),
      backend: "reference",
      version: "0.1.0",
      passes: 3,
    },
  };
}

describe("saveModel and loadModel", () => {
  it("give the model back, and its file is the very bytes of encodeModel", async () => {
    const path = join(folder, "model.safetensors");
    const given = model(40, 3);
    const { bytes } = await saveModel(path, given);
    expect(new Uint8Array(await readFile(path))).toEqual(encodeModel(given));
    expect(bytes).toBe((await stat(path)).size);
    const loaded = (await loadModel(path)) as FactorModel;
    expect([loaded.userFactors, [...loaded.items.ids()], loaded.mean]).toEqual([
      given.userFactors,
      ["a", "b", "ü"],
      3.3,
    ]);
  });

  it("replace a file as a whole, follow a link to it, and leave nothing else in the folder", async () => {
    const own = join(folder, "replace");
    await mkdir(own);
    const path = join(own, "real.safetensors");
    await saveModel(path, model(4, 2));
    await symlink(path, join(own, "link.safetensors"));
    await saveModel(join(own, "link.safetensors"), model(5, 2));
    expect((await loadModel(path)).users.size).toBe(5);
    expect((await readdir(own)).sort()).toEqual(["link.safetensors", "real.safetensors"]);
  });

  it("are written where a link leads, and a link to that, before there is a file", async () => {
    const own = join(folder, "dangling");
    await mkdir(join(own, "there"), { recursive: true });
    await symlink(join("there", "real.safetensors"), join(own, "near.safetensors"));
    await symlink(join(own, "near.safetensors"), join(own, "far.safetensors"));
    await saveModel(join(own, "far.safetensors"), model(4, 2));
    expect(await readdir(join(own, "there"))).toEqual(["real.safetensors"]);
    expect((await readdir(own)).sort()).toEqual(["far.safetensors", "near.safetensors", "there"]);
    expect((await loadModel(join(own, "near.safetensors"))).users.size).toBe(4);
  });

  it("leave the permissions of a file as they were when it is replaced", async () => {
    const path = join(folder, "private.safetensors");
    await saveModel(path, model(4, 2));
    for (const mode of [0o600, 0o664]) {
      await chmod(path, mode);
      await saveModel(path, model(5, 2));
      expect((await stat(path)).mode & 0o777).toBe(mode);
    }
  });

  it("leave the old file as it was when the model does not fit together", async () => {
    const own = join(folder, "bad-model");
    await mkdir(own);
    const path = join(own, "m.safetensors");
    await saveModel(path, model(4, 2));
    await expect(saveModel(path, { ...model(4, 2), mean: Number.NaN })).rejects.toThrow();
    expect((await loadModel(path)).users.size).toBe(4);
    expect(await readdir(own)).toEqual(["m.safetensors"]);
  });

  it("are refused with the reason: no folder, a folder as the name, a device", async () => {
    const outputs = [
      [join(folder, "none", "m.safetensors"), "there is no folder"],
      [folder, "is a folder, so no model can be written there"],
      ["/dev/null", "is no plain file"],
      ["/proc/m.safetensors", "the folder /proc takes no new files"],
    ] as const;
    const known = { win32: 2, linux: 4 }[process.platform as string] ?? 3;
    for (const [path, reason] of outputs.slice(0, known)) {
      // One after the other: a promise that waits for its turn may be refused before anybody listens to it.
      for (const write of [() => checkWritable(path), () => saveModel(path, model(1, 1))]) {
        const error = await write().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(LowrankError);
        expect(error).toMatchObject({ code: "output", message: expect.stringContaining(reason) });
      }
    }
  });

  it("read nothing that is no model, and say what it is", async () => {
    const path = join(folder, "short.safetensors");
    await saveModel(path, model(40, 3));
    await truncate(path, 300);
    const csv = join(folder, "a.csv");
    await writeFile(csv, "user,item,rating\n1,2,3\n");
    for (const [file, reason] of [
      [path, "short.safetensors"],
      [csv, "not a lowrank model"],
      [join(folder, "none.safetensors"), "there is no such file"],
      [folder, "is a folder"],
    ] as const) {
      const error = await loadModel(file).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ModelFileError);
      expect((error as Error).message).toContain(reason);
    }
  });
});

describe("checkWritable", () => {
  it("passes for a new and for an existing file, and changes neither", async () => {
    const own = join(folder, "trial");
    await mkdir(own);
    await writeFile(join(own, "old"), "old");
    await checkWritable(join(own, "new"));
    await checkWritable(join(own, "old"));
    expect(await readdir(own)).toEqual(["old"]);
    expect(await readFile(join(own, "old"), "utf8")).toBe("old");
  });

  it("names a folder that may not be written to, as another user than root", async () => {
    const own = join(folder, "locked");
    await mkdir(own);
    await chmod(folder, 0o755);
    await chmod(own, 0o555);
    const built = new URL("../dist/model-files.js", import.meta.url).href;
    const code = `const { checkWritable } = await import(${JSON.stringify(built)});
      if (process.getuid?.() === 0) process.setuid(65534);
      const said = await checkWritable(${JSON.stringify(join(own, "m.safetensors"))}).then(() => "written", (error) => error.message);
      console.log(said);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    for await (const piece of child.stdout) output += piece;
    await chmod(own, 0o755);
    expect(output).toMatch(/m\.safetensors: cannot be written: the folder .*locked may not be written to/);
  });
});
