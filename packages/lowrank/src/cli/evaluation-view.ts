/** What `lowrank evaluate` found, as a table and sentences: a row for each figure, a column for the model and each ruler. */
import type { Evaluation, FigureSpreads, RankingMetric, Spread } from "@lowrank/core";
import { type Column, count, counted, decimal, hanging, table } from "./format.ts";
import type { Output } from "./output.ts";
import { columnTitle } from "./words.ts";

/** Figures of one measurement in the shape of figures over folds. */
export function singleSpread(figures: Pick<Evaluation, "name" | "scale" | "errors" | "ranking">): FigureSpreads {
  const one = (value: number): Spread => ({ mean: value, deviation: undefined, values: [value] });
  const { name, scale, errors, ranking } = figures;
  return {
    name,
    scale,
    errors: errors && { rmse: one(errors.rmse), mae: one(errors.mae) },
    ranking: ranking?.map((row) => ({
      n: row.n,
      precision: one(row.precision),
      recall: one(row.recall),
      hitRate: one(row.hitRate),
      ndcg: one(row.ndcg),
      map: one(row.map),
      mrr: one(row.mrr),
      coverage: one(row.coverage),
    })),
  };
}

const rankingRows: readonly (readonly [RankingMetric | "coverage", string])[] = [
  ["ndcg", "NDCG"],
  ["recall", "recall"],
  ["precision", "precision"],
  ["hitRate", "hit rate"],
  ["map", "MAP"],
  ["mrr", "MRR"],
  ["coverage", "items shown to anyone"],
];

/** The table: a row for each figure, a column for the model and each ruler. */
export function tellEvaluation(
  output: Output,
  own: FigureSpreads,
  rulers: readonly FigureSpreads[],
  evaluations: readonly Evaluation[],
): void {
  const all = [own, ...rulers];
  const columns: Column[] = [
    { title: "" },
    ...all.map((each) => ({ title: columnTitle(each.name), align: "right" as const })),
  ];
  // The spread over folds beside the model alone: rulers are there for comparison, and the table must fit a terminal.
  const row = (label: string, pick: (each: FigureSpreads) => Spread | undefined, isError = false) => [
    label,
    ...all.map((each) => shown(pick(each), each === own, isError)),
  ];
  const rows: string[][] = [];
  if (all.some((each) => each.errors !== undefined)) {
    rows.push(
      ["rating error (lower is better)"],
      row("  RMSE", (each) => each.errors?.rmse, true),
      row("  MAE", (each) => each.errors?.mae, true),
    );
  }
  for (const [at, { n }] of (own.ranking ?? []).entries()) {
    rows.push([`lists of ${n} (higher is better)`]);
    for (const [metric, title] of rankingRows) rows.push(row(`  ${title}`, (each) => each.ranking?.[at]?.[metric]));
  }
  const { alreadyInTraining, records } = evaluations[0].counts;
  if (alreadyInTraining > 0) {
    const share = alreadyInTraining === records ? "all" : `${count(alreadyInTraining)} of`;
    const were = alreadyInTraining === 1 ? "was" : "were";
    output.warn(
      `${share} ${counted(records, "test record")} ${were} trained on, so these figures are better than the truth`,
    );
  }
  output.say("");
  output.print(...table(columns, rows, output.width, ""), "");
  const sentences = [...remarks(evaluations), ...adviceOnLists(own, rulers)];
  output.say(...sentences.flatMap((sentence) => hanging(sentence, output.width)));
}

function remarks(evaluations: readonly Evaluation[]): string[] {
  const [{ counts, catalogue, notes }] = evaluations;
  const inFirst = evaluations.length > 1 ? `in the first of ${evaluations.length} parts, ` : "";
  return [
    `held out: ${inFirst}${counted(counts.records, "rating")}; ${counted(counts.usersRanked, "user")} with ` +
      `${counted(counts.relevant, "relevant item")}, ranked among all ${count(catalogue)} items`,
    ...notes,
  ];
}

/** What to do when the lists are no better than those that know nothing of the user. */
function adviceOnLists(own: FigureSpreads, rulers: readonly FigureSpreads[]): string[] {
  const popular = rulers.find((ruler) => ruler.name === "popularity")?.ranking?.[0].ndcg.mean;
  const ndcg = own.ranking?.[0].ndcg.mean;
  if (popular === undefined || ndcg === undefined || ndcg > popular) return [];
  const remedy =
    own.name === "als" ? "als is made to predict ratings; for lists, use --method ials" : "try other settings";
  return [`the lists are no better than the most popular items; ${remedy}`];
}

/** @param isError in the unit of the ratings; other figures are shares */
function shown(spread: Spread | undefined, withDeviation: boolean, isError: boolean): string {
  if (spread === undefined) return "–";
  const mean = isError ? decimal(spread.mean, 4) : spread.mean.toFixed(4);
  if (spread.deviation === undefined || !withDeviation) return mean;
  return `${mean} ± ${isError ? decimal(spread.deviation, 4, spread.mean) : spread.deviation.toFixed(4)}`;
}
