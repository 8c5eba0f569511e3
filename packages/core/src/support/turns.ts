/** Turns of the host's event loop: long work on the calling thread lets others run every few milliseconds. */

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
