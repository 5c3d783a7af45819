/** Raw DEFLATE of bounded size (RFC 1951). See src/encode/deflate.ts for how it is called. */
import { advanceEpoch, output, outputLimit, slack } from "../lz4/memory";
import * as bits from "./bits";
import { chooseCodes, fixCodes, inputBytes, tokensBefore, tokensWithin, writeLengths, writeTokens } from "./codes";
import { estimateBoth } from "./estimate";
import * as matches from "./matches";
import * as tokens from "./tokens";

const storedType: u32 = 0;
const fixedType: u32 = 1;
const dynamicType: u32 = 2;
const storedLimit: u32 = 65535;

/** Tokens between two looks at whether the block goes on, and fewest of them that may begin another one. */
const chunkTokens: u32 = 2048;
const leastTokens: u32 = 512;
/** About the bits that codes take before a block. */
const describedBits: u32 = 500;
/** Times that a cut is tried again where it left room or was too long. */
const cutTries: u32 = 5;

/** Symbols of the block so far, and of a part of it. */
const block: usize = memory.data(tokens.histogramBytes, 16);
const part: usize = memory.data(tokens.histogramBytes, 16);
const nothing: usize = memory.data(tokens.histogramBytes, 16);
/** Tokens of the block so far. */
let settled: u32 = 0;
/** Where in the input the block starts. */
let from: usize = 0;
let capacityBits: u32 = 0;
/** Where the last block that was written starts, and whether there is one. */
let lastBlock: u32 = 0;
let written: bool = false;

/** Where the caller puts the input; `slackBytes` behind it must exist. */
export function inputAddress(): usize {
  return (__heap_base + 15) & ~15;
}

export function slackBytes(): u32 {
  return slack;
}

export function outputAddress(): usize {
  return output;
}

/** Bytes of the stream that was filled last. */
export function blockBytes(): u32 {
  return bits.position() >> 3;
}

/** Fills a stream from the input between two offsets, and returns how many bytes of it are in there. */
export function fill(start: u32, end: u32, capacity: u32, tries: u32, longEnough: u32, lazy: bool): u32 {
  from = inputAddress() + start;
  const to = inputAddress() + end;
  capacityBits = min(capacity, outputLimit) << 3;
  bits.begin();
  tokens.begin();
  matches.begin(from, to, tries, longEnough, lazy);
  settled = 0;
  written = false;
  beginBlock();
  fillBlocks(to);
  bits.align();
  if (written) bits.setBit(lastBlock);
  if (advanceEpoch(matches.usedBytes() + matches.windowBytes)) matches.clear();
  return <u32>(from - inputAddress()) - start;
}

function beginBlock(): void {
  memory.fill(block, 0, tokens.histogramBytes);
  store<u32>(block + (tokens.endOfBlock << 2), 1);
}

// @ts-ignore: decorator
@inline
function room(): u32 {
  return capacityBits - bits.position();
}

function fillBlocks(to: usize): void {
  for (;;) {
    const estimate = estimateBoth(block, nothing);
    matches.parse(min(settled + nextTokens(estimate), tokens.tokensLimit));
    const more = tokens.count - settled;
    if (settled > 0 && more >= leastTokens && isApart(estimate)) {
      if (!writeWhole(settled)) return cut(settled);
      beginBlock();
    }
    tokens.settle(block);
    settled = tokens.count;
    const isFull = estimateBoth(block, nothing) + describedBits / 2 > room();
    if (isFull && chooseCodes(block) > room()) return cut(settled);
    if (matches.at == to || settled >= tokens.tokensLimit) {
      if (settled == 0) return;
      if (!writeWhole(settled)) return cut(settled);
      if (matches.at == to) return;
      beginBlock();
    }
  }
}

/** Tokens to parse next: about as many as there is still room for, or the usual number. */
function nextTokens(estimate: u32): u32 {
  const left = room();
  if (settled == 0) return min(chunkTokens, left / 12 + 16);
  if (estimate >= left) return 16;
  const perToken = estimate / settled + 1;
  return min(chunkTokens, (left - estimate) / perToken + 16);
}

/** Whether the last tokens are better off in a block of their own. */
function isApart(estimate: u32): bool {
  return estimate + estimateBoth(tokens.latest, nothing) + describedBits < estimateBoth(block, tokens.latest);
}

/** Writes the first tokens, which `block` counts, as a block. False where it doesn't fit. */
function writeWhole(count: u32): bool {
  const bytes = inputBytes(count);
  const fixed = fixCodes(block);
  const dynamic = chooseCodes(block);
  const stored = storedBits(bytes);
  if (min(fixed, min(dynamic, stored)) > room()) return false;
  if (stored <= dynamic && stored <= fixed) {
    writeStored(bytes);
  } else {
    begin(dynamic <= fixed ? dynamicType : fixedType);
    if (dynamic <= fixed) writeLengths();
    else fixCodes(block);
    writeTokens(count);
  }
  take(count, bytes);
  return true;
}

function begin(type: u32): void {
  lastBlock = bits.position();
  written = true;
  bits.put(type << 1, 3);
}

function take(count: u32, bytes: u32): void {
  from += bytes;
  tokens.drop(count);
  settled = 0;
}

/** Bits of so many bytes that are not compressed. */
function storedBits(bytes: u32): u32 {
  const blocks = (bytes + storedLimit - 1) / storedLimit;
  const padding = (8 - ((bits.position() + 3) & 7)) & 7;
  return padding + 3 + 32 + 40 * (blocks - 1) + 8 * bytes;
}

function writeStored(bytes: u32): void {
  let at = from;
  for (let left = bytes; left > 0; ) {
    const here = min(left, storedLimit);
    begin(storedType);
    // Decoders skip these bits. EROFS pads clusters with zeros in front, so that no stream may start with a zero byte.
    if (lastBlock == 0) bits.put(0x1f, 5);
    bits.align();
    bits.putBytes(headerOf(here), 4);
    bits.putBytes(at, here);
    at += here;
    left -= here;
  }
}

const storedHeader: usize = memory.data(4);

function headerOf(bytes: u32): usize {
  store<u16>(storedHeader, bytes);
  store<u16>(storedHeader, ~bytes, 2);
  return storedHeader;
}

/** Writes as much of the block as fits, which is not all. */
function cut(count: u32): void {
  const dynamic = cutDynamic(count);
  const dynamicBytes = inputBytes(dynamic);
  const fixed = cutFixed(count);
  const fixedBytes = inputBytes(fixed);
  const storedBytes = min(mostStored(), inputBytes(count));
  if (storedBytes > 0 && storedBytes >= max(dynamicBytes, fixedBytes)) {
    writeStored(storedBytes);
    return take(0, storedBytes);
  }
  if (max(dynamic, fixed) == 0) return;
  countPart(max(dynamicBytes, fixedBytes) == dynamicBytes ? dynamic : fixed);
  if (dynamicBytes >= fixedBytes) {
    chooseCodes(part);
    begin(dynamicType);
    writeLengths();
    writeTokens(dynamic);
    take(dynamic, dynamicBytes);
  } else {
    fixCodes(part);
    begin(fixedType);
    writeTokens(fixed);
    take(fixed, fixedBytes);
  }
}

function countPart(count: u32): void {
  memory.fill(part, 0, tokens.histogramBytes);
  store<u32>(part + (tokens.endOfBlock << 2), 1);
  tokens.countInto(part, 0, count);
}

/** Most bytes that fit without compression. */
function mostStored(): u32 {
  const left = room();
  let bytes = left >> 3;
  while (bytes > 0 && storedBits(bytes) > left) bytes--;
  return bytes;
}

/** How many tokens fit in codes of their own. Each try starts from what the codes of the one before left or lacked. */
function cutDynamic(count: u32): u32 {
  let best: u32 = 0;
  let tooMany = count;
  const left = room();
  let bitsHere = chooseCodes(block);
  let here = count;
  for (let tries: u32 = 0; tries < cutTries; tries++) {
    if (bitsHere <= left) {
      best = here;
      here += tokensWithin(here, tooMany, left - bitsHere);
      if (here >= tooMany) here = tooMany - 1;
    } else {
      tooMany = here;
      here -= tokensBefore(here, bitsHere - left);
      if (here < best) here = best + ((tooMany - best) >> 1);
    }
    if (here <= best) break;
    countPart(here);
    bitsHere = chooseCodes(part);
  }
  return bitsHere <= left ? max(best, here) : best;
}

/** How many tokens fit in the fixed codes. */
function cutFixed(count: u32): u32 {
  const left = room();
  fixCodes(nothing);
  return left < 10 ? 0 : tokensWithin(0, count, left - 10);
}
