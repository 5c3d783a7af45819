/**
 * Optimal parsing: of all ways through a stretch of input, with the matches that were found, the one that should cost least.
 *
 * A node is a position of a series that begins where a match is found, and ends where no way goes on or a match is long
 * enough to be taken without a thought. Each node holds the cheapest way to it that is known: its price, the last match of it
 * (or none: then a literal comes last), and the literals since a match.
 */
import * as candidates from "./candidates";
import { base, windowBytes } from "./input";
import { minMatch, Strategy, strategy, targetLength } from "./levels";
import { bitCost } from "./logs";
import { sameBytes } from "./match";
import { agePrices, beginPrices, countSequence, literalPrice, matchPrice, offsetPrice, runPrice } from "./price";
import { beginRows, gatherRows, hashBytes } from "./rows";
import { clear, push, repeat0, repeat1, repeat2 } from "./sequences";
import { beginShort, forgetShort, gatherShort } from "./short";
import { beginTree, forgetTree, gatherTree } from "./tree";

/** A series has no more; a match that would reach further ends it. */
const nodeLimit: u32 = 4096;
const nodeBytes: usize = 32;
const priceAt: usize = 0;
/** Of the match that ends here; 0 for a literal. */
const lengthAt: usize = 4;
const distanceAt: usize = 8;
/** Literals since the last match. */
const runAt: usize = 12;
const firstAt: usize = 16;
const secondAt: usize = 20;
const thirdAt: usize = 24;
/** The value that codes the match's distance. */
const valueAt: usize = 28;

/** A price that any way is cheaper than. */
const unreached: u32 = 0x7fffffff;

const shortest: u32 = 3;
/** What the next node must cost more, or nothing that begins at this one would pay: half a bit. */
const impatience: u32 = bitCost / 2;

/** Matches of the chosen way, the last first. */
const stackBytes: usize = 16;
const stack: usize = memory.data(<i32>((nodeLimit / shortest + 2) * stackBytes), 16);

const nodes: usize = memory.data(<i32>((nodeLimit + 1) * nodeBytes), 16);

/** Behind the last match that was written. */
let anchor: u32 = 0;
let first: u32 = 0;
let second: u32 = 0;
let third: u32 = 0;

/** A match that ends the series. */
let finalLength: u32 = 0;
let finalDistance: u32 = 0;
let finalValue: u32 = 0;

// @ts-ignore: decorator
@inline
function nodeOf(index: u32): usize {
  return nodes + <usize>index * nodeBytes;
}

/** Parses [from, to); see sequences.ts. */
export function optimalParse(from: u32, to: u32, start: u32): void {
  if (from > start) {
    agePrices();
    pass(from, to, start);
    return;
  }
  beginPrices(base + from, base + to);
  if (strategy == Strategy.ultraTree2) {
    // Prices that fit the content, for all of it; what the first pass entered would lie ahead of the second.
    pass(from, to, start);
    clear();
    forgetTree(start);
    forgetShort(start);
    agePrices();
  }
  pass(from, to, start);
}

function pass(from: u32, to: u32, start: u32): void {
  const end = base + to;
  const stop = to - min(to - from, hashBytes);
  beginRows(from, start);
  beginTree(from, start);
  beginShort(from, start);
  anchor = from;
  first = repeat0;
  second = repeat1;
  third = repeat2;
  for (let position = max(from, start + 1); position < stop; ) {
    settleFirst(position);
    gather(nodeOf(0), position, start, end);
    if (candidates.count == 0) {
      position++;
      continue;
    }
    position = write(position, series(position, start, stop, end));
  }
}

/** The first node of a series: the literals since the last match lead to it. */
// @ts-ignore: decorator
@inline
function settleFirst(position: u32): void {
  const node = nodeOf(0);
  // The price of the run is in it, so that prices stay positive where a longer run has a cheaper code.
  store<u32>(node, runPrice(position - anchor), priceAt);
  store<u32>(node, 0, lengthAt);
  store<u32>(node, position - anchor, runAt);
  store<u32>(node, first, firstAt);
  store<u32>(node, second, secondAt);
  store<u32>(node, third, thirdAt);
}

/** Finds the matches at a position, to which `node` belongs. */
// @ts-ignore: decorator
@inline
function gather(node: usize, position: u32, start: u32, end: usize): void {
  candidates.clearTo(shortest - 1);
  const reach = position - start;
  const low = reach > windowBytes ? position - windowBytes : start;
  const first = load<u32>(node, firstAt);
  if (load<u32>(node, runAt) > 0) {
    offerRepeat(first, 1, position, reach, end);
    offerRepeat(load<u32>(node, secondAt), 2, position, reach, end);
    offerRepeat(load<u32>(node, thirdAt), 3, position, reach, end);
  } else {
    offerRepeat(load<u32>(node, secondAt), 1, position, reach, end);
    offerRepeat(load<u32>(node, thirdAt), 2, position, reach, end);
    if (first > 1) offerRepeat(first - 1, 3, position, reach, end);
  }
  if (candidates.longest >= <u32>targetLength) return;
  if (minMatch == 3) gatherShort(position, low, end);
  if (strategy < Strategy.ultraTree) gatherRows(position, low, end);
  else gatherTree(position, low, end);
}

// @ts-ignore: decorator
@inline
function offerRepeat(distance: u32, value: u32, position: u32, reach: u32, end: usize): void {
  if (distance > reach) return;
  const at = base + position;
  if (((load<u32>(at - distance) ^ load<u32>(at)) & 0xffffff) != 0) return;
  const length = sameBytes(at - distance, at, end);
  if (length > candidates.longest) candidates.offer(length, distance, value);
}

/** Finds the cheapest way from `position`, whose matches are gathered; returns the node where it ends. */
function series(position: u32, start: u32, stop: u32, end: usize): u32 {
  if (takesLongest(0)) return 0;
  let last = relax(0, 0);
  const impatient = strategy == Strategy.optimal;
  for (let at: u32 = 1; at <= last; at++) {
    const node = nodeOf(at);
    arrive(node, position + at);
    if (at == last) break;
    if (position + at >= stop) continue;
    if (impatient && load<u32>(node + nodeBytes, priceAt) <= load<u32>(node, priceAt) + impatience) continue;
    gather(node, position + at, start, end);
    if (candidates.count == 0) continue;
    if (takesLongest(at)) return at;
    last = relax(at, last);
  }
  finalLength = 0;
  return last;
}

/** Whether the longest match that was gathered ends the series. */
// @ts-ignore: decorator
@inline
function takesLongest(at: u32): bool {
  if (candidates.longest < <u32>targetLength && at + candidates.longest < nodeLimit) return false;
  const index = candidates.count - 1;
  finalLength = candidates.lengthOf(index);
  finalDistance = candidates.distanceOf(index);
  finalValue = candidates.valueOf(index);
  return true;
}

/** Settles what leads to a node: a literal after the node before it, or a match; and the repeats that it leaves. */
// @ts-ignore: decorator
@inline
function arrive(node: usize, position: u32): void {
  const before = node - nodeBytes;
  const run = load<u32>(before, runAt) + 1;
  const price =
    load<u32>(before, priceAt) + literalPrice(load<u8>(base + position - 1)) + runPrice(run) - runPrice(run - 1);
  if (price <= load<u32>(node, priceAt)) {
    store<u32>(node, price, priceAt);
    store<u32>(node, 0, lengthAt);
    store<u32>(node, run, runAt);
    v128.store(node + firstAt, v128.load(before + firstAt));
    return;
  }
  const origin = node - <usize>load<u32>(node, lengthAt) * nodeBytes;
  const value = load<u32>(node, valueAt);
  const first = load<u32>(origin, firstAt);
  const second = load<u32>(origin, secondAt);
  const index = value > 3 ? 3 : value - (load<u32>(origin, runAt) > 0 ? 1 : 0);
  store<u32>(node, index == 0 ? first : load<u32>(node, distanceAt), firstAt);
  store<u32>(node, index == 0 ? second : first, secondAt);
  store<u32>(node, index < 2 ? load<u32>(origin, thirdAt) : second, thirdAt);
}

/** Enters all matches that were gathered at a node; returns the last node that is reached. */
// @ts-ignore: decorator
@inline
function relax(at: u32, last: u32): u32 {
  const node = nodeOf(at);
  for (; last < at + candidates.longest; last++) store<u32>(nodeOf(last + 1), unreached, priceAt);
  const price = load<u32>(node, priceAt) + runPrice(0);
  let length = shortest;
  for (let index = 0; index < candidates.count; index++) {
    const distance = candidates.distanceOf(index);
    const value = candidates.valueOf(index);
    const withOffset = price + offsetPrice(value);
    for (const to = candidates.lengthOf(index); length <= to; length++) {
      const target = node + <usize>length * nodeBytes;
      const total = withOffset + matchPrice(length);
      if (total >= load<u32>(target, priceAt)) continue;
      store<u32>(target, total, priceAt);
      store<u32>(target, length, lengthAt);
      store<u32>(target, distance, distanceAt);
      store<u32>(target, 0, runAt);
      store<u32>(target, value, valueAt);
    }
  }
  return last;
}

/** Writes the way to the node `last` and the match that ends the series; returns the position behind it. */
function write(position: u32, last: u32): u32 {
  let top = stack;
  const tail = nodeOf(last);
  first = load<u32>(tail, firstAt);
  second = load<u32>(tail, secondAt);
  third = load<u32>(tail, thirdAt);
  const tailRun = load<u32>(tail, runAt);
  let node = tail;
  // From a node with literals to the end of the match before them, and so on; the first node's literals are older.
  for (;;) {
    const run = load<u32>(node, runAt);
    if (run > <u32>((node - nodes) / nodeBytes)) break;
    node -= <usize>run * nodeBytes;
    if (node == nodes) break;
    store<u32>(top, load<u32>(node, lengthAt));
    store<u32>(top, load<u32>(node, distanceAt), 4);
    store<u32>(top, load<u32>(node, valueAt), 8);
    node -= <usize>load<u32>(node, lengthAt) * nodeBytes;
    store<u32>(top, load<u32>(node, runAt), 12);
    top += stackBytes;
  }
  while (top > stack) {
    top -= stackBytes;
    emit(load<u32>(top, 12), load<u32>(top), load<u32>(top, 4), load<u32>(top, 8));
  }
  if (finalLength == 0) return position + last;
  emit(tailRun, finalLength, finalDistance, finalValue);
  const index = finalValue > 3 ? 3 : finalValue - (tailRun > 0 ? 1 : 0);
  if (index > 1) third = second;
  if (index > 0) {
    second = first;
    first = finalDistance;
  }
  return anchor;
}

function emit(run: u32, match: u32, distance: u32, value: u32): void {
  countSequence(base + anchor, run, match, value);
  push(run, match, distance);
  anchor += run + match;
}
