/** Finite state entropy: distributions, their descriptions, and tables to encode with. Source: RFC 8878, 4.1. */
import * as bits from "./bits";
import { bitCost, log2Small } from "./logs";

/**
 * A table in memory. Symbols are less than 64. `symbol` is that of a table with a single one, else -1; costs are in 1/4096
 * bit, without extra bits; each symbol has its transform in two words; states are numbered from `1 << log` on.
 */
export const logAt: usize = 0;
export const symbolAt: usize = 4;
export const costsAt: usize = 16;
export const countsAt: usize = costsAt + 64 * 4;
export const transformsAt: usize = countsAt + 64 * 2;
export const statesAt: usize = transformsAt + 64 * 8;
export const tableBytes: usize = statesAt + 512 * 2;

/** Of symbols that a table doesn't have. */
export const impossible: u32 = 1 << 26;

// @ts-ignore: decorator
@inline
export function costOf(table: usize, symbol: u32): u32 {
  return load<u32>(table + (<usize>symbol << 2), costsAt);
}

// @ts-ignore: decorator
@inline
function countOf(table: usize, symbol: i32): i32 {
  return load<i16>(table + (<usize>symbol << 1), countsAt);
}

// @ts-ignore: decorator
@inline
function setCount(table: usize, symbol: i32, count: i32): void {
  store<i16>(table + (<usize>symbol << 1), count, countsAt);
}

/**
 * Shares `1 << log` states among `symbols` symbols that come as often as the u32 at `histogram` say, `total` in all: each
 * that comes gets one at least, and the sum of what they cost is as small as moves of single states make it.
 */
export function normalize(table: usize, histogram: usize, symbols: i32, total: i32, log: i32): void {
  const size = 1 << log;
  const scale = ((<u64>size << 32) / total) as u64;
  let left = size;
  for (let symbol = 0; symbol < 64; symbol++) {
    const often = symbol < symbols ? load<u32>(histogram + (<usize>symbol << 2)) : 0;
    let count = 0;
    if (often > 0) count = max(1, <i32>((often * scale + (1 << 31)) >> 32));
    setCount(table, symbol, count);
    left -= count;
  }
  for (; left > 0; left--) move(table, histogram, symbols, 1);
  for (; left < 0; left++) move(table, histogram, symbols, -1);
  store<u32>(table, log, logAt);
  store<i32>(table, -1, symbolAt);
  setCosts(table);
}

/** Gives one more state where that saves most, or takes one where it costs least. */
function move(table: usize, histogram: usize, symbols: i32, by: i32): void {
  let best = -1;
  let bestGain = i32.MIN_VALUE;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = countOf(table, symbol);
    if (count == 0 || count + by == 0) continue;
    const often: i32 = load<i32>(histogram + (<usize>symbol << 2));
    const gain = often * (log2Small(count + by) - log2Small(count));
    if (gain > bestGain) {
      bestGain = gain;
      best = symbol;
    }
  }
  setCount(table, best, countOf(table, best) + by);
}

function setCosts(table: usize): void {
  const log: i32 = load<i32>(table, logAt);
  for (let symbol = 0; symbol < 64; symbol++) {
    const count = countOf(table, symbol);
    const cost = count != 0 ? log * bitCost - log2Small(abs(count)) : impossible;
    store<u32>(table + (<usize>symbol << 2), cost, costsAt);
  }
}

/** A table whose distribution is given: `symbols` i8 from `counts`, -1 for less than one. */
export function setDefault(table: usize, counts: usize, symbols: i32, log: i32): void {
  for (let symbol = 0; symbol < 64; symbol++) {
    setCount(table, symbol, symbol < symbols ? <i32>load<i8>(counts + symbol) : 0);
  }
  store<u32>(table, log, logAt);
  store<i32>(table, -1, symbolAt);
  setCosts(table);
  buildStates(table);
}

/** A table with one symbol, which takes no bits. */
export function setSingle(table: usize, symbol: i32): void {
  for (let other = 0; other < 64; other++) {
    store<u32>(table + (<usize>other << 2), other == symbol ? 0 : impossible, costsAt);
  }
  store<u32>(table, 0, logAt);
  store<i32>(table, symbol, symbolAt);
  store<u64>(table + (<usize>symbol << 3), 0, transformsAt);
  store<u32>(table, 0, statesAt);
}

/** Writes the description of a distribution (4.1.1); returns the address behind. */
export function describe(table: usize, address: usize): usize {
  const log: i32 = load<i32>(table, logAt);
  bits.start(address);
  bits.add(log - 5, 4);
  let remaining = 1 << log;
  let symbol = 0;
  while (remaining > 0) {
    const count = countOf(table, symbol++);
    const width = 32 - clz(remaining + 1);
    const shorter = (1 << width) - (remaining + 2);
    let value = count + 1;
    if (value < shorter) {
      bits.add(value, width - 1);
    } else {
      if (value >= 1 << (width - 1)) value += shorter;
      bits.add(value, width);
    }
    bits.flush();
    remaining -= abs(count);
    if (count == 0) symbol = describeZeros(table, symbol);
  }
  return bits.finishUnmarked();
}

/** Runs of symbols that don't come, two bits for three of them at most. Returns the next that comes. */
function describeZeros(table: usize, from: i32): i32 {
  let symbol = from;
  while (countOf(table, symbol) == 0) symbol++;
  let zeros = symbol - from;
  for (; zeros >= 3; zeros -= 3) {
    bits.add(3, 2);
    bits.flush();
  }
  bits.add(zeros, 2);
  bits.flush();
  return symbol;
}

const spread: usize = memory.data(512);
const nexts: usize = memory.data(64 * 2, 16);

/** Makes transforms and states out of the distribution. */
export function buildStates(table: usize): void {
  const log: i32 = load<i32>(table, logAt);
  const size = 1 << log;
  spreadSymbols(table, size);
  let before = 0;
  for (let symbol = 0; symbol < 64; symbol++) {
    const count = abs(countOf(table, symbol));
    store<u16>(nexts + (<usize>symbol << 1), before);
    const transform = table + (<usize>symbol << 3);
    if (count == 0) continue;
    const width = count == 1 ? log : log - (31 - clz(count - 1));
    store<u32>(transform, (width << 16) - (count << width), transformsAt);
    store<i32>(transform, before - count, transformsAt + 4);
    before += count;
  }
  for (let state = 0; state < size; state++) {
    const next = nexts + (<usize>load<u8>(spread + state) << 1);
    const index: u32 = load<u16>(next);
    store<u16>(next, index + 1);
    store<u16>(table + (<usize>index << 1), size + state, statesAt);
  }
}

function spreadSymbols(table: usize, size: i32): void {
  let high = size;
  for (let symbol = 0; symbol < 64; symbol++) {
    if (countOf(table, symbol) == -1) store<u8>(spread + --high, symbol);
  }
  const step = (size >> 1) + (size >> 3) + 3;
  const mask = size - 1;
  let position = 0;
  for (let symbol = 0; symbol < 64; symbol++) {
    for (let left = countOf(table, symbol); left > 0; left--) {
      store<u8>(spread + position, symbol);
      do {
        position = (position + step) & mask;
      } while (position >= high);
    }
  }
}

/** The state to begin with so that `symbol` comes out last, for the fewest bits. */
// @ts-ignore: decorator
@inline
export function firstState(table: usize, symbol: u32): u32 {
  const transform = table + (<usize>symbol << 3);
  const word = load<u32>(transform, transformsAt);
  const width = (word + 0x8000) >> 16;
  const value = (width << 16) - word;
  const index = <i32>(value >> width) + load<i32>(transform, transformsAt + 4);
  return load<u16>(table + (<usize>index << 1), statesAt);
}

/** How many bits of `state` are to be written when `symbol` comes before. */
// @ts-ignore: decorator
@inline
export function widthOf(table: usize, state: u32, symbol: u32): u32 {
  return (state + load<u32>(table + (<usize>symbol << 3), transformsAt)) >> 16;
}

/** The state after these bits. */
// @ts-ignore: decorator
@inline
export function nextState(table: usize, state: u32, symbol: u32, width: u32): u32 {
  const index = <i32>(state >> width) + load<i32>(table + (<usize>symbol << 3), transformsAt + 4);
  return load<u16>(table + (<usize>index << 1), statesAt);
}
