/**
 * One at a time: calls that share kernel memory wait for each other in the order in which they came.
 *
 * Also here: giving way to the host between long stretches of work on its thread.
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

/** Lets the host do its own work before going on. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
