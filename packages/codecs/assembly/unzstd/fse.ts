/** Finite state entropy tables (RFC 8878, 4.1.1). */

/** Most symbols that any table here has. */
const symbolLimit: i32 = 53;
const largestLog: i32 = 9;

/** How often each symbol comes, i16; -1 for less than once. */
export const counts: usize = memory.data((symbolLimit + 1) * 2, 2);
const next: usize = memory.data((symbolLimit + 1) * 2, 2);
/** The symbol of each state. */
export const symbols: usize = memory.data(1 << largestLog, 16);

/** The log of the table whose counts were read last. */
export let log: i32 = 0;
/** How many counts there are, up to the last one that is not zero. */
export let used: i32 = 0;

/**
 * Reads a table's description between `at` and `end`, 4 bytes behind which are readable, into `counts`.
 * Gives where it ends, or 0 where it is not valid.
 */
export function readCounts(at: usize, end: usize, limit: i32, logLimit: i32): usize {
  log = (load<u8>(at) & 15) + 5;
  if (log > logLimit) return 0;
  memory.fill(counts, 0, (symbolLimit + 1) * 2);
  const endBit = <i32>(end - at) * 8;
  let bit: i32 = 4;
  let remaining: i32 = 1 << log;
  let symbol: i32 = 0;
  while (remaining > 0) {
    if (symbol >= limit || bit > endBit) return 0;
    // A value of 0…remaining+1; the lower ones take a bit less.
    const bits = 32 - clz<i32>(remaining + 1);
    const shorter = (1 << bits) - (remaining + 2);
    let value = <i32>(load<u32>(at + (bit >> 3)) >> (bit & 7)) & ((1 << bits) - 1);
    const low = value & ((1 << (bits - 1)) - 1);
    if (low < shorter) {
      value = low;
      bit += bits - 1;
    } else {
      if (value >= 1 << (bits - 1)) value -= shorter;
      bit += bits;
    }
    const count = value - 1;
    store<i16>(counts + 2 * symbol, count);
    symbol++;
    remaining -= abs(count);
    // After a zero come runs of more zeros, two bits each.
    let run = count == 0 ? 3 : 0;
    while (run == 3) {
      if (bit > endBit) return 0;
      run = <i32>(load<u32>(at + (bit >> 3)) >> (bit & 7)) & 3;
      bit += 2;
      symbol += run;
    }
  }
  used = symbol;
  const after = at + ((bit + 7) >> 3);
  return after > end || symbol > limit ? 0 : after;
}

/** For counts that are known beforehand. */
export function setCounts(countsLog: i32, count: i32): void {
  log = countsLog;
  used = count;
}

/** Spreads the symbols that `counts` tells of over the states, into `symbols`. */
export function spread(): void {
  const size: i32 = 1 << log;
  const mask = size - 1;
  const step = (size >> 1) + (size >> 3) + 3;
  let high = size;
  for (let symbol = 0; symbol < used; symbol++) {
    const count = <i32>load<i16>(counts + 2 * symbol);
    store<u16>(next + 2 * symbol, abs(count));
    if (count == -1) {
      high--;
      store<u8>(symbols + high, symbol);
    }
  }
  let position = 0;
  for (let symbol = 0; symbol < used; symbol++) {
    for (let i = <i32>load<i16>(counts + 2 * symbol); i > 0; i--) {
      store<u8>(symbols + position, symbol);
      do {
        position = (position + step) & mask;
      } while (position >= high);
    }
  }
}

/** The states behind each state, in the order of `symbols`: call once for each state, from 0 on. */
// @ts-ignore: decorator
@inline
export function nextOf(symbol: u32): u32 {
  const value = <u32>load<u16>(next + 2 * symbol);
  store<u16>(next + 2 * symbol, value + 1);
  return value;
}

/** The bits that lead from a state whose `nextOf` is `value`. */
// @ts-ignore: decorator
@inline
export function bitsOf(value: u32): u32 {
  return log - (31 - clz<u32>(value));
}
