/** Huffman codes for literals: lengths, codes, and their description. Source: RFC 8878, 4.2. */
import * as bits from "./bits";
import * as fse from "./fse";

/** Longest code (4.2.1). */
export const longestBits: i32 = 11;
const symbolLimit: i32 = 256;

/**
 * A code in memory: its longest length, how many bytes its description takes, the length for each symbol (0: it has none),
 * the description, and for each symbol a u64 of the code in the highest bits and its length in the lowest.
 */
export const depthAt: usize = 0;
export const describedAt: usize = 4;
export const lengthsAt: usize = 16;
export const descriptionAt: usize = lengthsAt + 256;
const codesAt: usize = descriptionAt + 256;
export const codeBytes: usize = codesAt + 256 * 8;

// @ts-ignore: decorator
@inline
export function lengthOf(code: usize, symbol: u32): i32 {
  return load<u8>(code + symbol, lengthsAt);
}

const sorted: usize = memory.data(256 * 4, 16);
const sortedHalf: usize = memory.data(256 * 4, 16);
const buckets: usize = memory.data(512 * 4, 16);
/** Weights of the tree's inner nodes and, by leaf and inner node, the inner node above. */
const weights: usize = memory.data(512 * 4, 16);
const parents: usize = memory.data(512 * 2, 16);
const depths: usize = memory.data(512, 16);

/** Sorts by the nine bits from `shift` on, keeping the order of equals. */
function sortBy(from: usize, to: usize, count: i32, shift: i32): void {
  memory.fill(buckets, 0, 512 * 4);
  for (let i = 0; i < count; i++) {
    const bucket = buckets + <usize>(((load<u32>(from + (<usize>i << 2)) >> shift) & 511) << 2);
    store<u32>(bucket, load<u32>(bucket) + 1);
  }
  let before: u32 = 0;
  for (let i: usize = 0; i < 512 * 4; i += 4) {
    const count = load<u32>(buckets + i);
    store<u32>(buckets + i, before);
    before += count;
  }
  for (let i = 0; i < count; i++) {
    const key = load<u32>(from + (<usize>i << 2));
    const bucket = buckets + <usize>(((key >> shift) & 511) << 2);
    const place = load<u32>(bucket);
    store<u32>(bucket, place + 1);
    store<u32>(to + (<usize>place << 2), key);
  }
}

/** Fills `sorted` with `count << 8 | symbol` of all symbols that come, ascending; returns how many. */
function sortSymbols(histogram: usize): i32 {
  let count = 0;
  for (let symbol = 0; symbol < symbolLimit; symbol++) {
    const often = load<u32>(histogram + (<usize>symbol << 2));
    if (often == 0) continue;
    store<u32>(sorted + (<usize>count << 2), (often << 8) | symbol);
    count++;
  }
  sortBy(sorted, sortedHalf, count, 8);
  sortBy(sortedHalf, sorted, count, 17);
  return count;
}

/** Weight of node `i`: leaves first, then inner nodes from `leaves` on. */
// @ts-ignore: decorator
@inline
function weightOf(i: i32): u32 {
  return load<u32>(weights + (<usize>i << 2));
}

/** Joins the two lightest until one is left; both leaves and inner nodes are in order. Fills `depths`. */
function buildTree(leaves: i32): void {
  for (let i = 0; i < leaves; i++) {
    store<u32>(weights + (<usize>i << 2), load<u32>(sorted + (<usize>i << 2)) >> 8);
  }
  let leaf = 0;
  let inner = leaves;
  const root = 2 * leaves - 2;
  for (let node = leaves; node <= root; node++) {
    let sum: u32 = 0;
    for (let child = 0; child < 2; child++) {
      const isLeaf = leaf < leaves && (inner == node || weightOf(leaf) <= weightOf(inner));
      const chosen = isLeaf ? leaf++ : inner++;
      sum += weightOf(chosen);
      store<u16>(parents + (<usize>chosen << 1), node);
    }
    store<u32>(weights + (<usize>node << 2), sum);
  }
  store<u8>(depths + root, 0);
  for (let node = root - 1; node >= 0; node--) {
    store<u8>(depths + node, load<u8>(depths + load<u16>(parents + (<usize>node << 1))) + 1);
  }
}

/**
 * Shortens what is longer than `limit` and pays with the rarest symbols that have shorter codes, so that the lengths still
 * make a complete code. Leaves are sorted: lengths don't increase.
 */
function limitDepths(leaves: i32, limit: i32): void {
  const whole = 1 << limit;
  let used = 0;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const depth = min(<i32>load<u8>(depths + leaf), limit);
    store<u8>(depths + leaf, depth);
    used += whole >> depth;
  }
  for (let leaf = 0; used > whole; ) {
    const depth: i32 = load<u8>(depths + leaf);
    if (depth == limit) {
      leaf++;
    } else {
      store<u8>(depths + leaf, depth + 1);
      used -= whole >> (depth + 1);
    }
  }
  // What that paid too much goes to the most frequent that can take it; the longest always can.
  while (used < whole) {
    for (let leaf = leaves - 1; leaf >= 0; leaf--) {
      const depth: i32 = load<u8>(depths + leaf);
      if (depth <= 1 || used + (whole >> depth) > whole) continue;
      store<u8>(depths + leaf, depth - 1);
      used += whole >> depth;
    }
  }
}

/** Makes the best code with lengths up to `limit` for bytes that come as often as the u32 at `histogram` say; two come. */
export function build(code: usize, histogram: usize, limit: i32): void {
  const leaves = sortSymbols(histogram);
  buildTree(leaves);
  if (<i32>load<u8>(depths) > limit) limitDepths(leaves, limit);
  memory.fill(code + lengthsAt, 0, 256);
  let depth = 0;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const length: i32 = load<u8>(depths + leaf);
    store<u8>(code + load<u8>(sorted + (<usize>leaf << 2)), length, lengthsAt);
    depth = max(depth, length);
  }
  store<u32>(code, depth, depthAt);
}

/** Bits of all symbols of a histogram; -1 where one of them has no code. */
export function costOf(code: usize, histogram: usize): i32 {
  let sum = 0;
  for (let symbol = 0; symbol < symbolLimit; symbol++) {
    const often = load<u32>(histogram + (<usize>symbol << 2));
    if (often == 0) continue;
    const length = lengthOf(code, symbol);
    if (length == 0) return -1;
    sum += <i32>often * length;
  }
  return sum;
}

const firsts: usize = memory.data((11 + 2) * 4, 16);

/** Assigns the codes, which is needed to write with them: longest first, then by symbol (4.2.1). */
export function assign(code: usize): void {
  const depth: i32 = load<i32>(code, depthAt);
  memory.fill(firsts, 0, 13 * 4);
  for (let symbol = 0; symbol < symbolLimit; symbol++) {
    const count = firsts + (<usize>lengthOf(code, symbol) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  let first: u32 = 0;
  for (let length = depth; length > 0; length--) {
    const place = firsts + (<usize>length << 2);
    const count = load<u32>(place);
    store<u32>(place, first);
    first = (first + count) >> 1;
  }
  for (let symbol = 0; symbol < symbolLimit; symbol++) {
    const length = lengthOf(code, symbol);
    if (length == 0) continue;
    const place = firsts + (<usize>length << 2);
    const value = load<u32>(place);
    store<u32>(place, value + 1);
    store<u64>(code + (<usize>symbol << 3), (<u64>value << (64 - length)) | length, codesAt);
  }
}

const weightTable: usize = memory.data(2048, 16);
const weightHistogram: usize = memory.data(16 * 4, 16);
const symbolWeights: usize = memory.data(256, 16);

/**
 * Describes the code (4.2.1), within it, as shortly as possible. False where there is no way: many symbols whose lengths
 * have no order.
 */
export function describe(code: usize): bool {
  const depth: i32 = load<i32>(code, depthAt);
  memory.fill(weightHistogram, 0, 16 * 4);
  let last = symbolLimit - 1;
  while (lengthOf(code, last) == 0) last--;
  // The last symbol's weight follows from the others.
  for (let symbol = 0; symbol < last; symbol++) {
    const length = lengthOf(code, symbol);
    const weight = length > 0 ? depth + 1 - length : 0;
    store<u8>(symbolWeights + symbol, weight);
    const often = weightHistogram + (<usize>weight << 2);
    store<u32>(often, load<u32>(often) + 1);
  }
  const address = code + descriptionAt;
  const packed = last > 1 ? packWeights(address + 1, last) : 0;
  if (packed > 0 && packed < 128 && (packed < (last + 1) >> 1 || last > 128)) {
    store<u8>(address, packed);
    store<u32>(code, packed + 1, describedAt);
    return true;
  }
  if (last > 128) return false;
  store<u8>(address, 127 + last);
  store<u8>(symbolWeights + last, 0);
  for (let symbol = 0; symbol < last; symbol += 2) {
    const pair = (load<u8>(symbolWeights + symbol) << 4) | load<u8>(symbolWeights + symbol, 1);
    store<u8>(address + 1 + (symbol >> 1), pair);
  }
  store<u32>(code, 1 + ((last + 1) >> 1), describedAt);
  return true;
}

/** Weights by two states in turn (4.2.1.2); returns how many bytes they take, 0 where all are the same. */
function packWeights(address: usize, count: i32): i32 {
  let kinds = 0;
  for (let weight: usize = 0; weight < 13; weight++) kinds += i32(load<u32>(weightHistogram + (weight << 2)) > 0);
  if (kinds < 2) return 0;
  const log = count > 64 || kinds > 16 ? 6 : 5;
  fse.normalize(weightTable, weightHistogram, 13, count, log);
  const start = fse.describe(weightTable, address);
  fse.buildStates(weightTable);
  bits.start(start);
  // The decoder takes the even ones from its first state. Here the last two begin.
  let even: u32 = fse.firstState(weightTable, load<u8>(symbolWeights + (count - 1 - ((count - 1) & 1))));
  let odd: u32 = fse.firstState(weightTable, load<u8>(symbolWeights + (count - 1 - (count & 1))));
  for (let i = count - 3; i >= 0; i--) {
    const symbol = load<u8>(symbolWeights + i);
    const state = i & 1 ? odd : even;
    const width = fse.widthOf(weightTable, state, symbol);
    bits.add(state, width);
    bits.flush();
    const next = fse.nextState(weightTable, state, symbol, width);
    if (i & 1) odd = next;
    else even = next;
  }
  bits.add(odd, log);
  bits.add(even, log);
  return <i32>(bits.finish() - address);
}

/** Writes one stream (4.2.2) of the literals [from, to), the last first; returns the address behind. */
export function writeStream(code: usize, from: usize, to: usize, address: usize): usize {
  const codes = code + codesAt;
  let at = address;
  // The newest bits are the highest, `bits` of them count; below them is what earlier ones left.
  let held: u64 = 0;
  let bits: u64 = 0;
  let next = to;
  // Four codes and seven bits leave the lowest byte free, in which each has its length.
  while (next >= from + 4) {
    next -= 4;
    const first = load<u64>(codes + (<usize>load<u8>(next, 3) << 3));
    const second = load<u64>(codes + (<usize>load<u8>(next, 2) << 3));
    const third = load<u64>(codes + (<usize>load<u8>(next, 1) << 3));
    const fourth = load<u64>(codes + (<usize>load<u8>(next) << 3));
    held = (held >> first) | (first & ~0xff);
    held = (held >> second) | (second & ~0xff);
    held = (held >> third) | (third & ~0xff);
    held = (held >> fourth) | (fourth & ~0xff);
    bits += (first & 0xff) + (second & 0xff) + (third & 0xff) + (fourth & 0xff);
    store<u64>(at, held >> (64 - bits));
    at += <usize>(bits >> 3);
    bits &= 7;
  }
  while (next > from) {
    next -= 1;
    const one = load<u64>(codes + (<usize>load<u8>(next) << 3));
    held = (held >> one) | (one & ~0xff);
    bits += one & 0xff;
  }
  held = (held >> 1) | (1 << 63);
  bits += 1;
  store<u64>(at, held >> (64 - bits));
  return at + <usize>((bits + 7) >> 3);
}
