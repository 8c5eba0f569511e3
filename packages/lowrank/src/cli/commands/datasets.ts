/** `lowrank datasets`: public rating data by name; what there is, and a download with a checksum. */
import { join } from "node:path";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { shellWord } from "../../shell-word.ts";
import { didYouMean, UsageError } from "../exit.ts";
import { addOutputFlags, type OutputFlags, text, word } from "../flags.ts";
import { bytes, count, listed, table } from "../format.ts";
import { countedProgress } from "../progress.ts";
import type { Job, Shell } from "../shell.ts";

interface DownloadFlags extends OutputFlags {
  to?: string;
  baseUrl?: string;
  checksum?: "known" | "beside";
}

export function addDatasets(program: Command, shell: Shell): void {
  const command = program
    .command("datasets")
    .summary("list public rating data, or download some")
    .description("Public rating data from their publisher, checked against the publisher's checksum.");
  const list = command.command("list", { isDefault: true }).description("list what can be downloaded (the default)");
  // As the default command it is also given words that are no command: those are told apart from its own arguments here.
  addOutputFlags(list).allowExcessArguments();
  list.action((flags: OutputFlags) => {
    const job = shell.job(list, flags);
    const [stray] = list.args;
    if (stray !== undefined)
      throw new UsageError(`unknown word ${show(stray)}${didYouMean(stray, ["download", "list"])}`);
    return listDatasets(job);
  });

  const download = command
    .command("download")
    .description("download and unpack one of them")
    .argument("<name>", "a name from the list")
    .option("--to <folder>", "where it goes; a folder of that name is made below it (the cache)", text("--to"))
    .option("--base-url <url>", "a mirror of the publisher's files", text("--base-url"))
    .option(
      "--checksum <word>",
      "known: the one this version knows; beside: from the .md5 file beside a new edition (known)",
      word("--checksum", ["known", "beside"]),
    );
  addOutputFlags(download);
  download.action((name: string, flags: DownloadFlags) => downloadOne(shell.job(download, flags), name, flags));
}

async function listDatasets(job: Job): Promise<void> {
  const { datasets, findDataset } = await import("../../datasets/index.ts");
  const rows = [];
  for (const dataset of datasets) rows.push({ ...dataset, folder: await findDataset(dataset.name) });
  job.output.json(rows);
  const columns = [
    { title: "name" },
    { title: "ratings", align: "right" },
    { title: "users", align: "right" },
    { title: "items", align: "right" },
    { title: "download", align: "right" },
    { title: "here", flexible: true },
  ] as const;
  job.output.print(
    ...table(
      columns,
      rows.map((row) => [
        row.name,
        count(row.ratings),
        count(row.users),
        count(row.items),
        bytes(row.bytes),
        row.folder ?? "",
      ]),
      job.output.width,
    ),
  );
  job.output.say("", "Get one: lowrank datasets download <name> [--to <folder>]");
}

async function downloadOne(job: Job, name: string, flags: DownloadFlags): Promise<void> {
  const { datasets, downloadDataset } = await import("../../datasets/index.ts");
  const names = datasets.map((dataset) => dataset.name);
  const dataset = datasets.find((candidate) => candidate.name === name);
  if (dataset === undefined) {
    throw new UsageError(`there is no data set ${show(name)}; there are ${listed(names)}`, { name, names });
  }
  job.output.say(`Getting ${dataset.title} from its publisher`);
  const progress = countedProgress(job.output, bytes);
  try {
    const folder = await downloadDataset(name, {
      to: flags.to,
      baseUrl: flags.baseUrl,
      checksum: flags.checksum,
      signal: job.signal,
      onProgress: ({ done, total }) => progress.update(done, total),
    });
    progress.stop();
    job.output.print(folder);
    job.output.say(
      `  terms: ${dataset.terms}`,
      `  ${dataset.homepage}`,
      `Next: lowrank fit ${shellWord(join(folder, dataset.ratingsFile.path))}`,
    );
    job.output.json({ name, folder });
    return;
  } finally {
    progress.stop();
  }
}
