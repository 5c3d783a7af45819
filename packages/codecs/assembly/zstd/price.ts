/**
 * What symbols will cost, before that is known: estimated from how often they came so far in the cluster. Prices are in
 * 1/4096 bit. They are kept in tables, which are made anew after some sequences rather than after each.
 */
import {
  literalCode,
  literalCodes,
  literalExtra,
  matchCode,
  matchCodes,
  matchExtra,
  offsetCode,
  offsetCodes,
} from "./codes";
import { countBytes, histogramBytes, literalCodesAt, literalsAt, matchCodesAt, offsetCodesAt } from "./histograms";
import { bitCost, log2 } from "./logs";
import { minMatch } from "./sequences";

/** How often symbols came, each at least once. */
const counts: usize = memory.data(histogramBytes, 16);

/** Runs of literals and matches up to there have a price in a table; it is larger than any match that is looked at closely. */
export const tableLimit: u32 = 1024;
const literalPrices: usize = memory.data(256 * 4, 16);
const runPrices: usize = memory.data(tableLimit * 4, 16);
const matchPrices: usize = memory.data(tableLimit * 4, 16);
const offsetPrices: usize = memory.data(32 * 4, 16);

/** After that many sequences prices are made anew. */
const staleAfter: i32 = 128;
let uses: i32 = 0;

/** What a literal counts, and a code: literals' counts are many, and settle at once. */
const literalStep: u32 = 2;

/** Codes of offsets as they come in most content, in place of counts before there are any. */
const usualOffsets: usize = memory.data<u8>([
  6, 2, 1, 1, 2, 3, 4, 4, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0,
]);

/** Begins a cluster whose first bytes are those of the addresses [from, to). */
export function beginPrices(from: usize, to: usize): void {
  memory.fill(counts, 0, histogramBytes);
  countBytes(from, to, counts + literalsAt);
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const place = counts + literalsAt + (symbol << 2);
    store<u32>(place, load<u32>(place) > 0 ? 1 + (load<u32>(place) >> 8) : 0);
  }
  for (let code = 0; code < literalCodes; code++) setCount(literalCodesAt, code, code == 0 ? 4 : code == 1 ? 2 : 1);
  for (let code = 0; code < matchCodes; code++) setCount(matchCodesAt, code, 1);
  for (let code = 0; code < offsetCodes; code++) setCount(offsetCodesAt, code, load<u8>(usualOffsets + code));
  refreshPrices();
}

/** Lets what came so far weigh less than what comes. */
export function agePrices(): void {
  age(literalsAt, 256, 12);
  age(literalCodesAt, literalCodes, 11);
  age(matchCodesAt, matchCodes, 11);
  age(offsetCodesAt, offsetCodes, 11);
  refreshPrices();
}

// @ts-ignore: decorator
@inline
function setCount(kind: usize, symbol: i32, count: u32): void {
  store<u32>(counts + kind + (<usize>symbol << 2), count);
}

// @ts-ignore: decorator
@inline
function countOf(kind: usize, symbol: i32): u32 {
  return load<u32>(counts + kind + (<usize>symbol << 2));
}

function totalOf(kind: usize, symbols: i32): u32 {
  let total: u32 = 0;
  for (let symbol = 0; symbol < symbols; symbol++) total += countOf(kind, symbol);
  return total;
}

/** Scales counts to a total of about `1 << log`, if it is larger. */
function age(kind: usize, symbols: i32, log: i32): void {
  const shift = 31 - clz(totalOf(kind, symbols)) - log;
  if (shift < 1) return;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = countOf(kind, symbol);
    if (count > 0) setCount(kind, symbol, 1 + (count >> shift));
  }
}

/** Makes the tables anew. */
export function refreshPrices(): void {
  uses = 0;
  const literals = log2(totalOf(literalsAt, 256));
  for (let symbol = 0; symbol < 256; symbol++) {
    // Huffman codes have a bit at least.
    const price = max(bitCost, literals - log2(max(1, countOf(literalsAt, symbol))));
    store<u32>(literalPrices + (<usize>symbol << 2), price);
  }
  const runs = log2(totalOf(literalCodesAt, literalCodes));
  for (let run: u32 = 0; run < tableLimit; ) {
    const code = literalCode(run);
    const price = runs - log2(countOf(literalCodesAt, code)) + literalExtra(code) * bitCost;
    for (const next = min(tableLimit, run + (1 << literalExtra(code))); run < next; run++) {
      store<u32>(runPrices + (<usize>run << 2), price);
    }
  }
  const matches = log2(totalOf(matchCodesAt, matchCodes));
  for (let match: u32 = minMatch; match < tableLimit; ) {
    const code = matchCode(match);
    const price = matches - log2(countOf(matchCodesAt, code)) + matchExtra(code) * bitCost;
    for (const next = min(tableLimit, match + (1 << matchExtra(code))); match < next; match++) {
      store<u32>(matchPrices + (<usize>match << 2), price);
    }
  }
  const offsets = log2(totalOf(offsetCodesAt, offsetCodes));
  for (let code = 0; code < offsetCodes; code++) {
    store<u32>(offsetPrices + (<usize>code << 2), offsets - log2(countOf(offsetCodesAt, code)) + code * bitCost);
  }
}

// @ts-ignore: decorator
@inline
export function literalPrice(byte: u32): u32 {
  return load<u32>(literalPrices + (<usize>byte << 2));
}

/** What a run of literals adds to those, as a length. */
// @ts-ignore: decorator
@inline
export function runPrice(literals: u32): u32 {
  return load<u32>(runPrices + (<usize>min(literals, tableLimit - 1) << 2));
}

// @ts-ignore: decorator
@inline
export function matchPrice(match: u32): u32 {
  return load<u32>(matchPrices + (<usize>match << 2));
}

/** Of the value that codes a distance (RFC 8878, 3.1.1.5). */
// @ts-ignore: decorator
@inline
export function offsetPrice(value: u32): u32 {
  return load<u32>(offsetPrices + (<usize>offsetCode(value) << 2));
}

// @ts-ignore: decorator
@inline
function add(kind: usize, symbol: u32, step: u32): void {
  const place = counts + kind + (<usize>symbol << 2);
  store<u32>(place, load<u32>(place) + step);
}

/** Counts a sequence: its literals are at an address. */
export function countSequence(literals: usize, run: u32, match: u32, value: u32): void {
  for (const to = literals + run; literals < to; literals++) add(literalsAt, load<u8>(literals), literalStep);
  add(literalCodesAt, literalCode(run), 1);
  add(matchCodesAt, matchCode(match), 1);
  add(offsetCodesAt, offsetCode(value), 1);
  if (++uses >= staleAfter) refreshPrices();
}
