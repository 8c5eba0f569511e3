/**
 * Environments of the rivals, made when a table first needs them and kept below .cache/bench: a virtual environment for each
 * set of Python packages, a folder for npm packages, and LIBMF compiled from its sources. What they hold stands in
 * rival-packages.ts. Each folder ends with a note of what it was made from; without it, or with another, it is made anew.
 */
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type NpmSet,
  npmSets,
  type PythonPackages,
  type PythonSet,
  pythonSets,
  type SourceSet,
  sourceSets,
} from "./rival-packages.ts";

/** Below it lies everything that benches download or make; ignored by git. */
export const cache = fileURLToPath(new URL("../../.cache/bench/", import.meta.url));

/** A rival that cannot be had on this machine; its message is the reason, in one line. */
export class RivalMissing extends Error {
  override readonly name = "RivalMissing";
}

/**
 * Path of a Python that has the set's packages. LOWRANK_BENCH_PYTHON names one to be used for every set instead.
 *
 * @throws RivalMissing when they do not install
 */
export async function pythonWith(set: PythonSet): Promise<string> {
  const given = process.env.LOWRANK_BENCH_PYTHON;
  if (given !== undefined) return given;
  const { packages, compile }: PythonPackages = pythonSets[set];
  const made = await madeOnce(`python-${set}`, pythonSets[set], async (folder) => {
    await command("python3", ["-m", "venv", folder]);
    const fromSource = compile === undefined ? [] : ["--no-binary", compile.packages.join(",")];
    const flags = compile === undefined ? {} : { CFLAGS: compile.flags, CXXFLAGS: compile.flags };
    await command(join(folder, "bin", "python"), [...pip, "install", ...fromSource, ...packages], flags);
  });
  return join(made, "bin", "python");
}

/**
 * The folder whose node_modules has the set's packages.
 *
 * @throws RivalMissing when they do not install
 */
export function npmWith(set: NpmSet): Promise<string> {
  return madeOnce(`npm-${set}`, npmSets[set], async (folder) => {
    await writeFile(join(folder, "package.json"), '{ "private": true }\n');
    await command("npm", [
      "install",
      "--loglevel=error",
      "--no-audit",
      "--no-fund",
      "--prefix",
      folder,
      ...npmSets[set].packages,
    ]);
  });
}

/**
 * A shared library compiled here, for this processor, from the sources of a package.
 *
 * @throws RivalMissing when it cannot be had
 */
export async function libraryOf(set: SourceSet): Promise<string> {
  const { pythonPackage, source, flags } = sourceSets[set];
  const made = await madeOnce(`source-${set}`, sourceSets[set], async (folder) => {
    const python = join(folder, "venv", "bin", "python");
    await command("python3", ["-m", "venv", join(folder, "venv")]);
    await command(python, [...pip, "install", "setuptools", "wheel"]);
    const download = ["download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "-d", folder];
    await command(python, [...pip, ...download, pythonPackage]);
    const archive = (await readdir(folder)).find((name) => name.endsWith(".tar.gz"));
    if (archive === undefined) throw new RivalMissing(`${pythonPackage} has no source distribution`);
    await command("tar", ["-xzf", join(folder, archive), "--strip-components=1", "-C", folder]);
    await command("g++", [...flags, "-shared", "-fPIC", join(folder, source), "-o", join(folder, LIBRARY)]);
  });
  return join(made, LIBRARY);
}

const LIBRARY = "library.so";
const pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"];

/** Makes a folder of the cache, unless it is there and made from the same. */
async function madeOnce(name: string, from: object, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cache, name);
  const note = join(folder, "made-from.json");
  const wanted = JSON.stringify(from);
  if ((await readFile(note, "utf8").catch(() => undefined)) === wanted) return folder;
  console.error(
    `installing the rivals of ${name} into .cache/bench/${name}, once; it may take minutes (see .cache/bench/commands.log)`,
  );
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await make(folder);
  await writeFile(note, wanted);
  return folder;
}

/** @throws RivalMissing with the last line of its complaint */
async function command(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const code = await new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (status, signal) => resolve(status ?? signal ?? "no status"));
  });
  const log = join(cache, "commands.log");
  await mkdir(dirname(log), { recursive: true });
  await writeFile(log, `$ ${program} ${args.join(" ")}\n${said}\n`, { flag: "a" });
  if (code === 0) return;
  const called = [basename(program), ...args.filter((word) => !word.startsWith("-") && !isAbsolute(word))].join(" ");
  throw new RivalMissing(`${called} failed: ${said === "" ? code : reason(said)}`);
}

/** The line of an installer's complaint that says most, without addresses: it may go into a page. */
function reason(said: string): string {
  const lines = said.split("\n").map((line) => line.trim());
  const error =
    lines.find((line) => /^npm error 404 {2}\S/.test(line)) ??
    lines.findLast((line) => /^\w*Error: /.test(line)) ??
    lines.findLast((line) => /error/i.test(line));
  return (error ?? lines.at(-1) ?? "").replace(/https?:\S+/g, "").slice(0, 200);
}
