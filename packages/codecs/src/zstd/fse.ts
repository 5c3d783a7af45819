// Finite state entropy tables. Source: RFC 8878, 4.1.

/** How often each symbol comes, out of `1 << log`; -1 for less than once. */
export interface Distribution {
  readonly counts: Int16Array;
  readonly log: number;
  /** Where the description ended. */
  readonly end: number;
}

/**
 * Reads a table's description (4.1.1) out of `view` from `at`. Undefined where it is not valid. There must be 4 readable bytes
 * behind `end`.
 */
export function readDistribution(
  view: DataView,
  at: number,
  end: number,
  symbolLimit: number,
  largestLog: number,
): Distribution | undefined {
  const log = (view.getUint8(at) & 15) + 5;
  if (log > largestLog) return undefined;
  const counts = new Int16Array(symbolLimit);
  let bit = at * 8 + 4;
  let remaining = 1 << log;
  let symbol = 0;
  while (remaining > 0) {
    if (symbol >= symbolLimit || bit > end * 8) return undefined;
    // A value of 0…remaining+1; the lower ones take a bit less.
    const bits = 32 - Math.clz32(remaining + 1);
    const shorter = (1 << bits) - (remaining + 2);
    let value = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << bits) - 1);
    const low = value & ((1 << (bits - 1)) - 1);
    if (low < shorter) {
      value = low;
      bit += bits - 1;
    } else {
      if (value >= 1 << (bits - 1)) value -= shorter;
      bit += bits;
    }
    const count = value - 1;
    counts[symbol++] = count;
    remaining -= Math.abs(count);
    // After a zero come runs of more zeros, two bits each.
    for (let repeat = count === 0 ? 3 : 0; repeat === 3; ) {
      if (bit > end * 8) return undefined;
      repeat = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & 3;
      bit += 2;
      symbol += repeat;
    }
  }
  const after = (bit + 7) >> 3;
  if (after > end || symbol > symbolLimit) return undefined;
  return { counts, log, end: after };
}

/** A decoding table: for each state its symbol, and the next state as `base + bits`. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** Spreads the symbols over the states (4.1.1). */
export function fseTable(counts: Int16Array, log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol] as number;
    next[symbol] = Math.abs(count);
    if (count === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let i = counts[symbol] as number; i > 0; i--) {
      symbols[position] = symbol;
      do {
        position = (position + step) & (size - 1);
      } while (position >= high);
    }
  }
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] as number;
    const value = next[symbol] as number;
    next[symbol] = value + 1;
    const stateBits = log - (31 - Math.clz32(value));
    bits[state] = stateBits;
    bases[state] = (value << stateBits) - size;
  }
  return { log, symbols, bits, bases };
}
