/** Turns of the host's event loop: long work on the calling thread lets others run every few milliseconds. */

import { throwIfAborted } from "./check.ts";

const TURN_MS = 15;

let turnBegan = 0;

/** True when this thread has been busy for so long that others should have their turn. */
export function turnIsOver(): boolean {
  return performance.now() - turnBegan > TURN_MS;
}

/** Resolves after timers, input and network had their turn. */
export async function nextTurn(): Promise<void> {
  await new Promise<void>(later);
  turnBegan = performance.now();
}

/** A turn for others, after which the signal is looked at. @throws AbortedError */
export async function giveTurn(who: string, signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  throwIfAborted(who, signal);
}

const { setImmediate } = globalThis as { setImmediate?: (f: () => void) => unknown };

function later(resolve: () => void): void {
  if (setImmediate !== undefined) {
    setImmediate(resolve);
    return;
  }
  // Browsers delay nested timers by 4 ms, messages not at all.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(undefined);
}
