/**
 * What a worker runs, as text: it needs no file of its own, so it starts alike from sources, from a bundle, in Node and in
 * a page. It holds instances of the kernels by key, and for a job claims ranges of units until there are none left.
 *
 * Messages in: attach { key, module, memory }, detach { key }, run { job, key, routine, args, units, grain, scratch,
 * report }. Messages out: "ready" once, then { job, error? } per run. `error` is the message of what a kernel threw.
 */
export const workerSource = `"use strict";
const threads = typeof process === "object" ? process.getBuiltinModule?.("node:worker_threads") : undefined;
const port = threads?.parentPort ?? self;
const attached = new Map();
const MOMENT = 20; // ms

function run({ key, routine, args, units, grain, scratch, report }) {
  const { exports, counter } = attached.get(key);
  for (;;) {
    const from = Atomics.add(counter, 0, grain);
    if (from >= units) return;
    try {
      exports[routine](...args, from, Math.min(from + grain, units), scratch, report);
    } catch (error) {
      Atomics.store(counter, 0, units);
      throw error;
    }
  }
}

function receive(message) {
  switch (message.kind) {
    case "attach": {
      const { key, module, memory } = message;
      const words = new Int32Array(memory.buffer);
      const sleep = (address, value) => Atomics.wait(words, address >>> 2, value, MOMENT);
      const { exports } = new WebAssembly.Instance(module, { env: { memory, sleep } });
      attached.set(key, { exports, counter: new Uint32Array(memory.buffer, 0, 1) });
      return;
    }
    case "detach":
      attached.delete(message.key);
      return;
    case "run":
      try {
        run(message);
        port.postMessage({ job: message.job });
      } catch (error) {
        port.postMessage({ job: message.job, error: String(error) });
      }
  }
}

if (threads?.parentPort) port.on("message", receive);
else port.onmessage = (event) => receive(event.data);
port.postMessage("ready");
`;
