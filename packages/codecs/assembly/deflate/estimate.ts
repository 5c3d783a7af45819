/** What symbols would cost in codes of fractions of bits: a bound that is quick to find. */
import { extraBits } from "./codes";
import { distanceSymbols, frequency, literalSymbols } from "./tokens";

/** `n * log2(n)` for small numbers, f32. */
const tableSize: u32 = 4096;
const table: usize = memory.data(tableSize << 2, 16);

for (let n: u32 = 1; n < tableSize; n++) store<f32>(table + (<usize>n << 2), weighted(n));

// @ts-ignore: decorator
@inline
function weighted(n: u32): f32 {
  return <f32>n * Mathf.log2(<f32>n);
}

// @ts-ignore: decorator
@inline
function weightedLog(n: u32): f32 {
  return n < tableSize ? load<f32>(table + (<usize>n << 2)) : weighted(n);
}

function alphabetBits(histogram: usize, other: usize, from: u32, to: u32): f32 {
  let all: u32 = 0;
  let bits: f32 = 0;
  for (let symbol = from; symbol < to; symbol++) {
    const count = frequency(histogram, symbol) + frequency(other, symbol);
    all += count;
    bits -= weightedLog(count);
  }
  return bits + weightedLog(all);
}

/** About the bits of the symbols of two histograms in common codes, without the description of the codes. */
export function estimateBoth(histogram: usize, other: usize): u32 {
  const bits =
    alphabetBits(histogram, other, 0, literalSymbols) +
    alphabetBits(histogram, other, literalSymbols, literalSymbols + distanceSymbols);
  return <u32>bits + extraBits(histogram) + extraBits(other);
}
