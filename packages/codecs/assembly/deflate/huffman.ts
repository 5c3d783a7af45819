/** Code lengths and codes of canonical Huffman codes (RFC 1951, 3.2.2). */

const mostSymbols: i32 = 288;
const longestCode: u32 = 15;

/** The used symbols by falling rarity, `frequency << 16 | symbol`, u32; and room to sort them. */
const sorted: usize = memory.data(mostSymbols << 2, 16);
const spare: usize = memory.data(mostSymbols << 2, 16);
/** Weights, then parents, then depths of the nodes of the tree, u32. */
const nodes: usize = memory.data(mostSymbols << 2, 16);
/** Codes of each length; also where digits go in sorting. */
const counts: usize = memory.data(256 << 2, 16);

// @ts-ignore: decorator
@inline
function get(array: usize, index: u32): u32 {
  return load<u32>(array + (<usize>index << 2));
}

// @ts-ignore: decorator
@inline
function set(array: usize, index: u32, value: u32): void {
  store<u32>(array + (<usize>index << 2), value);
}

/** Sorts by the byte of the numbers at a bit. */
function sortByDigit(from: usize, to: usize, count: u32, bit: u32): void {
  memory.fill(counts, 0, 256 << 2);
  for (let i: u32 = 0; i < count; i++) {
    const digit = (get(from, i) >> bit) & 255;
    set(counts, digit, get(counts, digit) + 1);
  }
  let before: u32 = 0;
  for (let digit: u32 = 0; digit < 256; digit++) {
    const here = get(counts, digit);
    set(counts, digit, before);
    before += here;
  }
  for (let i: u32 = 0; i < count; i++) {
    const value = get(from, i);
    const digit = (value >> bit) & 255;
    const place = get(counts, digit);
    set(counts, digit, place + 1);
    set(to, place, value);
  }
}

/** Depths of the leaves of a Huffman tree, in place of their weights, which rise (Moffat and Katajainen, 1995). */
function weightsToDepths(count: u32): void {
  set(nodes, 0, get(nodes, 0) + get(nodes, 1));
  let root: u32 = 0;
  let leaf: u32 = 2;
  for (let next: u32 = 1; next < count - 1; next++) {
    let weight: u32;
    if (leaf >= count || get(nodes, root) < get(nodes, leaf)) {
      weight = get(nodes, root);
      set(nodes, root++, next);
    } else {
      weight = get(nodes, leaf++);
    }
    if (leaf >= count || (root < next && get(nodes, root) < get(nodes, leaf))) {
      weight += get(nodes, root);
      set(nodes, root++, next);
    } else {
      weight += get(nodes, leaf++);
    }
    set(nodes, next, weight);
  }
  set(nodes, count - 2, 0);
  for (let next = <i32>count - 3; next >= 0; next--) set(nodes, next, get(nodes, get(nodes, next)) + 1);
  let available: u32 = 1;
  let depth: u32 = 0;
  let inner = <i32>count - 2;
  let at = <i32>count - 1;
  while (available > 0) {
    let used: u32 = 0;
    while (inner >= 0 && get(nodes, inner) == depth) {
      used++;
      inner--;
    }
    while (available > used) {
      set(nodes, at--, depth);
      available--;
    }
    available = 2 * used;
    depth++;
  }
}

/** Counts the codes of each length, none longer than `limit`: where some would be, others grow to make room. */
function countLengths(count: u32, limit: u32): void {
  memory.fill(counts, 0, (longestCode + 1) << 2);
  let taken: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const length = min(get(nodes, i), limit);
    set(counts, length, get(counts, length) + 1);
    taken += 1 << (limit - length);
  }
  while (taken > <u32>1 << limit) {
    // One of the longest codes joins another code, which becomes longer by a bit.
    let length = limit - 1;
    while (get(counts, length) == 0) length--;
    set(counts, length, get(counts, length) - 1);
    set(counts, length + 1, get(counts, length + 1) + 2);
    set(counts, limit, get(counts, limit) - 1);
    taken--;
  }
}

/** Finds the lengths (u8 each) of the codes for symbols with these frequencies (u32 each); 0 for those that don't occur. */
export function findLengths(frequencies: usize, symbols: u32, limit: u32, lengths: usize): void {
  memory.fill(lengths, 0, symbols);
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const frequency = get(frequencies, symbol);
    if (frequency == 0) continue;
    // More tokens than a block may have would not fit.
    set(sorted, used++, (min<u32>(frequency, 0xffff) << 16) | symbol);
  }
  if (used == 0) return;
  if (used == 1) return store<u8>(lengths + (get(sorted, 0) & 0xffff), 1);
  sortByDigit(sorted, spare, used, 16);
  sortByDigit(spare, sorted, used, 24);
  for (let i: u32 = 0; i < used; i++) set(nodes, i, get(sorted, i) >> 16);
  weightsToDepths(used);
  countLengths(used, limit);
  let at: u32 = 0;
  for (let length = limit; length > 0; length--) {
    for (let left = get(counts, length); left > 0; left--) {
      store<u8>(lengths + (get(sorted, at) & 0xffff), length);
      at++;
    }
  }
}

/** Makes the codes (u32 each: `bits << 8 | length`, the first bit lowest) of symbols with these lengths. */
export function makeCodes(lengths: usize, symbols: u32, codes: usize): void {
  memory.fill(counts, 0, (longestCode + 2) << 2);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length > 0) set(counts, length + 1, get(counts, length + 1) + 1);
  }
  let code: u32 = 0;
  for (let length: u32 = 1; length <= longestCode; length++) {
    code = (code + get(counts, length)) << 1;
    set(counts, length, code);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) {
      set(codes, symbol, 0);
      continue;
    }
    const next = get(counts, length);
    set(counts, length, next + 1);
    set(codes, symbol, (reversed(next, length) << 8) | length);
  }
}

function reversed(code: u32, length: u32): u32 {
  let bits: u32 = 0;
  for (let i: u32 = 0; i < length; i++) bits |= ((code >> i) & 1) << (length - 1 - i);
  return bits;
}
