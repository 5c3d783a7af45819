/**
 * What the parser makes of the input: literals and matches, and how often each symbol of the two alphabets occurs (RFC 1951,
 * 3.2.5). The last tokens are counted apart, until it is clear which block they belong to.
 */

/** No match is shorter, or longer. */
export const minMatch: u32 = 3;
export const maxMatch: u32 = 258;

/**
 * Symbols of literals, the end of a block, and lengths, the last two of which never occur but have fixed codes; and symbols
 * of distances.
 */
export const literalSymbols: u32 = 288;
export const distanceSymbols: u32 = 30;
export const endOfBlock: u32 = 256;

/** Most tokens of a block. */
export const tokensLimit: u32 = 1 << 16;
/** The parser may pass its aim by less than this. */
export const tokensSlack: u32 = 512;

/** A literal is its byte, a match `length << 16 | distance`; u32. */
const tokens: usize = memory.data((tokensLimit + tokensSlack) << 2, 16);
/** Tokens so far, all of one block or of the next one. */
export let count: u32 = 0;

/** How often each symbol of the two alphabets occurs, one behind the other, u32 each. */
export const histogramBytes: i32 = (literalSymbols + distanceSymbols) << 2;
/** What the last tokens add. */
export const latest: usize = memory.data(histogramBytes, 16);

// @ts-ignore: decorator
@inline
export function lengthSymbol(length: u32): u32 {
  const rest = length - minMatch;
  if (rest < 8) return 257 + rest;
  if (length == maxMatch) return 285;
  const log = 31 - clz(rest);
  return 257 + ((log - 1) << 2) + ((rest >> (log - 2)) & 3);
}

/** Bits behind a symbol of the first alphabet. */
// @ts-ignore: decorator
@inline
export function lengthExtra(symbol: u32): u32 {
  return symbol < 265 || symbol == 285 ? 0 : (symbol - 261) >> 2;
}

// @ts-ignore: decorator
@inline
export function distanceSymbol(distance: u32): u32 {
  const rest = distance - 1;
  if (rest < 4) return rest;
  const log = 31 - clz(rest);
  return (log << 1) + ((rest >> (log - 1)) & 1);
}

/** Bits behind a symbol of the second alphabet. */
// @ts-ignore: decorator
@inline
export function distanceExtra(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

// @ts-ignore: decorator
@inline
export function increment(histogram: usize, symbol: u32): void {
  const at = histogram + (<usize>symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
}

// @ts-ignore: decorator
@inline
export function frequency(histogram: usize, symbol: u32): u32 {
  return load<u32>(histogram + (<usize>symbol << 2));
}

export function begin(): void {
  count = 0;
  memory.fill(latest, 0, histogramBytes);
}

// @ts-ignore: decorator
@inline
export function pushLiteral(byte: u32): void {
  store<u32>(tokens + (<usize>count << 2), byte);
  count += 1;
  increment(latest, byte);
}

// @ts-ignore: decorator
@inline
export function pushMatch(length: u32, distance: u32): void {
  store<u32>(tokens + (<usize>count << 2), (length << 16) | distance);
  count += 1;
  increment(latest, lengthSymbol(length));
  increment(latest, literalSymbols + distanceSymbol(distance));
}

// @ts-ignore: decorator
@inline
export function tokenAt(index: u32): u32 {
  return load<u32>(tokens + (<usize>index << 2));
}

/** Bytes of input that a token stands for. */
// @ts-ignore: decorator
@inline
export function bytesOf(token: u32): u32 {
  return token < 256 ? 1 : token >> 16;
}

/** Takes the first tokens away; they are written. */
export function drop(first: u32): void {
  count -= first;
  memory.copy(tokens, tokens + (<usize>first << 2), <usize>count << 2);
}

/** Adds the counts of the last tokens to a histogram, and begins to count anew. */
export function settle(histogram: usize): void {
  for (let at: usize = 0; at < <usize>histogramBytes; at += 4) {
    store<u32>(histogram + at, load<u32>(histogram + at) + load<u32>(latest + at));
  }
  memory.fill(latest, 0, histogramBytes);
}

/** Counts the tokens from one index up to another into a histogram. */
export function countInto(histogram: usize, from: u32, to: u32): void {
  for (let index = from; index < to; index++) {
    const token = tokenAt(index);
    if (token < 256) {
      increment(histogram, token);
    } else {
      increment(histogram, lengthSymbol(token >> 16));
      increment(histogram, literalSymbols + distanceSymbol(token & 0xffff));
    }
  }
}
