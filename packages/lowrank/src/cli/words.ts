/** Names of the API in the words of a command line: options as flags, rulers as column titles. */
import { duplicatePolicies, methods, type OptionSpec } from "@lowrank/core";

/** `biasRegularization` → `bias-regularization`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** An option's name as words of a sentence: `regularizationExponent` is `regularization exponent`. */
export function words(name: string): string {
  return kebab(name).replaceAll("-", " ");
}

/** Options of the readers that go by another name on the command line. */
const renamedFlags: Readonly<Record<string, string>> = {
  user: "--user-column",
  item: "--item-column",
  rating: "--rating-column",
  time: "--time-column",
  onBadRow: "--bad-rows",
};

/** An option's flag, `biasRegularization` → `--bias-regularization`, where there is one. @param has whether a flag is there */
export function flagOf(option: string, has: (flag: string) => boolean): string | undefined {
  const renamed = renamedFlags[option];
  if (renamed !== undefined && has(renamed)) return renamed;
  const flag = `--${kebab(option)}`;
  return has(flag) ? flag : undefined;
}

/**
 * A sentence of the API for the command line: `raise learningRate` is `raise --learning-rate`, `missing: "zero"` is `--missing zero`,
 * `rank is 8 there and 4 here` is `--rank is …`, `schedule "cosine"` is `--schedule cosine`, and `als()` is `--method als`. Only names that could be nothing else are looked at: `rank` is a word too, and what is quoted
 * or part of a path is somebody's own.
 *
 * @param has whether the command has a flag
 */
export function inFlags(sentence: string, has: (flag: string) => boolean): string {
  return sentence
    .replace(/(?<!["\w./-])([a-z]\w*) "([\w-]+)"(?!, "| or ")/g, (whole, name: string, value: string) => {
      const flag = `--${kebab(name)}`;
      return has(flag) && isChoice(name, value) ? `${flag} ${value}` : whole;
    })
    .replace(
      /(?<!["\w./-])([a-z]\w*): (?:"([\w-]+)"|(\d[\d.]*\d|\d))/g,
      (whole, name: string, choice?: string, value?: string) => {
        const flag = `--${kebab(name)}`;
        return has(flag) && (choice === undefined || isChoice(name, choice)) ? `${flag} ${choice ?? value}` : whole;
      },
    )
    .replace(/(?<!["\w./-])([a-z]\w*) is (?=\S+ there and )/g, (whole, name: string) => {
      const flag = flagOf(name, has);
      return flag === undefined ? whole : `${flag} is `;
    })
    .replace(/(?<!["\w./-])[a-z]+[A-Z]\w*(?![\w"./(])/g, (name) => flagOf(name, has) ?? name)
    .replace(/(?<!["\w./-])([a-z]\w*)\(\)/g, (whole, name: string) =>
      Object.hasOwn(methods, name) && has("--method") ? `--method ${name}` : whole,
    );
}

/** Whether a word is one that an option takes: `user "clipping"` is a user. */
function isChoice(option: string, value: string): boolean {
  const policies: readonly string[] = duplicatePolicies;
  if (option === "duplicates") return policies.includes(value);
  return Object.values(methods).some(({ options }: { readonly options: Readonly<Record<string, OptionSpec>> }) => {
    const spec = Object.hasOwn(options, option) ? options[option] : undefined;
    return spec?.type === "choice" && spec.choices.includes(value);
  });
}

const rulerTitles: Readonly<Record<string, string>> = { biasOnly: "biases only", random: "chance" };

/** What a ruler, or a method, is called at the head of its column. */
export function columnTitle(name: string): string {
  return rulerTitles[name] ?? name;
}
