/**
 * Whole numbers that 32-bit floats cannot tell apart: numbers as they were read come in, a sentence or an error goes out.
 *
 * Ratings are kept as 32-bit floats, which hold every whole number up to 2²⁴; those beyond are rounded to their neighbours.
 */
import { DataError } from "@lowrank/core";

/** Up to here doubles hold every whole number, and how it was rounded on the way to 32 bits is known. */
const EXACT = 2 ** 24;

export class WholeRatings {
  #count = 0;
  #rounded = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (Math.abs(value) <= EXACT || !Number.isInteger(value)) return;
    if (Math.fround(value) !== value || !Number.isSafeInteger(value)) this.#rounded++;
  }

  /**
   * @param name of the file
   * @returns what was rounded, as a sentence; undefined when nothing was
   * @throws DataError when numbers that differ have all become one
   */
  note(name: string): string | undefined {
    const [min, max] = [this.#min, this.#max];
    if (this.#rounded === 0) return undefined;
    const remedy = "divide the ratings, or subtract a number from all";
    if (min < max && Math.fround(min) === Math.fround(max))
      throw new DataError(
        `${name}: the ratings ${min} to ${max} are all ${Math.fround(min)} as 32-bit numbers, which tell whole numbers up to 16777216 apart; ${remedy}`,
        { file: name, min, max },
      );
    return `${this.#rounded} of ${this.#count} ratings are whole numbers that 32-bit floats do not hold and are rounded: neighbours fall together; ${remedy}`;
  }
}
