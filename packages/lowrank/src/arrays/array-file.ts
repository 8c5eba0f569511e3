/**
 * Arrays on a disk: `Y.npy`, an archive with one array in it (`data.npz`), or one of several by its name, written like a
 * file in a folder (`data.npz/Y`). A path comes in, an array goes out.
 */
import { open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DataError } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { readWhole } from "../inputs.ts";
import { type ZipEntry, zipContent, zipEntries } from "../zip/index.ts";
import { decodeNpy, type NpyArray } from "./npy.ts";
import { NPY_MAGIC, type Refuse } from "./npy-header.ts";

export interface ArrayFile {
  /** What to call it in messages */
  readonly name: string;
  readonly array: NpyArray;
  readonly refuse: Refuse;
}

/** A path taken apart: a file, and which array of the archive that it is. */
interface Place {
  readonly file: string;
  /** Undefined: the file itself, or the only array in it */
  readonly member: string | undefined;
}

/**
 * Reads one array.
 *
 * @param path of an array file, of an archive with one array, or of an archive, a slash, and the array's name
 * @param name what to call it in errors
 * @throws DataError with what is wrong and what to do
 */
export async function readArray(path: string, name = path): Promise<ArrayFile> {
  const place = await placeOf(path);
  const isZip = (await arrayKind(place.file)) === "zip";
  if (place.member !== undefined && !isZip)
    throw refusalOf(name)("is a path inside a file that is no .npz archive", "check the path");
  return isZip ? readMember(place, name) : readFile(place.file, name);
}

/** The file that a path leads to: the archive where it names an array inside one. */
export async function fileOf(path: string): Promise<string> {
  return (await placeOf(path)).file;
}

/** Whether a path names an array inside an archive: no such file is there, but an archive above it is. */
export async function isMemberPath(path: string): Promise<boolean> {
  const { file, member } = await placeOf(path);
  return member !== undefined && (await arrayKind(file)) === "zip";
}

async function placeOf(path: string): Promise<Place> {
  const whole: Place = { file: path, member: undefined };
  for (let file = path; !(await isThere(file)); ) {
    const above = dirname(file);
    if (above === file || above === ".") return whole;
    file = above;
    const info = await stat(file).catch(() => undefined);
    if (info?.isFile()) return { file, member: path.slice(file.length).replace(/^[\\/]+/, "") };
  }
  return whole;
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** What a file is by its first bytes. */
export async function arrayKind(path: string): Promise<"npy" | "zip" | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { buffer } = await file.read(Buffer.alloc(NPY_MAGIC.length), 0, NPY_MAGIC.length, 0);
    if (buffer.equals(NPY_MAGIC)) return "npy";
    return buffer.toString("latin1", 0, 4) === "PK\u0003\u0004" ? "zip" : undefined;
  } catch {
    return undefined; // a folder, or a pipe
  } finally {
    await file.close();
  }
}

/** Whether a zip archive is one of arrays; a damaged one is taken at its name, so that `readArray` says what is wrong. */
export async function holdsArrays(path: string, name: string): Promise<boolean> {
  const entries = await zipEntries(path, name).catch(() => undefined);
  return entries?.some(isArray) ?? name.toLowerCase().endsWith(".npz");
}

const isArray = (entry: ZipEntry) => entry.name.endsWith(".npy");

function refusalOf(name: string): Refuse {
  return (why, remedy = "write it again with numpy.save(path, array)") => {
    throw new DataError(`${name}: ${why}; ${remedy}`, { file: name });
  };
}

async function readFile(file: string, name: string): Promise<ArrayFile> {
  const error = (why: string, cause?: unknown) => new DataError(`${name}: ${why}`, { file: name }, cause);
  const kind = "give a NumPy file, .npy or .npz";
  const bytes = await readWhole(file, error, { missing: "check the path", kind });
  const refuse = refusalOf(name);
  return { name, array: decodeNpy(bytes, refuse), refuse };
}

async function readMember({ file, member }: Place, name: string): Promise<ArrayFile> {
  const entries = (await zipEntries(file, name)).filter(isArray);
  const entry = memberOf(entries, member, file, name);
  const called = member === undefined ? `${name}/${arrayName(entry)}` : name;
  const refuse = refusalOf(called);
  return { name: called, array: decodeNpy(await zipContent(file, entry, name), refuse), refuse };
}

const arrayName = (entry: ZipEntry) => entry.name.slice(0, -".npy".length);

function memberOf(entries: readonly ZipEntry[], member: string | undefined, file: string, name: string): ZipEntry {
  const refuse = refusalOf(name);
  if (entries.length === 0)
    return refuse(
      "is a zip archive without NumPy arrays",
      "unpack it and give the file inside, or write one with numpy.savez",
    );
  if (member === undefined) {
    if (entries.length === 1) return entries[0];
    // A copy of standard input has a path of its own, which means nothing to anybody.
    const isNamed = resolve(name) === resolve(file);
    const remedy = isNamed
      ? `say which, such as ${show(`${name}/${arrayName(entries[0])}`)}`
      : "give it as a file, to say which";
    return refuse(`holds ${entries.length} arrays: ${namesOf(entries)}`, remedy);
  }
  const found = entries.filter((entry) => entry.name === member || arrayName(entry) === member);
  if (found.length === 1) return found[0];
  return refuse(
    found.length === 0 ? `there is no array of that name in the archive` : "the archive holds that array twice",
    `it holds ${namesOf(entries)}`,
  );
}

function namesOf(entries: readonly ZipEntry[]): string {
  const shown = entries.slice(0, 8).map((entry) => show(arrayName(entry)));
  return entries.length > shown.length ? `${shown.join(", ")}, …` : shown.join(", ");
}
