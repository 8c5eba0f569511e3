/**
 * What a worker runs, as text: it needs no file of its own, so it starts alike from sources, from a bundle, in Node and in
 * a page. It holds instances of the kernels by key, and for a job claims ranges of units until there are none left.
 *
 * Messages in: attach { key, module, memory, outside }, detach { key }, run { job, key, routine, args, units, grain, scratch,
 * report, pieces? }. Messages out: "ready" once, then { job, error? } per run. `error` is the message of what a kernel threw.
 * `pieces` and `outside` as in job.ts and memory.ts.
 */
export const workerSource = `"use strict";
const threads = typeof process === "object" ? process.getBuiltinModule?.("node:worker_threads") : undefined;
const port = threads?.parentPort ?? self;
const attached = new Map();
const MOMENT = 20; // ms

function run({ key, routine, args, units, grain, scratch, report, pieces }) {
  const { exports, words } = attached.get(key);
  const own = [...args];
  const work = (from, to) => {
    if (pieces === undefined) return exports[routine](...own, from, to, scratch, report);
    const { place, area } = pieces;
    for (let end; from < to; from = end) {
      end = exports.takePiece(...pieces.args, area, from, to);
      own[place] = words[area >>> 2];
      own[place + 1] = words[(area >>> 2) + 1];
      exports[routine](...own, from, end, scratch, report);
    }
  };
  for (;;) {
    const from = Atomics.add(words, 0, grain);
    if (from >= units) return;
    try {
      work(from, Math.min(from + grain, units));
    } catch (error) {
      Atomics.store(words, 0, units);
      throw error;
    }
  }
}

function receive(message) {
  switch (message.kind) {
    case "attach": {
      const { key, module, memory, outside } = message;
      const signed = new Int32Array(memory.buffer);
      const sleep = (address, value) => Atomics.wait(signed, address >>> 2, value, MOMENT);
      const bring = (buffer, from, bytes, to) =>
        new Uint8Array(memory.buffer, to >>> 0, bytes).set(new Uint8Array(outside[buffer - 1], from, bytes));
      const { exports } = new WebAssembly.Instance(module, { env: { memory, sleep, bring } });
      attached.set(key, { exports, words: new Uint32Array(memory.buffer) });
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
