/** Text for a terminal: what may reach it, how many columns it takes, and how it is cut to fit. */

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
// Escape sequences in a title must not reach the terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const plainAscii = /^[\x20-\x7e]*$/;

/** Text without control characters, each replaced by a blank. */
export function printable(text: string): string {
  return text.replace(control, " ");
}

/** Signs that commands write, for a terminal that shows ASCII alone; others, such as those of titles, stay. */
const inAsciiSigns: Readonly<Record<string, string>> = {
  ...{
    "×": "x",
    "−": "-",
    "–": "-",
    "·": "-",
    "±": "+-",
    "…": "...",
    "‖": "||",
    "²": "^2",
    "★": "*",
    "≥": ">=",
    "≤": "<=",
  },
  ...{ "←": "<-", "→": "->", "█": "#", "▉": "#", "▊": "#", "▋": "#", "▌": "#", "▍": ".", "▎": ".", "▏": ".", "░": "." },
};
const ownSigns = new RegExp(`[${Object.keys(inAsciiSigns).join("")}]`, "g");

/** A text with what commands write beyond ASCII put into signs that every terminal has. */
export function inAscii(text: string): string {
  return text.replace(ownSigns, (sign) => inAsciiSigns[sign]);
}

/** Columns a text takes in a terminal: East Asian wide characters and emoji take two. */
export function displayWidth(text: string): number {
  if (plainAscii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** Cuts a text to at most `width` columns, the last one an ellipsis when something was cut. */
export function shortened(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const size = wide.test(segment) ? 2 : 1;
    if (used + size > width - 1) break;
    kept += segment;
    used += size;
  }
  return `${kept.trimEnd()}…`;
}
