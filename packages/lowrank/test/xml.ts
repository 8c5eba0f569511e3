/** A small reader of XML, strict in what SVG text must keep to: one root, closed tags, quoted attributes, known entities. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (Element | string)[];
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

function unescaped(text: string): string {
  if (/[<>]/.test(text)) throw new Error(`a bracket in text: ${text}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/u.test(text))
    throw new Error("a character that XML does not allow");
  return text.replace(/&[^;]*;?/g, (entity) => {
    const sign = entities[entity];
    if (sign === undefined) throw new Error(`an unknown entity: ${entity}`);
    return sign;
  });
}

/** @throws Error for text that is not well-formed */
export function parseXml(text: string): Element {
  const root: Element = { name: "", attributes: {}, children: [] };
  const open = [root];
  const rest = text.replace(
    /<(\/?)([a-z]+)((?:\s[^<>]*?)?)(\/?)>|([^<]+)/gi,
    (_, end, name, attributes, empty, words) => {
      const inside = open[open.length - 1];
      if (words !== undefined) inside.children.push(unescaped(words));
      else if (end !== "") {
        if (inside.name !== name) throw new Error(`</${name}> closes <${inside.name}>`);
        open.pop();
      } else {
        const element: Element = { name, attributes: attributesOf(attributes), children: [] };
        inside.children.push(element);
        if (empty === "") open.push(element);
      }
      return "";
    },
  );
  const [only, ...more] = root.children.filter((child) => typeof child !== "string");
  if (rest !== "" || open.length !== 1 || only === undefined || more.length > 0)
    throw new Error(`not well-formed near: ${rest.slice(0, 80)}`);
  return only;
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const rest = text.replace(/\s+([\w:-]+)="([^"]*)"/g, (_, name: string, value: string) => {
    if (name in found) throw new Error(`${name} is there twice`);
    found[name] = unescaped(value);
    return "";
  });
  if (rest.trim() !== "") throw new Error(`attributes that are none: ${rest}`);
  return found;
}

/** Every element below, of one name. */
export function elements(from: Element, name: string): Element[] {
  return from.children.flatMap((child) =>
    typeof child === "string" ? [] : [...(child.name === name ? [child] : []), ...elements(child, name)],
  );
}

export function textOf(element: Element): string {
  return element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
}
