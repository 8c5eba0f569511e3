/**
 * What the page runs: the work of work.js in the strict and the default build, watching the workers that are started and
 * the timer of its own thread; with ?only=kernels, only what opening kernels says; with ?in=worker, in a worker. Posts one result to /result, an `error` in it when anything failed.
 */
import * as core from "/core/index.js";
import { work } from "/work.js";

const THREADS = 2;
const TICK_MS = 4;
/** A worker that lives answers within a few milliseconds; this is how long to wait for answers that must not come */
const SILENCE_MS = 500;

/** Web workers that were started: jobs that each has answered. */
const workers = [];
const PageWorker = globalThis.Worker;
globalThis.Worker = class extends PageWorker {
  constructor(...args) {
    super(...args);
    const watched = { worker: this, done: 0, pongs: 0 };
    this.addEventListener("message", ({ data }) => {
      if (data?.job === "ping") watched.pongs++;
      else if (typeof data?.job === "number" && data.error === undefined) watched.done++;
    });
    workers.push(watched);
  }
};

/** Longest pauses between ticks of a timer, one per training: how long a click would have waited. */
const trainings = [];

async function watchingTimer(train) {
  let ticks = 0;
  let longestMs = 0;
  const started = performance.now();
  let last = started;
  const timer = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    ticks++;
  }, TICK_MS);
  try {
    const result = await train();
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    trainings.push({ ms: now - started, ticks, longestMs });
    return result;
  } finally {
    clearInterval(timer);
  }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How many workers answer: a message for a workspace that no worker knows, which a living one reports as an error. */
async function pongs() {
  for (const watched of workers) {
    watched.pongs = 0;
    watched.worker.postMessage({ kind: "run", job: "ping", key: "no such workspace" });
  }
  await wait(SILENCE_MS);
  return workers.map((watched) => watched.pongs);
}

async function everything() {
  const engine = { threads: THREADS };
  const strict = await work(core, { ...engine, reproducible: true }, watchingTimer);
  const byDefault = await work(core, engine, watchingTimer);
  const jobs = workers.map(({ done }) => done);
  const answersBefore = await pongs();
  await core.releaseWorkers();
  const answersAfter = await pongs();
  return { isolated: crossOriginIsolated, strict, byDefault, trainings, jobs, answersBefore, answersAfter };
}

/** What a page gets to hear where it may not compile WebAssembly. */
async function kernelsOnly() {
  const { reason } = await core.openKernels();
  const refusal = await core.openKernels({ backend: "wasm" }).then(
    (kernels) => kernels.reason,
    (error) => error.message,
  );
  return { auto: reason, wasm: refusal };
}

function post(result) {
  return fetch("/result", { method: "POST", body: JSON.stringify(result) });
}

/** The same page again, in a worker: there the kernels' workers are workers of a worker. */
function inWorker() {
  return new Promise((_, reject) => {
    // Without the query, so that it does everything; it posts the result itself.
    new PageWorker("/page.js", { type: "module" }).onerror = (event) => reject(new Error(`worker: ${event.message}`));
  });
}

const tasks = { "?only=kernels": kernelsOnly, "?in=worker": inWorker };
const task = tasks[location.search] ?? everything;
task().then(post, (error) => post({ error: String(error?.stack ?? error) }));
