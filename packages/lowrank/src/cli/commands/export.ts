/** `lowrank export`: a model file in, its tables as NumPy arrays out. */
import { extname } from "node:path";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { type ArrayName, arrayNames } from "../../file-words.ts";
import { UsageError } from "../exit.ts";
import { addOutputFlags, given, type OutputFlags, word } from "../flags.ts";
import { bytes, counted, listed } from "../format.ts";
import { loadModelFile } from "../load.ts";
import { inputFiles, refuseOverwritingInput } from "../overwriting.ts";
import type { Job, Shell } from "../shell.ts";

interface ExportFlags extends OutputFlags {
  array?: ArrayName;
}

export function addExport(program: Command, shell: Shell): void {
  const command = program
    .command("export")
    .summary("write a model's tables as NumPy arrays")
    .description(
      "Writes the tables of a model for NumPy: all of them into a .npz, or one into a .npy.\n" +
        "score = mean + user_bias[:, None] + item_bias + user_factors @ item_factors.T",
    )
    .argument("<model>", "a model file")
    .argument("<out>", "where the arrays go: a name that ends in .npz, or with --array in .npy")
    .option("--array <word>", `which one goes into a .npy: ${arrayNames.join(", ")}`, word("--array", arrayNames));
  addOutputFlags(command);
  command.action((model: string, out: string, flags: ExportFlags) =>
    exportArrays(shell.job(command, flags), model, out, flags),
  );
}

async function exportArrays({ output }: Job, file: string, out: string, flags: ExportFlags): Promise<void> {
  refuseOtherEnds(out, flags);
  const { checkArraysWritable, saveArrays } = await import("../../arrays/index.ts");
  const options = given("array", flags.array);
  const inputs = await inputFiles([file]);
  const words = { flag: "<out>", sources: "files that are read", result: "the arrays" };
  await refuseOverwritingInput(inputs, out, words);
  await checkArraysWritable(out, options);
  const model = await loadModelFile(file);
  const saved = await saveArrays(out, model, options);
  output.say(`${counted(saved.arrays.length, "array")} of ${file}: ${listed(saved.arrays)}`);
  output.print(`${out}, ${bytes(saved.bytes)}`);
  output.json({ file: out, ...saved });
}

/** One array goes into a .npy, all of them into a .npz. */
function refuseOtherEnds(out: string, { array }: ExportFlags): void {
  const end = extname(out).toLowerCase();
  if (end !== ".npz" && end !== ".npy")
    throw new UsageError(`the arrays go into a file that ends in .npz, or with --array in .npy, got ${show(out)}`, {
      out,
    });
  if (end === ".npy" && array === undefined)
    throw new UsageError(
      `a .npy holds one array; state which, such as --array user_factors, or name a .npz for all of them`,
      { out },
    );
  if (end === ".npz" && array !== undefined)
    throw new UsageError("--array acts only for a .npy; leave it out, a .npz holds all arrays", { out, array });
}
