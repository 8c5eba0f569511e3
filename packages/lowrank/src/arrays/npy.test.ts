import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byNumpy, elementBytes, headerOf, npyFile } from "../../test/by-numpy.ts";
import { decodeNpy, npyParts, numbersOf, textsOf } from "./npy.ts";
import type { Refuse } from "./npy-header.ts";

class Refusal extends Error {}
const refuse: Refuse = (why) => {
  throw new Refusal(why);
};
const numbers = (bytes: Uint8Array) => Array.from(numbersOf(decodeNpy(bytes, refuse), refuse));
const written = (...args: Parameters<typeof npyParts>) => Buffer.concat(npyParts(...args));

describe("reading arrays", () => {
  it.each(elementBytes)(
    "reads 0, 1, 2, 3, 4, 100 in %s, as NumPy wrote them, wherever they lie in memory",
    (descr, hex) => {
      const file = npyFile(headerOf(descr, 2, 3), Buffer.from(hex, "hex"));
      for (let shift = 0; shift < 9; shift++) {
        const memory = new Uint8Array(file.length + shift);
        memory.set(file, shift);
        expect(numbers(memory.subarray(shift))).toEqual([0, 1, 2, 3, 4, 100]);
      }
    },
  );

  it("reads versions 2.0 and 3.0, Fortran order, truth values and an array of one number", () => {
    expect(numbers(byNumpy("version2"))).toEqual([0, 1, 2, 3, 4, 100]);
    expect(numbers(byNumpy("version3"))).toEqual([0, 1, 2, 3, 4, 100]);
    const fortran = decodeNpy(byNumpy("fortran"), refuse);
    expect(fortran).toMatchObject({ fortranOrder: true, shape: [2, 3], kind: "f", size: 8 });
    expect(numbers(byNumpy("fortran"))).toEqual([0, 3, 1, 4, 2, 100]);
    expect(numbers(npyFile(headerOf("|b1", 2, 3), Uint8Array.of(0, 0, 1, 1, 1, 1)))).toEqual([0, 0, 1, 1, 1, 1]);
    expect(decodeNpy(byNumpy("scalar"), refuse).shape).toEqual([]);
    expect(numbers(byNumpy("scalar"))).toEqual([3.5]);
  });

  it("reads half floats: zeros, one, −2.5, the largest, the smallest, the smallest normal, NaN and infinities", () => {
    // numpy.array([0, -0., 1, -2.5, 65504, 6e-8, 6.1e-5, nan, inf, -inf], '<f2').tobytes()
    const halves = Buffer.from("00000080003c00c1ff7b0100ff03007e007c00fc", "hex");
    const got = numbers(npyFile("{'descr': '<f2', 'fortran_order': False, 'shape': (10,), }", halves));
    const smallest = 2 ** -24;
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    expect(got).toEqual([0, -0, 1, -2.5, 65504, smallest, 1023 * smallest, nan, inf, -inf]);
  });

  it("reads text of any length and script, in both byte orders", () => {
    const texts = (bytes: Uint8Array) => textsOf(decodeNpy(bytes, refuse), refuse);
    expect(texts(byNumpy("texts"))).toEqual(["a", "émile", "🎬x", ""]);
    const big = Buffer.from("00000061000000620000006300000000", "hex"); // numpy.array(['ab', 'c']).astype('>U2').tobytes()
    expect(texts(npyFile("{'descr': '>U2', 'fortran_order': False, 'shape': (2,), }", big))).toEqual(["ab", "c"]);
  });

  it("takes the header's entries in any order, with blanks, double quotes and Python 2's long integers", () => {
    const header = `{ "shape" : (2L , 3L) ,'fortran_order':False, "descr": '<i2'}`;
    expect(numbers(npyFile(header, Buffer.alloc(12)))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each([
    ["complex numbers", headerOf("<c16", 1, 1), 16, "holds complex numbers"],
    ["objects", headerOf("|O", 1, 1), 8, "holds Python objects, which only running their code could read"],
    ["dates", headerOf("<M8[ns]", 1, 1), 8, "holds dates"],
    ["long doubles", headerOf("<f16", 1, 1), 16, "holds floats of another size"],
    ["bytes", headerOf("|S4", 1, 1), 4, "holds bytes"],
    ["raw bytes", headerOf("|V8", 1, 1), 8, "holds raw bytes"],
    ["an unknown type", headerOf("<q4", 1, 1), 4, "holds elements of an unknown type"],
    [
      "a table",
      "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }",
      4,
      "is a table of several fields",
    ],
    [
      "a missing element",
      headerOf("<f8", 2, 2),
      31,
      "is cut short: its header says 2 × 2 float64, which takes 32 bytes, and 31 are there",
    ],
    ["an element too many", headerOf("<f8", 2, 2), 40, "holds more than its array"],
    [
      "an absurd shape",
      headerOf("<f8", 9e15, 9e15),
      8,
      "is cut short: its header says 9000000000000000 × 9000000000000000 float64",
    ],
    [
      "a size beyond whole numbers",
      headerOf("<f8", 0, 1).replace("(0,", `(0, ${"9".repeat(400)},`),
      0,
      "has a header that is no dictionary",
    ],
    [
      "too many dimensions",
      `{'descr': '<f8', 'fortran_order': False, 'shape': (${"1,".repeat(33)}), }`,
      8,
      "has a header that is no dictionary",
    ],
    [
      "code for a shape",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (len('abc'),), }",
      8,
      "has a header that is no Python dictionary",
    ],
    ["a negative size", headerOf("<f8", -1, 1), 8, "has a header that is no Python dictionary"],
    [
      "a missing entry",
      "{'descr': '<f8', 'shape': (1,), }",
      8,
      "has a header that is no dictionary of descr, fortran_order and shape",
    ],
    [
      "an entry twice",
      "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
      8,
      "has a header that is no dictionary",
    ],
    [
      "a further entry",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}",
      8,
      "has a header that is no dictionary",
    ],
    [
      "words behind",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } 1",
      8,
      "has a header that is no dictionary",
    ],
    ["an empty header", "", 0, "has a header that is no dictionary"],
  ])("refuses %s", (_, header, bytes, why) => {
    expect(() => numbers(npyFile(header, Buffer.alloc(bytes)))).toThrow(why);
  });

  it("refuses other versions, headers longer than the file or 64 kB, and files of another kind", () => {
    const file = npyFile(headerOf("|u1", 1, 1), Buffer.alloc(1));
    const changed = (at: number, ...values: number[]) => {
      const copy = Buffer.from(file);
      copy.set(values, at);
      return copy;
    };
    expect(() => numbers(changed(6, 4))).toThrow("is written as version 4.0 of the format");
    expect(() => numbers(changed(6, 1, 1))).toThrow("is written as version 1.1 of the format");
    expect(() => numbers(changed(8, 255, 255))).toThrow(
      "is cut short: its header takes 65535 bytes, and 119 are there",
    );
    expect(() => numbers(changed(6, 2, 0, 0, 0, 0, 255))).toThrow("has a header of 4278190080 bytes");
    expect(() => numbers(changed(0, 0))).toThrow("is no NumPy array");
    expect(() => numbers(new Uint8Array(0))).toThrow("is empty");
  });

  it("refuses a file cut at any length, and anything else but a refusal never comes of a flipped byte", () => {
    const file = byNumpy("fortran");
    for (let length = 0; length < file.length; length++)
      expect(() => numbers(file.subarray(0, length)), String(length)).toThrow(Refusal);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(file);
        bytes[at] ^= flip;
        try {
          expect(numbers(bytes)).toHaveLength(6);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses what is no Unicode character, and numbers asked of text", () => {
    const header = "{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }";
    const beyond = decodeNpy(npyFile(header, Buffer.from("00001100", "hex")), refuse);
    expect(() => textsOf(beyond, refuse)).toThrow("the number 1114112, which is no Unicode character");
    expect(() => numbersOf(beyond, refuse)).toThrow("holds text");
  });
});

describe("writing arrays", () => {
  it("writes the bytes that NumPy 1.24.2 writes for the same array", () => {
    expect(written(Float64Array.of(3.5), [])).toEqual(byNumpy("scalar"));
    expect(written(["a", "émile", "🎬x", ""], [4])).toEqual(byNumpy("texts"));
    const [, hex] = elementBytes.find(([descr]) => descr === "<f4")!;
    const file = npyFile(headerOf("<f4", 2, 3), Buffer.from(hex, "hex"));
    expect(written(Float32Array.of(0, 1, 2, 3, 4, 100), [2, 3])).toEqual(file);
  });

  it("reads back what it wrote, of any shape: floats, whole numbers up to ±2^53, text", () => {
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(shape, fc.infiniteStream(fc.double()), (sizes, stream) => {
        const count = sizes.reduce((product, size) => product * size, 1);
        const values = [...stream.take(count)];
        expect(decodeNpy(written(Float64Array.from(values), sizes), refuse).shape).toEqual(sizes);
        expect(numbers(written(Float64Array.from(values), sizes))).toEqual(values);
        expect(numbers(written(Float32Array.from(values), sizes))).toEqual(values.map(Math.fround));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        expect(numbers(written(BigInt64Array.from(values, BigInt), [values.length]))).toEqual(values);
      }),
    );
    const text = fc.string({ unit: "grapheme" }).filter((value) => !value.endsWith("\0"));
    fc.assert(
      fc.property(fc.array(text), (values) => {
        const array = decodeNpy(written(values, [values.length]), refuse);
        expect(textsOf(array, refuse)).toEqual(values);
      }),
    );
  });
});
