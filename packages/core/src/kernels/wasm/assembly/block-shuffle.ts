/** The order of entries within blocks. */
import { hash32 } from "./random";

/** Blocks `from` to `to` - 1: entries of each `group` left rows shuffled. */
export function shuffleBlocks(
  blockStart: usize,
  record: usize,
  group: u32,
  seed: u32,
  from: u32,
  to: u32,
): void {
  for (let block = from; block < to; block++) {
    const end = load<u32>(blockStart + (<usize>block << 2), 4);
    let first = load<u32>(blockStart + (<usize>block << 2));
    while (first < end) {
      const own = <u32>load<u16>(record + (<usize>first << 3)) / group;
      let next = first + 1;
      while (next < end && <u32>load<u16>(record + (<usize>next << 3)) / group === own) next++;
      for (let last = next - 1; last > first; last--) {
        const draw = <u64>(hash32(seed, last) >>> 8);
        const other = first + <u32>((draw * <u64>(last - first + 1)) >> 24);
        const a = record + (<usize>last << 3);
        const b = record + (<usize>other << 3);
        const kept = load<u64>(a);
        store<u64>(a, load<u64>(b));
        store<u64>(b, kept);
      }
      first = next;
    }
  }
}
