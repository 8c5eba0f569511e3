/**
 * One at a time: calls that share kernel memory wait for each other in the order in which they came.
 */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all earlier tasks have ended, whether they failed or not. */
  run<T>(task: () => Promise<T> | T): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}
