/** Signals and a clock for tests of work that can be stopped: no timer races the work. */
import { vi } from "vitest";

/** Fires when it is looked at for the `at`-th time, of those looks that count: all, unless told. */
export function firesAt(at: number, counts: () => boolean = () => true) {
  const seen = { looks: 0 };
  const signal = {
    get aborted() {
      return counts() && ++seen.looks >= at;
    },
  } as unknown as AbortSignal;
  return { seen, signal };
}

/** The clock never goes back: turns count from where it last stood. */
let now = 0;

/**
 * A clock of 20 ms a look: whoever asks whether others should have their turn hears yes. What `setImmediate` was given before is
 * then run in the first turn that is given. Until `vi.restoreAllMocks()`.
 */
export function turnAtEveryLook(): void {
  now = Math.max(now, performance.now());
  vi.spyOn(performance, "now").mockImplementation(() => {
    now += 20;
    return now;
  });
}
