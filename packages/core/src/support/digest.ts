/**
 * A 64-bit digest of typed arrays and strings: tells whether two data sets or two models are the same bytes.
 *
 * Two independent 32-bit multiply-rotate lanes over 4-byte words. Not cryptographic: it guards against mistakes, not
 * against an adversary. Reads memory in the machine's byte order; all hosts of WebAssembly are little-endian.
 */
export class Digest {
  #a = 0x811c9dc5 | 0;
  #b = 0x2545f491 | 0;

  /** Adds the bytes of `view`, and its length, so that ["ab", "c"] and ["a", "bc"] differ. */
  add(view: ArrayBufferView): this {
    return this.addPieces([view]);
  }

  /** As `add` of one array that holds all of the pieces; all but the last are a multiple of 4 bytes long. */
  addPieces(pieces: Iterable<ArrayBufferView>): this {
    let length = 0;
    for (const piece of pieces) {
      this.#bytes(piece);
      length += piece.byteLength;
    }
    this.#word(length);
    return this;
  }

  #bytes(view: ArrayBufferView): void {
    const wordCount = view.byteLength >>> 2;
    const aligned =
      view.byteOffset % 4 === 0 ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, wordCount);
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < wordCount; i++) {
      const word = words[i];
      a = Math.imul(a ^ word, 0x01000193);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b + word, 0x9e3779b1 | 0);
      b = (b << 17) | (b >>> 15);
    }
    this.#a = a;
    this.#b = b;
    const bytes = new Uint8Array(aligned.buffer, aligned.byteOffset + 4 * wordCount, view.byteLength & 3);
    for (const byte of bytes) this.#word(byte + 256);
  }

  addText(text: string): this {
    return this.add(new TextEncoder().encode(text));
  }

  #word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193);
    this.#a = (this.#a << 13) | (this.#a >>> 19);
    this.#b = Math.imul(this.#b + word, 0x9e3779b1 | 0);
    this.#b = (this.#b << 17) | (this.#b >>> 15);
  }

  /** 16 hexadecimal digits. */
  hex(): string {
    const finish = (x: number) => {
      let y = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
      y = Math.imul(y ^ (y >>> 13), 0xc2b2ae35);
      return ((y ^ (y >>> 16)) >>> 0).toString(16).padStart(8, "0");
    };
    return finish(this.#a ^ this.#b) + finish(Math.imul(this.#b, 0x9e3779b1 | 0) ^ this.#a);
  }
}
