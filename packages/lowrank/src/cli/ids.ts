/**
 * Ids as people type them: texts from flags, and files of ids, come in; ids of a model's kind go out.
 *
 * Text that cannot be an id of the model, such as `abc` where ids are whole numbers, is an unknown id like any other.
 */
import { readFile } from "node:fs/promises";
import { DataError, type Id, type IdMap } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { UsageError } from "./exit.ts";

/** A text as an id of this map's kind; as it stands where it cannot be one. */
export function idOf(ids: IdMap, text: string): Id {
  try {
    return ids.parse(text);
  } catch (error) {
    if (error instanceof DataError) return text;
    throw error;
  }
}

/**
 * Ids from flags such as `--only 1,2,3` or `--only @list.txt` (one id on each line). Without the `@` a file is read too,
 * unless one of the texts is an id of the model: ids go before files.
 *
 * @throws UsageError for a file that cannot be read, and for text that is neither
 */
export async function idList(flag: string, values: readonly string[], ids: IdMap): Promise<Id[]> {
  const found: Id[] = [];
  for (const value of values) found.push(...(await idsOf(flag, value, ids)));
  return found;
}

async function idsOf(flag: string, value: string, ids: IdMap): Promise<Id[]> {
  const isKnown = (text: string) => ids.has(idOf(ids, text));
  if (isKnown(value)) return [idOf(ids, value)];
  const parts = value.split(",").map((part) => part.trim());
  const texts = parts.filter((part) => part !== "");
  if (texts.some(isKnown)) return texts.map((text) => idOf(ids, text));
  if (value.startsWith("@")) return idsOfFile(flag, value.slice(1), ids);
  const lines = await linesOf(value).catch(() => undefined);
  if (lines !== undefined) return idsOfLines(flag, value, lines, ids);
  const noId = texts.find((text) => typeof idOf(ids, text) !== ids.kind || /[\\/]|\.(txt|csv|tsv|list)$/i.test(text));
  if (noId === undefined && texts.length > 0) return texts.map((text) => idOf(ids, text));
  throw new UsageError(
    `${flag}: ${show(value)} is neither ${ids.side} ids of the model nor a file; write ids with commas between, or @ and ` +
      "the path of a file with one id on each line",
    { flag, got: value },
  );
}

async function idsOfFile(flag: string, file: string, ids: IdMap): Promise<Id[]> {
  let lines: string[];
  try {
    lines = await linesOf(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" || code === "ENOTDIR"
        ? "there is no such file"
        : code === "EISDIR"
          ? "is a folder"
          : code === "EACCES"
            ? "may not be read"
            : `cannot be read (${code})`;
    throw new UsageError(`${flag}: ${file}: ${why}; give a file with one id on each line`, { flag, file, cause: code });
  }
  return idsOfLines(flag, file, lines, ids);
}

function idsOfLines(flag: string, file: string, lines: readonly string[], ids: IdMap): Id[] {
  return lines.flatMap((line, at) => {
    const text = line.trim();
    if (text === "") return [];
    const id = idOf(ids, text);
    if (typeof id === ids.kind) return [id];
    throw new UsageError(
      `${flag}: ${file} line ${at + 1}: ${show(text)} is no id, ${ids.side} ids are whole numbers in this model; give one id on each line`,
      { flag, file, line: at + 1, got: text },
    );
  });
}

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, "utf8")).replace(/^\ufeff/, "").split(/\r?\n/);
}
