/** Writes words and floats of a kernel's frame one after another. */
export class Words {
  readonly #words: Uint32Array;
  readonly #floats: Float32Array;
  at = 0;

  constructor(words: Uint32Array) {
    this.#words = words;
    this.#floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  }

  words(...values: readonly number[]): this {
    for (const value of values) this.#words[this.at++] = value;
    return this;
  }

  floats(...values: readonly number[]): this {
    for (const value of values) this.#floats[this.at++] = value;
    return this;
  }
}
