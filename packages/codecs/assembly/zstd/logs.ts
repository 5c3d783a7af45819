/** Logarithms, for what symbols cost. All in integers: the same on every machine. */

/** Costs are in 1/4096 bit. */
export const bitCost: i32 = 4096;
const fractionBits: i32 = 12;

const tableLimit: i32 = 4096;
const table: usize = memory.data((tableLimit + 1) * 2, 16);
for (let value = 1; value <= tableLimit; value++) store<u16>(table + (<usize>value << 1), squaring(value));

/** log2 of 1…4096, bit by bit: squaring a number doubles its logarithm. */
function squaring(value: i32): i32 {
  let result = 31 - clz(value);
  let power = <u64>value << (31 - result);
  for (let bit = 0; bit < fractionBits; bit++) {
    power = (power * power) >> 31;
    result <<= 1;
    if (power >> 32) {
      power >>= 1;
      result |= 1;
    }
  }
  return result;
}

/** log2 of 1…4096 in 1/4096. */
// @ts-ignore: decorator
@inline
export function log2Small(value: i32): i32 {
  return load<u16>(table + (<usize>value << 1));
}

/** log2 of any positive number, rounded down a little where it is large. */
// @ts-ignore: decorator
@inline
export function log2(value: i32): i32 {
  const shift = max(0, 20 - clz(value));
  return log2Small(value >> shift) + (shift << fractionBits);
}

const selfLimit: i32 = 2048;
const selfCosts: usize = memory.data((selfLimit + 1) * 4, 16);
for (let count = 1; count <= selfLimit; count++) store<u32>(selfCosts + (<usize>count << 2), count * log2Small(count));

/** What `count` of some symbols cost together, less what is common to all: count * log2(count). */
// @ts-ignore: decorator
@inline
export function selfCost(count: i32): i64 {
  if (<u32>count <= <u32>selfLimit) return load<u32>(selfCosts + (<usize>count << 2));
  return <i64>count * log2(count);
}
