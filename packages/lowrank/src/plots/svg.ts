/** Pieces of SVG text: numbers and words written safely and always alike, the frame around a picture, its colours. */
import { Digest } from "@lowrank/core/support";

/** A coordinate in pixels, to a hundredth. */
export function px(value: number): string {
  const text = value.toFixed(2).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as content or attribute. Control characters, which XML does not allow, become blanks; lone surrogates U+FFFD. */
export function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/g, " ")
      .replace(/[\ud800-\udfff]/gu, "\ufffd")
      .replace(/[&<>"']/g, (sign) => entities[sign])
  );
}

/** Widths of letters in em, a little generous: fonts differ from reader to reader. */
const narrow = /[ijlI.,:;'|!()[\] ft]/;
const wideLatin = /[mwMW@%—]/;
const capital = /[A-Z]/;

/** About how wide a text will be, in pixels. */
export function textWidth(text: string, size: number): number {
  let em = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) as number;
    if (code >= 0x1100 && code < 0x1fff) em += 0.7;
    else if (code >= 0x2e80) em += 1.05;
    else em += narrow.test(letter) ? 0.36 : wideLatin.test(letter) ? 0.95 : capital.test(letter) ? 0.7 : 0.62;
  }
  return em * size;
}

/** The text, cut with an ellipsis where it would be wider than `width` pixels. */
export function fitted(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  let kept = "";
  for (const letter of text) {
    if (textWidth(`${kept}${letter}…`, size) > width) break;
    kept += letter;
  }
  return `${kept.trimEnd()}…`;
}

/**
 * Six hues, with steps of their own for dark surfaces. The nearest two are 5.5 apart (Oklab, times 100) for the three kinds of
 * colour blindness, of the first three 9; marks differ in shape, and every line bears its name.
 */
const hues = [
  { light: "#2a78d6", dark: "#4a93ee" },
  { light: "#eb6834", dark: "#d95926" },
  { light: "#1baf7a", dark: "#2bbf8a" },
  { light: "#4a3aa7", dark: "#7a5fd6" },
  { light: "#eda100", dark: "#f0b429" },
  { light: "#e87ba4", dark: "#f08fb8" },
] as const;

const light = {
  surface: "#fcfcfb",
  ink: "#0b0b0b",
  second: "#52514e",
  quiet: "#77756f",
  grid: "#e4e3dc",
  axis: "#b9b8af",
};
const dark: typeof light = {
  surface: "#1a1a19",
  ink: "#ffffff",
  second: "#c3c2b7",
  quiet: "#96948c",
  grid: "#2f2f2c",
  axis: "#55544f",
};

function rules(colours: typeof light, mode: "light" | "dark"): string {
  const { surface, ink, second, quiet, grid, axis } = colours;
  return [
    `.lr-surface{fill:${surface}}`,
    `.lr-ink{fill:${ink}}.lr-second{fill:${second}}.lr-quiet{fill:${quiet}}`,
    `.lr-grid{stroke:${grid}}.lr-axis{stroke:${axis}}.lr-rule{stroke:${quiet}}.lr-outline{stroke:${ink}}`,
    `.lr-missing{fill:${grid}}.lr-hatch{stroke:${axis}}`,
    ...hues.map((hue, at) => `.lr-line${at}{stroke:${hue[mode]}}.lr-mark${at}{fill:${hue[mode]};stroke:${surface}}`),
  ].join("");
}

const style =
  ".lr text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}" +
  ".lr path{fill:none}.lr .lr-shape{stroke-width:1.5}" +
  `${rules(light, "light")}@media (prefers-color-scheme:dark){${rules(dark, "dark")}}`;

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
}

/**
 * A whole picture: a surface of its own, so that it can be read on any page, light or dark as the reader's system is. No
 * script, no font to fetch; title and description for readers who cannot see it.
 */
export function picture({ width, height, title, description }: Frame, body: readonly string[]): string {
  const id = `lr${new Digest().addText(`${title}\n${description}\n${body.join("\n")}`).hex()}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lr" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}t ${id}d">`,
    `<title id="${id}t">${escaped(title)}</title>`,
    `<desc id="${id}d">${escaped(description)}</desc>`,
    `<style>${style}</style>`,
    `<rect class="lr-surface" width="${width}" height="${height}" rx="8"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

/** Pixels between two pictures. */
const STACK_GAP = 12;

/** Whole pictures below one another, as one; each keeps its title and description. */
export function stacked(
  pictures: readonly { readonly text: string; readonly width: number; readonly height: number }[],
): string {
  const width = Math.max(...pictures.map((one) => one.width));
  let height = -STACK_GAP;
  const placed = pictures.map((one) => {
    const y = height + STACK_GAP;
    height = y + one.height;
    return one.text.replace("<svg ", `<svg y="${y}" `).trimEnd();
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    ...placed,
    "</svg>",
    "",
  ].join("\n");
}

interface TextStyle {
  readonly size: number;
  readonly tone?: "ink" | "second" | "quiet";
  readonly anchor?: "start" | "middle" | "end";
  readonly bold?: boolean;
}

/** One line of text, its baseline at (x, y). */
export function text(
  x: number,
  y: number,
  words: string,
  { size, tone = "ink", anchor = "start", bold = false }: TextStyle,
): string {
  const weight = bold ? ' font-weight="600"' : "";
  const where = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return `<text class="lr-${tone}" x="${px(x)}" y="${px(y)}" font-size="${size}"${where}${weight}>${escaped(words)}</text>`;
}
