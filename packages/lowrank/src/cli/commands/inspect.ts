/** `lowrank inspect`: what is in a rating file or a model file, without training anything. */
import { stat } from "node:fs/promises";
import {
  describeRatings,
  type FactorModel,
  type IdMap,
  type Model,
  modelDigest,
  type NetModel,
  type Ratings,
  type RatingsDescription,
} from "@lowrank/core";
import { rounded, show } from "@lowrank/core/support";
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import { addOutputFlags, addReadingFlags, type OutputFlags, type ReadingFlags, readOptions } from "../flags.ts";
import { bar, bytes, count, counted, factLines, figure, percent, scaleNumber, table } from "../format.ts";
import { isModelFile, loadModelFile, loadRatings } from "../load.ts";
import { actingSettings, settingText } from "../settings.ts";
import type { Job, Shell } from "../shell.ts";

type InspectFlags = ReadingFlags & OutputFlags;

export function addInspect(program: Command, shell: Shell): void {
  const command = program
    .command("inspect")
    .summary("show what is in rating files or a model file")
    .description("Shows what is in rating files, together one data set, or in a model file.")
    .argument("<files...>", "rating files, or one model file");
  addReadingFlags(command);
  addOutputFlags(command);
  command.action((files: string[], flags: InspectFlags) => inspect(shell.job(command, flags), files, flags));
}

async function inspect(job: Job, files: readonly string[], flags: InspectFlags): Promise<void> {
  const models = await Promise.all(files.map(isModelFile));
  if (!models.includes(true)) {
    const { ratings, notes } = await loadRatings(job, files, readOptions(flags, job.signal));
    tellRatings(job, ratings, notes);
    return;
  }
  if (files.length > 1) throw new UsageError(`${files[models.indexOf(true)]} is a model file; inspect it alone`);
  tellModel(job, files[0], await loadModelFile(files[0]), (await stat(files[0])).size);
}

function tellRatings({ output }: Job, ratings: Ratings, notes: readonly string[]): void {
  const facts = describeRatings(ratings);
  const { values, perUser, perItem, times } = facts;
  const right = (title: string) => ({ title, align: "right" as const });
  const noun = ratings.hasRatings ? "ratings each" : "clicks each";
  const spreadRow = (name: string, spread: RatingsDescription["perUser"]) => [
    name,
    count(spread.count),
    ...[spread.min, spread.tenth, spread.median, spread.ninetieth, spread.max].map(count),
    figure(spread.mean, 3),
    count(spread.withOne),
  ];
  output.say("");
  output.print(
    ...table(
      ["", noun, "least", "tenth", "half", "nine tenths", "most", "mean", "with one"].map((title, c) =>
        c === 0 ? { title } : right(title === noun ? "how many" : title),
      ),
      [spreadRow("users", perUser), spreadRow("items", perItem)],
      output.width,
    ),
    "",
    ...histogramLines(ratings, values.histogram, output.width),
    ...factLines(
      [
        ["values", `${valuesText(values)}`],
        ["top ten items", `${percent(facts.topTenItemsShare)} of the ${ratings.hasRatings ? "ratings" : "clicks"}`],
        ["ids", `users: ${idsText(ratings.users)}; items: ${idsText(ratings.items)}`],
        ["times", times === undefined ? "none" : `${timeText(times.first)} to ${timeText(times.last)}`],
        ["data hash", ratings.hash],
      ],
      output.width,
    ),
  );
  output.json({
    kind: "ratings",
    report: ratings.report,
    hasRatings: ratings.hasRatings,
    ...facts,
    hash: ratings.hash,
    notes,
  });
}

function valuesText(values: RatingsDescription["values"]): string {
  if (values.min === values.max) return `all ${scaleNumber(values.min)}`;
  const { min, median, max, mean, deviation } = values;
  return `${scaleNumber(min)} to ${scaleNumber(max)}, half up to ${scaleNumber(median)}, mean ${figure(mean)}, standard deviation ${figure(deviation)}`;
}

function histogramLines(ratings: Ratings, bars: RatingsDescription["values"]["histogram"], width: number): string[] {
  if (bars === undefined || bars.length < 2) return [];
  const most = Math.max(...bars.map((each) => each.count));
  const columns = [
    { title: ratings.hasRatings ? "rating" : "count", align: "right" },
    { title: "how many", align: "right" },
    { title: "share", align: "right" },
    { title: "" },
  ] as const;
  const rows = bars.map((each) => [
    rounded(each.value),
    count(each.count),
    `${((100 * each.count) / ratings.size).toFixed(1)} %`,
    bar(each.count / most, Math.max(6, Math.min(40, width - 34))),
  ]);
  return [...table(columns, rows, width), ""];
}

function idsText(ids: IdMap): string {
  const first = ids.id(0);
  const last = ids.id(ids.size - 1);
  return ids.kind === "number" ? `whole numbers from ${first} to ${last}` : `text from ${show(first)} to ${show(last)}`;
}

/** Seconds since 1970 as a date where they can be that, else the number. */
function timeText(time: number): string {
  return time >= 1e8 && time < 1e11 ? new Date(1000 * time).toISOString().slice(0, 10) : String(time);
}

/** `als, rank 32, biases of users and items`; `net, rank 32, layers 64 to 32 to 1 and a product, without biases`; `itemKnn, 51,200 weights between items`. */
function modelText(model: Model): string {
  const { method } = model.provenance;
  if (model.kind === "items") return `${method}, ${count(model.weights.value.length)} weights between items`;
  const sides = biasedSides(model);
  const biases = sides.length === 0 ? "without biases" : `biases of ${sides.join(" and ")}`;
  return `${method}, rank ${model.rank}, ${netText(model)}${biases}`;
}

function biasedSides(model: Model): string[] {
  if (model.kind === "items") return [];
  return [...(model.userBias === undefined ? [] : ["users"]), ...(model.itemBias === undefined ? [] : ["items"])];
}

/** `layers 64 to 64 to 32 to 1 and a product, ` for a net. */
function netText(model: FactorModel | NetModel): string {
  if (model.kind === "factors") return "";
  const widths = [2 * model.rank, ...model.layers.map(({ outputs }) => outputs)];
  return `layers ${widths.join(" to ")}${model.product === undefined ? "" : " and a product"}, `;
}

function tellModel({ output }: Job, file: string, model: Model, fileBytes: number): void {
  const { users, items, scale, range, history, provenance } = model;
  const [rank, mean] = model.kind === "items" ? [undefined, undefined] : [model.rank, model.mean];
  const digest = modelDigest(model);
  const settings = actingSettings(provenance.method, provenance.options).map(([name, value]) =>
    settingText(name, value),
  );
  const scaleText =
    scale === "rating"
      ? `predicted ratings${range === undefined ? "" : ` from ${scaleNumber(range.min)} to ${scaleNumber(range.max)}`}, mean ${figure(mean ?? 0)}`
      : scale === "preference"
        ? model.kind === "items"
          ? "preference: the more of what speaks for an item a user has, the higher"
          : "preference: near 1 for what a user would choose, near 0 for the rest"
        : "log-odds of a choice";
  output.print(
    ...factLines(
      [
        ["model", modelText(model)],
        ["users", `${count(users.size)}, ${idsText(users)}`],
        ["items", `${count(items.size)}, ${idsText(items)}`],
        ["scores", scaleText],
        ["history", history === undefined ? "left out" : `${count(history.index.length)} training ratings`],
        [
          "trained",
          `${counted(provenance.passes, "pass", "passes")}, seed ${provenance.seed}, ${provenance.backend}, lowrank ${provenance.version}`,
        ],
        ["settings", settings.join(", ")],
        ["data hash", provenance.dataHash],
        ["digest", digest],
        ["file", `${file}, ${bytes(fileBytes)}`],
      ],
      output.width,
    ),
  );
  output.json({
    kind: "model",
    file,
    bytes: fileBytes,
    rank,
    layers: model.kind === "net" ? model.layers.map(({ inputs, outputs }) => ({ inputs, outputs })) : undefined,
    product: model.kind === "net" ? model.product !== undefined : undefined,
    weights: model.kind === "items" ? { kind: model.weights.kind, count: model.weights.value.length } : undefined,
    values: model.kind === "items" ? model.values : undefined,
    users: { count: users.size, kind: users.kind },
    items: { count: items.size, kind: items.kind },
    biases: biasedSides(model),
    mean,
    scale,
    range,
    history: history === undefined ? undefined : history.index.length,
    digest,
    provenance,
  });
}
