/** Bytes from `at` on to zero: engines fill shared memory from JavaScript a byte at a time, this at full speed. */
export function zero(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}
