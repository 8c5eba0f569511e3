/**
 * The worker pool of the process: jobs in, a promise per job out. The calling thread waits for messages, never blocks.
 *
 * All kernels of a process share it, so its size is the largest thread count asked for. A worker that dies fails the jobs
 * it took part in, by name, once the others have let go of the memory; the next job gets a new worker in its place. One
 * that never started, or that no message reaches, took no units, so its jobs are complete without it; when that goes for
 * all, jobs run on the calling thread.
 */
import { nodeThreads } from "./host.ts";
import { COUNTER, FAILED, failure, type Job, runHere } from "./job.ts";
import { allBytes, type Block } from "./memory.ts";
import { startThread, type Thread } from "./thread.ts";

type Outcome = { readonly done: true } | { readonly done: false; readonly why: string };

interface Member {
  readonly thread: Thread;
  readonly attached: Set<string>;
  readonly running: Map<number, (outcome: Outcome | "never started") => void>;
  ready: boolean;
  /** True at its first message, false when it is gone before */
  readonly started: Promise<boolean>;
  /** Bytes of memories it was told to let go of; an idle worker collects no garbage, so it may still hold them */
  staleBytes: number;
  /** No longer in the pool; to be ended as soon as nothing runs on it */
  retired: boolean;
}

/** A worker that may hold this much garbage is ended; the next job starts a fresh one. */
const STALE_BYTES = 64 * 2 ** 20;

let members: Member[] = [];
/** A worker was tried and did not start; asked again, a page's console would fill with the same refusal. */
let refused = false;
let nextJob = 1;
const moduleNumbers = new WeakMap<WebAssembly.Module, number>();
let nextModule = 1;

/** Runs a job on up to `job.threads` workers. */
export async function runOnPool(job: Job): Promise<void> {
  const wanted = Math.min(job.threads, Math.ceil(job.units / job.grain));
  const team = membersFor(wanted);
  if (team.length === 0) return runHere(job);
  Atomics.store(new Uint32Array(job.block.buffer, COUNTER, 1), 0, 0);
  Atomics.store(new Uint32Array(job.block.buffer, FAILED, 1), 0, 0);
  const outcomes = await Promise.all(team.map((member, place) => start(member, job, place)));
  for (const outcome of outcomes) {
    if (outcome === "never started" || outcome.done) continue;
    throw failure(job.routine, outcome.why);
  }
  if (outcomes.every((outcome) => outcome === "never started")) return runHere(job);
}

/** Starts workers ahead of the first job, while the caller still fills its arrays. */
export function warmPool(threads: number): void {
  membersFor(threads);
}

/**
 * Whether workers start here at all. In Node they do; in a page a content policy may forbid them, which is only known
 * when one has been tried. The one tried stays in the pool. A refusal is remembered until `endIdle`.
 */
export async function workersStart(): Promise<boolean> {
  if (nodeThreads() !== undefined) return true;
  if (refused) return false;
  const [member] = membersFor(1);
  if (await member?.started) return true;
  if (member?.retired) return workersStart(); // ended meanwhile, which tells nothing
  refused = true;
  return false;
}

/** Tells all workers to let go of a memory. */
export function forgetBlock(block: Block): void {
  for (const member of members) {
    const keys = [...member.attached].filter((key) => key.startsWith(`${block.id} `));
    for (const key of keys) {
      member.attached.delete(key);
      member.thread.post({ kind: "detach", key });
    }
    if (keys.length > 0) member.staleBytes += allBytes(block);
  }
  for (const member of members.filter(({ staleBytes }) => staleBytes > STALE_BYTES)) retire(member);
}

function retire(member: Member): void {
  members = members.filter((other) => other !== member);
  member.retired = true;
  if (member.running.size === 0) void member.thread.end();
}

/** Ends the workers that have nothing to do. They would not keep a process alive, but they hold some memory each. */
export async function endIdle(): Promise<void> {
  const idle = members.filter(({ running }) => running.size === 0);
  members = members.filter((member) => !idle.includes(member));
  for (const member of idle) member.retired = true;
  refused = false;
  await Promise.all(idle.map(({ thread }) => thread.end()));
}

function membersFor(count: number): Member[] {
  while (members.length < count) {
    try {
      members.push(newMember());
    } catch {
      break; // a host whose rules forbid workers; runs with those there are
    }
  }
  return members.slice(0, count);
}

function newMember(): Member {
  let begin: (started: boolean) => void = () => {};
  const started = new Promise<boolean>((resolve) => {
    begin = resolve;
  });
  const onGone = (why: string) => {
    begin(false);
    members = members.filter((other) => other !== member);
    for (const settle of member.running.values()) settle(member.ready ? { done: false, why } : "never started");
    member.running.clear();
  };
  const onMessage = (message: unknown) => {
    if (message === "ready") {
      member.ready = true;
      begin(true);
      return;
    }
    const { job, error } = message as { job: number; error?: string };
    const settle = member.running.get(job);
    member.running.delete(job);
    if (member.running.size === 0) {
      if (member.retired) void member.thread.end();
      else member.thread.keepAlive(false);
    }
    settle?.(error === undefined ? { done: true } : { done: false, why: error });
  };
  const thread = startThread("lowrank kernels", onMessage, onGone);
  const member: Member = {
    thread,
    attached: new Set(),
    running: new Map(),
    ready: false,
    started,
    staleBytes: 0,
    retired: false,
  };
  return member;
}

function start(member: Member, job: Job, place: number): Promise<Outcome | "never started"> {
  const id = nextJob++;
  return new Promise((resolve) => {
    if (member.running.size === 0) member.thread.keepAlive(true);
    member.running.set(id, (outcome) => {
      if (outcome !== "never started" && !outcome.done) {
        Atomics.store(new Uint32Array(job.block.buffer, FAILED, 1), 0, 1);
      }
      resolve(outcome);
    });
    try {
      const key = attach(member, job);
      const { routine, args, units, grain } = job;
      const pieces = job.pieces && { ...job.pieces, area: job.pieces.area(place) };
      const places = { scratch: job.scratch(place), report: job.report(place), pieces };
      member.thread.post({ kind: "run", job: id, key, routine, args, units, grain, ...places });
    } catch {
      // Not an error yet: others of the team may be at work on these arrays, and do this one's share.
      member.running.delete(id);
      if (member.running.size === 0) member.thread.keepAlive(false);
      resolve("never started");
    }
  });
}

function attach(member: Member, { block, module }: Job): string {
  let number = moduleNumbers.get(module);
  if (number === undefined) {
    number = nextModule++;
    moduleNumbers.set(module, number);
  }
  const key = `${block.id} ${number}`;
  if (!member.attached.has(key)) {
    member.thread.post({ kind: "attach", key, module, memory: block.memory, outside: block.outside });
    member.attached.add(key);
  }
  return key;
}
