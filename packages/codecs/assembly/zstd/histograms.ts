/** How often symbols come: literals and the three kinds of codes, as u32 one behind the other. */

export const literalsAt: usize = 0;
export const literalCodesAt: usize = 256 * 4;
export const offsetCodesAt: usize = literalCodesAt + 40 * 4;
export const matchCodesAt: usize = offsetCodesAt + 32 * 4;
export const histogramBytes: usize = matchCodesAt + 56 * 4;

// @ts-ignore: decorator
@inline
export function increment(address: usize, symbol: u32): void {
  const place = address + (<usize>symbol << 2);
  store<u32>(place, load<u32>(place) + 1);
}

/** Adds the histogram at `from` to that at `to`. */
export function addAll(to: usize, from: usize): void {
  for (let at: usize = 0; at < histogramBytes; at += 16) {
    v128.store(to + at, i32x4.add(v128.load(to + at), v128.load(from + at)));
  }
}

/** Three more, so that bytes that come again at once don't wait for each other's counts. */
const others: usize = memory.data(3 * 1024, 16);

/** Counts the bytes [from, to), added to the 256 counts at `counts`. */
export function countBytes(from: usize, to: usize, counts: usize): void {
  let at = from;
  if (to - from >= 512) {
    memory.fill(others, 0, 3 * 1024);
    for (; at + 8 <= to; at += 8) {
      const word = load<u64>(at);
      increment(counts, <u32>(word & 0xff));
      increment(others, <u32>((word >> 8) & 0xff));
      increment(others + 1024, <u32>((word >> 16) & 0xff));
      increment(others + 2048, <u32>((word >> 24) & 0xff));
      increment(counts, <u32>((word >> 32) & 0xff));
      increment(others, <u32>((word >> 40) & 0xff));
      increment(others + 1024, <u32>((word >> 48) & 0xff));
      increment(others + 2048, <u32>(word >> 56));
    }
    for (let i: usize = 0; i < 1024; i += 16) {
      const some = i32x4.add(v128.load(counts + i), v128.load(others + i));
      const more = i32x4.add(v128.load(others + i, 1024), v128.load(others + i, 2048));
      v128.store(counts + i, i32x4.add(some, more));
    }
  }
  for (; at < to; at++) increment(counts, load<u8>(at));
}
