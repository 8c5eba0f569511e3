/**
 * Temporary copies, for what DuckDB cannot or should not read where it is: standard input, other encodings, files
 * cleaned of bad rows. The folder is private, made on first use, and removed at the end of the call or of the process.
 */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Spool {
  #folder: string | undefined;
  #count = 0;
  readonly #atExit = () => {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  };

  /** A path for one more file. */
  async next(): Promise<string> {
    if (this.#folder === undefined) {
      this.#folder = await mkdtemp(join(tmpdir(), "lowrank-"));
      process.once("exit", this.#atExit);
    }
    return join(this.#folder, `${this.#count++}.part`);
  }

  async remove(): Promise<void> {
    if (this.#folder === undefined) return;
    await rm(this.#folder, { recursive: true, force: true });
    process.removeListener("exit", this.#atExit);
    this.#folder = undefined;
  }
}
