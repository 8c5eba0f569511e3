/** How scores and items are written in lists, the same in every command. */
import type { Id, Model, Scale } from "@lowrank/core";
import { type Column, decimal, figure } from "./format.ts";

const scoreTitles: Readonly<Record<Scale, string>> = { rating: "predicted", preference: "score", logit: "log-odds" };

/** Heading of a column of scores. */
export function scoreTitle(scale: Scale): string {
  return scoreTitles[scale];
}

/** Columns of a list: place, figure, id, title. @param side what the ids are */
export function listColumns(
  figureTitle: string,
  titles: ReadonlyMap<string, string>,
  side: "user" | "item" = "item",
): readonly Column[] {
  return [
    { title: "", align: "right" },
    { title: figureTitle, align: "right" },
    { title: side, align: "right" },
    { title: titles.size > 0 ? "title" : "", flexible: true },
  ];
}

/** The largest rating that a model was trained on, by which its figures are written; undefined for scores that are no ratings. */
export function ratingSize({ scale, range }: Pick<Model, "scale" | "range">): number | undefined {
  if (scale !== "rating" || range === undefined) return undefined;
  return Math.max(Math.abs(range.min), Math.abs(range.max));
}

/** Ratings with two decimals where these say something, other scores with three significant digits. */
export function scoreText(model: Pick<Model, "scale" | "range">, score: number): string {
  return model.scale === "rating" ? decimal(score, 2, ratingSize(model)) : figure(score, 3);
}

/** The title of an item, or nothing. */
export function titled(titles: ReadonlyMap<string, string>, item: Id): string {
  return titles.get(String(item)) ?? "";
}

/** `260, Star Wars (1977)`, or the id alone. */
export function named(titles: ReadonlyMap<string, string>, item: Id): string {
  const title = titles.get(String(item));
  return title === undefined ? String(item) : `${item}, ${title}`;
}

/** A number with its sign: `+0.12`, `-0.03`. @param size of the numbers that it stands among */
export function signed(value: number, size?: number): string {
  const text = decimal(Math.abs(value), 3, size ?? 1);
  return `${value < 0 && Number(text) !== 0 ? "-" : "+"}${text}`;
}
