/**
 * The best n of what passes by, a list or a row's neighbours: a heap in its own output places, the worst entry at its root.
 *
 * Worse is the lower score, and among equal scores the larger item row. Items come in any order, so what is replaced is the
 * caller's to say: a newcomer that equals the root's score is better than it with a smaller row (top-n.ts, nearest.ts).
 */

@inline
function worse(score: usize, item: usize, a: usize, b: usize): bool {
  const left = load<f32>(score + (a << 2));
  const right = load<f32>(score + (b << 2));
  return left < right || (left == right && load<u32>(item + (a << 2)) > load<u32>(item + (b << 2)));
}

@inline
function swap(score: usize, item: usize, a: usize, b: usize): void {
  const s = load<f32>(score + (a << 2));
  const i = load<u32>(item + (a << 2));
  store<f32>(score + (a << 2), load<f32>(score + (b << 2)));
  store<u32>(item + (a << 2), load<u32>(item + (b << 2)));
  store<f32>(score + (b << 2), s);
  store<u32>(item + (b << 2), i);
}

function sink(score: usize, item: usize, size: usize): void {
  let at: usize = 0;
  while (true) {
    let child: usize = (at << 1) + 1;
    if (child >= size) return;
    if (child + 1 < size && worse(score, item, child + 1, child)) child++;
    if (!worse(score, item, child, at)) return;
    swap(score, item, at, child);
    at = child;
  }
}

/** Adds an entry to a heap of `size` < n entries. */
export function add(score: usize, item: usize, size: usize, newScore: f32, newItem: u32): void {
  let at = size;
  store<f32>(score + (at << 2), newScore);
  store<u32>(item + (at << 2), newItem);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!worse(score, item, at, parent)) return;
    swap(score, item, at, parent);
    at = parent;
  }
}

/** Replaces the root of a full heap. */
export function replaceRoot(score: usize, item: usize, size: usize, newScore: f32, newItem: u32): void {
  store<f32>(score, newScore);
  store<u32>(item, newItem);
  sink(score, item, size);
}

/** Turns the heap into a list, best first. */
export function sort(score: usize, item: usize, size: usize): void {
  for (let left = size; left > 1; ) {
    left--;
    swap(score, item, 0, left);
    sink(score, item, left);
  }
}
