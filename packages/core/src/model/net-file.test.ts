/** Files of nets: what they hold, and what a reader refuses. */
import { describe, expect, it } from "vitest";
import { netFixture } from "../../test/model-fixture.ts";
import { scorerOf } from "./model.ts";
import { decodeModel, encodeModel } from "./model-file.ts";
import type { NetModel } from "./net-model.ts";

interface Header {
  __metadata__: Record<string, string>;
  [tensor: string]: { shape?: number[] } | Record<string, string>;
}

function headerOf(bytes: Uint8Array): Header {
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + bytes[0] + 256 * bytes[1])));
}

/** The file with another header over the same data. */
function changed(bytes: Uint8Array, change: (header: Header) => void): Uint8Array {
  const header = headerOf(bytes);
  delete header.__metadata__.checksum;
  change(header);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const data = bytes.subarray(8 + bytes[0] + 256 * bytes[1]);
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

describe("the file of a net", () => {
  const model = netFixture({ rank: 3, hidden: [5, 4] });
  const bytes = encodeModel(model);

  it("names its kind, activation, layers [out, in] and product factors, and reads back to the same scores", () => {
    const header = headerOf(bytes);
    expect(header.__metadata__).toMatchObject({ kind: "net", activation: "relu" });
    expect(header.__metadata__.objective).toBeUndefined();
    const shapes = Object.entries(header).map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(shapes)).toMatchObject({
      "layer_0.weight": [5, 6],
      "layer_0.bias": [5],
      "layer_1.weight": [4, 5],
      "layer_2.weight": [1, 7],
      "layer_2.bias": [1],
      user_product_factors: [5, 3],
      item_product_factors: [4, 3],
    });
    const back = decodeModel(bytes) as NetModel;
    expect(back.kind).toBe("net");
    for (let u = 0; u < 5; u++) {
      for (let i = 0; i < 4; i++) expect(scorerOf(back).score(u, i)).toBe(scorerOf(model).score(u, i));
    }
  });

  const metadata = (key: string, value: string) => (header: Header) => {
    header.__metadata__[key] = value;
  };
  const shaped = (tensor: string, shape: number[]) => (header: Header) => {
    header[tensor] = { ...header[tensor], shape };
  };

  it.each([
    ["an activation it does not know", metadata("activation", "tanh"), "activation must be"],
    ["a kind it does not know", metadata("kind", "tree"), 'reads "factors", "net" and "items"'],
    ["layers in a file of factors", metadata("kind", "factors"), "is not part of a model"],
    [
      "a layer that takes other inputs",
      shaped("layer_1.weight", [5, 4]),
      "layer_1.weight must be F32 [5, 5], got F32 [5, 4]",
    ],
    ["a bias of another length", shaped("layer_0.bias", [1, 5]), "layer_0.bias must be F32 [5]"],
  ])("with %s is refused by name", (_name, change, message) => {
    expect(() => decodeModel(changed(bytes, change))).toThrow(message);
  });

  it("with a layer left out is refused: the next one is unknown, or too few are left", () => {
    const renamed = changed(bytes, (header) => {
      header["layer_7.weight"] = header["layer_1.weight"];
      delete header["layer_1.weight"];
    });
    expect(() => decodeModel(renamed)).toThrow("layer_0.weight must be F32 [1, 9]");
  });
});
