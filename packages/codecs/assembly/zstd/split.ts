/** Where blocks end: segments are joined as long as one block costs less than two. */
import { literalCodes, literalExtra, matchCodes, matchExtra, offsetCodes } from "./codes";
import { addAll, histogramBytes, literalCodesAt, literalsAt, matchCodesAt, offsetCodesAt } from "./histograms";
import { bitCost, selfCost } from "./logs";
import * as segments from "./segments";

/** What a block costs beside its symbols, in bits: headers, jump table, last states; and the description of each symbol. */
const blockBits: i32 = 150;
const literalBits: i32 = 4;
const codeBits: i32 = 5;

const blockLimit: i32 = 256;
/** The first segment of each block, and behind the last one the end. */
const firsts: usize = memory.data(blockLimit * 4, 16);
/** What each block costs, and how much it would save to join it with the next. */
const costs: usize = memory.data(blockLimit * 8, 16);
const savings: usize = memory.data(blockLimit * 8, 16);
const joined: usize = memory.data(histogramBytes, 16);
const zeros: usize = memory.data(histogramBytes, 16);
const nothing: i64 = i64.MIN_VALUE;

/** Blocks that the segments make. */
export let count: i32 = 0;

/** The segment that now is the block's. */
export function segmentOf(block: i32): i32 {
  return load<i32>(firsts + (<usize>block << 2));
}

// @ts-ignore: decorator
@inline
function costAt(table: usize, block: i32): i64 {
  return load<i64>(table + (<usize>block << 3));
}

// @ts-ignore: decorator
@inline
function setCost(table: usize, block: i32, cost: i64): void {
  store<i64>(table + (<usize>block << 3), cost);
}

/** How many symbols `entropy` counted. */
let total: i32 = 0;

/** Bits of the symbols that two histograms count together in [part, end), and of their description, in 1/4096. */
function entropy(left: usize, right: usize, part: usize, end: usize, describeBits: i32): i64 {
  let used = 0;
  let sum: i64 = 0;
  total = 0;
  // Two at a time: most pairs are none.
  for (let at = part; at < end; at += 8) {
    const pair = load<u64>(left + at) + load<u64>(right + at);
    if (pair == 0) continue;
    const first = <i32>pair;
    const second = <i32>(pair >> 32);
    used += i32(first > 0) + i32(second > 0);
    total += first + second;
    sum += selfCost(first) + selfCost(second);
  }
  return selfCost(total) - sum + <i64>(used * describeBits) * bitCost;
}

/** What a block with the counts of both costs in 1/4096 bit, but for the extra bits of codes, which stay the same. */
function costOf(left: usize, right: usize): i64 {
  const coded = entropy(left, right, literalsAt, literalCodesAt, literalBits);
  const raw = <i64>total * 8 * bitCost;
  return (
    <i64>blockBits * bitCost +
    min(raw, coded) +
    entropy(left, right, literalCodesAt, offsetCodesAt, codeBits) +
    entropy(left, right, offsetCodesAt, matchCodesAt, codeBits) +
    entropy(left, right, matchCodesAt, histogramBytes, codeBits)
  );
}

function extraBits(counts: usize): i64 {
  let bits = 0;
  for (let code = 0; code < literalCodes; code++) {
    bits += load<i32>(counts + literalCodesAt + (<usize>code << 2)) * literalExtra(code);
  }
  for (let code = 0; code < offsetCodes; code++) bits += load<i32>(counts + offsetCodesAt + (<usize>code << 2)) * code;
  for (let code = 0; code < matchCodes; code++) {
    bits += load<i32>(counts + matchCodesAt + (<usize>code << 2)) * matchExtra(code);
  }
  return <i64>bits * bitCost;
}

/** Roughly how many bytes all segments take as one block. */
export function estimate(): i32 {
  if (segments.count == 0) return 0;
  memory.fill(joined, 0, histogramBytes);
  for (let index = 0; index < segments.count; index++) addAll(joined, segments.counts(index));
  return <i32>((costOf(joined, zeros) + extraBits(joined)) / (8 * bitCost));
}

function setSaving(block: i32, largest: usize): void {
  let saving = nothing;
  if (block + 1 < count) {
    const left = segmentOf(block);
    const right = segmentOf(block + 1);
    if (!segments.isClosed(left) && segments.inputTo(right) - segments.inputFrom(left) <= largest) {
      const together = costOf(segments.counts(left), segments.counts(right));
      saving = costAt(costs, block) + costAt(costs, block + 1) - together;
    }
  }
  setCost(savings, block, saving);
}

/** Makes blocks of at most `largest` bytes of all segments: always joins the two that save most. */
export function split(largest: usize): void {
  count = segments.count;
  for (let block = 0; block < count; block++) {
    store<i32>(firsts + (<usize>block << 2), block);
    setCost(costs, block, costOf(segments.counts(block), zeros));
  }
  for (let block = 0; block < count; block++) setSaving(block, largest);
  while (true) {
    let best = -1;
    let bestSaving: i64 = 0;
    for (let block = 0; block + 1 < count; block++) {
      const saving = costAt(savings, block);
      if (saving <= bestSaving) continue;
      bestSaving = saving;
      best = block;
    }
    if (best < 0) break;
    joinBlocks(best, bestSaving);
    if (best > 0) setSaving(best - 1, largest);
    setSaving(best, largest);
  }
}

function joinBlocks(block: i32, saving: i64): void {
  const left = segmentOf(block);
  const right = segmentOf(block + 1);
  addAll(segments.counts(left), segments.counts(right));
  segments.join(left, right);
  setCost(costs, block, costAt(costs, block) + costAt(costs, block + 1) - saving);
  const moved = count - block - 2;
  memory.copy(firsts + (<usize>(block + 1) << 2), firsts + (<usize>(block + 2) << 2), moved << 2);
  memory.copy(costs + (<usize>(block + 1) << 3), costs + (<usize>(block + 2) << 3), moved << 3);
  memory.copy(savings + (<usize>(block + 1) << 3), savings + (<usize>(block + 2) << 3), moved << 3);
  count--;
}
