/** How scores and items are written in lists, the same in every command. */
import type { Id, Scale } from "@lowrank/core";
import { type Column, figure } from "./format.ts";

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

/** Ratings with two decimals, other scores with three significant digits. */
export function scoreText(scale: Scale, score: number): string {
  return scale === "rating" ? score.toFixed(2) : figure(score, 3);
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

/** A number with its sign: `+0.12`, `-0.03`. */
export function signed(value: number, decimals = 3): string {
  const text = Math.abs(value).toFixed(decimals);
  return `${value < 0 && Number(text) !== 0 ? "-" : "+"}${text}`;
}
