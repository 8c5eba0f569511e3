/**
 * The best n of a score array: a heap that keeps the worst of the kept on top, over typed arrays made once.
 *
 * Ties go to the smaller index. Whole arrays are scanned by rising index, so an item must beat the worst kept one outright.
 * Cost: one comparison per item, log n for each that enters. For scores that are all there: of nets, of items' weights, and of
 * scorers without tables; factors use the kernels' topN.
 */
import type { Indexes } from "../ratings/index.ts";

export class BestOf {
  readonly #item: Uint32Array;
  readonly #score: Float32Array;
  #size = 0;

  constructor(n: number) {
    this.#item = new Uint32Array(n);
    this.#score = new Float32Array(n);
  }

  /**
   * Writes the best items into `out`, best first, and returns how many there are.
   *
   * @param scores every score finite
   * @param excluded item indexes never to be listed, ascending
   * @param out u32[n]
   * @param allowed u8[scores], 0 = never listed; undefined allows all
   */
  select(scores: Float32Array, excluded: Indexes, out: Uint32Array, allowed?: Uint8Array): number {
    this.#size = 0;
    const capacity = this.#item.length;
    let next = 0;
    for (let i = 0; i < scores.length; i++) {
      if (next < excluded.length && excluded[next] === i) {
        next++;
        continue;
      }
      if (allowed !== undefined && allowed[i] === 0) continue;
      if (this.#size < capacity) this.#push(i, scores[i]);
      else if (scores[i] > this.#score[0]) this.#sink(0, i, scores[i], capacity);
    }
    const found = this.#size;
    for (let place = found - 1; place >= 0; place--) {
      out[place] = this.#item[0];
      this.#sink(0, this.#item[place], this.#score[place], place);
    }
    return found;
  }

  /** One more entry, in any order of the items; `take` gives the best of all offered since the last. */
  offer(item: number, score: number): void {
    const capacity = this.#item.length;
    if (this.#size < capacity) this.#push(item, Math.fround(score));
    else if (this.#worse(this.#item[0], this.#score[0], item, Math.fround(score))) {
      this.#sink(0, item, Math.fround(score), capacity);
    }
  }

  /**
   * Writes what was offered, best first, and begins anew. Returns how many there are.
   *
   * @param out u32[n]
   * @param scores f32[n], parallel to it
   */
  take(out: Uint32Array, scores: Float32Array): number {
    const found = this.#size;
    for (let place = found - 1; place >= 0; place--) {
      out[place] = this.#item[0];
      scores[place] = this.#score[0];
      this.#sink(0, this.#item[place], this.#score[place], place);
    }
    this.#size = 0;
    return found;
  }

  /** Whether entry (item a, score x) belongs further down a list than (b, y). */
  #worse(a: number, x: number, b: number, y: number): boolean {
    return x < y || (x === y && a > b);
  }

  #push(item: number, score: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#worse(item, score, this.#item[parent], this.#score[parent])) break;
      this.#item[at] = this.#item[parent];
      this.#score[at] = this.#score[parent];
      at = parent;
    }
    this.#item[at] = item;
    this.#score[at] = score;
  }

  /** Puts an entry at `at` of a heap of `size` entries and moves it down to where it belongs. */
  #sink(at: number, item: number, score: number, size: number): void {
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.#worse(this.#item[right], this.#score[right], this.#item[child], this.#score[child])) {
        child = right;
      }
      if (!this.#worse(this.#item[child], this.#score[child], item, score)) break;
      this.#item[at] = this.#item[child];
      this.#score[at] = this.#score[child];
      at = child;
    }
    this.#item[at] = item;
    this.#score[at] = score;
  }
}
