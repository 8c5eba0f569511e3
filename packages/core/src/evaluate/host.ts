/**
 * Being a good guest: long loops on the caller's thread give way to the host, so that a page or a server stays alive.
 */
import { nextTurn, throwIfAborted } from "../support/index.ts";

/** A page feels stuck after some 50 ms; a quarter of that leaves room for everyone else. */
const TURN_MS = 12;

/** Ends turns of a long loop: call `rest` between units of work of at most a few milliseconds. */
export class Turns {
  readonly #who: string;
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(who: string, signal: AbortSignal | undefined) {
    this.#who = who;
    this.#signal = signal;
  }

  /** Whether the turn is used up, so that the loop should await `rest()`. Cheap: asks the clock only. */
  get over(): boolean {
    return performance.now() - this.#since > TURN_MS;
  }

  /** Lets the host do its own work, then begins a new turn. @throws AbortedError */
  async rest(): Promise<void> {
    throwIfAborted(this.#who, this.#signal);
    await nextTurn();
    throwIfAborted(this.#who, this.#signal);
    this.#since = performance.now();
  }
}
