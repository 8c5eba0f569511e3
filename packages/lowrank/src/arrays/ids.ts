/** Ids of a matrix' rows or columns: a list, a NumPy array or lines of text come in, checked ids go out, in their order. */
import { DataError, type Id, IdMap, OptionError } from "@lowrank/core";
import { readWhole } from "../inputs.ts";
import { arrayKind, isMemberPath, readArray } from "./array-file.ts";
import { numbersOf, textsOf, typeText } from "./npy.ts";

/** A list of ids, or the path of one: a NumPy array of whole numbers or text, or a text file with one id on each line. */
export type IdSource = string | readonly Id[];

/**
 * @param count how many there must be
 * @param place what the ids belong to, for errors: `rows of Y.npy`
 * @throws DataError naming file and line, or position
 */
export async function readIds(
  source: IdSource,
  side: "user" | "item",
  count: number,
  place: string,
): Promise<readonly Id[]> {
  if ((typeof source !== "string" || source === "") && !Array.isArray(source))
    throw new OptionError("readMatrix", `${side}Ids`, source, "a list of ids, or the path of one");
  const name = typeof source === "string" ? source : `${side}Ids`;
  const ids = typeof source === "string" ? await idsOfFile(source) : source;
  if (ids.length !== count)
    throw new DataError(`${name}: holds ${ids.length} ids, and there are ${count} ${place}; give one id for each`, {
      file: name,
      got: ids.length,
      expected: count,
    });
  try {
    IdMap.of(ids, side);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${name}: ${error.message.replace(/^ids: /, "")}`, { ...error.facts, file: name }, error);
  }
  return ids;
}

async function idsOfFile(path: string): Promise<readonly Id[]> {
  const isArray = (await arrayKind(path)) !== undefined || (await isMemberPath(path));
  return isArray ? idsOfArray(path) : idsOfText(path);
}

async function idsOfArray(path: string): Promise<readonly Id[]> {
  const { array, refuse } = await readArray(path);
  if (array.shape.length !== 1) refuse(`has ${array.shape.length} dimensions; a list of ids has 1`);
  if (array.kind === "U") return textsOf(array, refuse);
  if (array.kind !== "i" && array.kind !== "u")
    refuse(`holds ${typeText(array)}; ids are whole numbers or text`, "write ids.astype('i8') or ids.astype('U')");
  const ids = Array.from(numbersOf(array, refuse));
  const at = ids.findIndex((id) => !Number.isSafeInteger(id));
  if (at >= 0) refuse(`id ${at + 1} is beyond ±(2^53 − 1)`, "write the ids as text: ids.astype('U')");
  return ids;
}

/** Numbers when all of them are whole numbers that read the same when written again, as for files of ratings. */
async function idsOfText(path: string): Promise<readonly Id[]> {
  const error = (why: string, cause?: unknown) => new DataError(`${path}: ${why}`, { file: path }, cause);
  const kind = "give a text file with one id on each line, or a NumPy array";
  const bytes = await readWhole(path, error, { missing: "check the path", kind });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw error("is neither a NumPy array nor text in UTF-8; give one id on each line, in UTF-8", cause);
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  if (lines.at(-1) === "") lines.pop();
  const empty = lines.indexOf("");
  if (empty >= 0) throw error(`line ${empty + 1} is empty; give one id on each line`);
  const areNumbers = lines.every((line) => String(Number(line)) === line && Number.isSafeInteger(Number(line)));
  return areNumbers ? lines.map(Number) : lines;
}
