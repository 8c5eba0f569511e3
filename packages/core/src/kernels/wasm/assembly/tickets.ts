/**
 * A job of many phases, on any number of threads: the units of all phases are numbered through, a thread takes the next
 * number when it has done its last, and a unit begins when every unit of the phases before it is done.
 *
 * No thread is counted on: one alone finishes everything, in order and without waiting; one that comes late finds what is
 * left. What a thread waits for is always in the hands of another that is at work. When a thread dies there, the host says
 * so in the word FAILED, and the others give up.
 */

/** Where the host says that a thread of the job is gone: wasm/job.ts. */
const FAILED: usize = 4;

/** Looks at the counter before sleeping: some microseconds. */
const SPINS: i32 = 2000;

/**
 * Sleeps while the word at `address` is `value`, a moment at most; then FAILED is looked at again. The host's, because Node 20
 * compiles `memory.atomic.wait32` wrongly at first: its baseline code loses a local variable over it.
 */
@external("env", "sleep")
declare function sleep(address: usize, value: u32): void;

/** The next unit. */
@inline
export function takeTicket(tickets: usize): u32 {
  return atomic.add<u32>(tickets, 1);
}

/** Waits until `count` units are done. False when the job has failed. */
export function untilDone(tickets: usize, count: u32): bool {
  const done = tickets + 64;
  for (let spin: i32 = 0; spin < SPINS; spin++) {
    if (<i32>(atomic.load<u32>(done) - count) >= 0) return true;
  }
  let now = atomic.load<u32>(done);
  while (<i32>(now - count) < 0) {
    if (atomic.load<u32>(FAILED) !== 0) return false;
    atomic.add<u32>(done, 1, 4);
    sleep(done, now);
    atomic.sub<u32>(done, 1, 4);
    now = atomic.load<u32>(done);
  }
  return true;
}

/** Says that a unit is done. @param last how many are done when its phase is: then those who wait are woken */
export function ticketDone(tickets: usize, last: u32): void {
  const done = tickets + 64;
  if (atomic.add<u32>(done, 1) + 1 !== last) return;
  if (atomic.load<u32>(done, 4) !== 0) atomic.notify(done, -1);
}
