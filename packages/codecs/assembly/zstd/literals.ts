/** The literals section of a block. Source: RFC 8878, 3.1.1.3.1. */
import * as huffman from "./huffman";

const enum Mode {
  raw,
  single,
  compressed,
  /** With the code of an earlier block. */
  treeless,
}

/** One stream takes no jump table, but its sizes have ten bits. */
const oneStreamLimit: i32 = 1 << 10;
const jumpBytes: i32 = 6;
/** Fewer literals are never worth a code of their own. */
const codeWorth: i32 = 24;

const codes: usize = memory.data(2 * huffman.codeBytes, 16);
let own: usize = codes;
let previous: usize = codes + huffman.codeBytes;
let hasPrevious: bool = false;

let mode: i32 = Mode.raw;
/** The code that was chosen, where the mode has one. */
let chosen: usize = 0;
let single: u32 = 0;
export let plannedBits: i32 = 0;

export function reset(): void {
  hasPrevious = false;
}

/** Bytes of the header for raw and single. */
function plainHeaderBytes(count: i32): i32 {
  return count < 32 ? 1 : count < 4096 ? 2 : 3;
}

/** Bytes of the header for codes; five say up to 18 bits of sizes, more than any block has. */
function codedHeaderBytes(count: i32): i32 {
  return count < oneStreamLimit ? 3 : count < 1 << 14 ? 4 : 5;
}

/** Bytes that so many bits of codes take, at most: each of four streams ends with a mark and is filled up. */
function streamBytes(count: i32, bits: i32): i32 {
  return count < oneStreamLimit ? (bits + 8) >> 3 : ((bits + 32) >> 3) + jumpBytes;
}

/** Longest code for so many literals: where there are few, what long codes save is less than what describing them takes. */
function codeLimit(count: i32): i32 {
  return count < 2048 ? 9 : count < 8192 ? 10 : huffman.longestBits;
}

/** Bytes of the section as planned, at most, where its literals are `count` and take `bits`, with a code's description. */
export function bytesOf(count: i32, bits: i32): i32 {
  if (mode == Mode.raw) return plainHeaderBytes(count) + count;
  if (mode == Mode.single) return plainHeaderBytes(count) + 1;
  return codedHeaderBytes(count) + streamBytes(count, bits);
}

/**
 * Chooses how to write `count` literals that come as often as `counts` say. `plannedBits` are then the bits of `bytesOf`.
 */
export function plan(counts: usize, count: i32): void {
  mode = Mode.raw;
  plannedBits = 8 * count;
  let least = plainHeaderBytes(count) + count;
  if (count < 4) return;
  let distinct = 0;
  for (let at: usize = 0; at < 1024; at += 4) distinct += i32(load<u32>(counts + at) > 0);
  if (distinct == 1) {
    mode = Mode.single;
    single = 0;
    while (load<u32>(counts + (<usize>single << 2)) == 0) single++;
    plannedBits = 0;
    return;
  }
  if (hasPrevious) {
    const bits = huffman.costOf(previous, counts);
    const bytes = codedHeaderBytes(count) + streamBytes(count, bits);
    if (bits >= 0 && bytes < least) {
      least = bytes;
      mode = Mode.treeless;
      chosen = previous;
      plannedBits = bits;
    }
  }
  if (count < codeWorth) return;
  huffman.build(own, counts, codeLimit(count));
  if (!huffman.describe(own)) return;
  const bits = huffman.costOf(own, counts) + 8 * load<i32>(own, huffman.describedAt);
  const bytes = codedHeaderBytes(count) + streamBytes(count, bits);
  if (bytes >= least) return;
  mode = Mode.compressed;
  chosen = own;
  plannedBits = bits;
}

/** Bits of a literal as it was planned; -1 where the code doesn't have it. */
// @ts-ignore: decorator
@inline
export function costOf(literal: u32): i32 {
  if (mode == Mode.raw) return 8;
  if (mode == Mode.single) return literal == single ? 0 : -1;
  const length = huffman.lengthOf(chosen, literal);
  return length > 0 ? length : -1;
}

/** Writes [from, to) as planned; returns the address behind. */
export function write(from: usize, to: usize, address: usize): usize {
  const count = <i32>(to - from);
  if (mode == Mode.raw) {
    const at = writePlainHeader(count, address);
    memory.copy(at, from, count);
    return at + count;
  }
  if (mode == Mode.single) {
    const at = writePlainHeader(count, address);
    store<u8>(at, load<u8>(from));
    return at + 1;
  }
  const start = address + codedHeaderBytes(count);
  let at = start;
  if (mode == Mode.compressed) {
    huffman.assign(chosen);
    const described = load<u32>(chosen, huffman.describedAt);
    memory.copy(at, chosen + huffman.descriptionAt, described);
    at += described;
  }
  at = count < oneStreamLimit ? huffman.writeStream(chosen, from, to, at) : writeStreams(from, to, at);
  writeCodedHeader(count, <i32>(at - start), address);
  return at;
}

/** 3.1.1.3.1.6 */
function writeStreams(from: usize, to: usize, address: usize): usize {
  const part = (to - from + 3) >> 2;
  let at = address + jumpBytes;
  for (let stream: usize = 0; stream < 3; stream++) {
    const end = huffman.writeStream(chosen, from + stream * part, from + (stream + 1) * part, at);
    store<u16>(address + 2 * stream, <u16>(end - at));
    at = end;
  }
  return huffman.writeStream(chosen, from + 3 * part, to, at);
}

function writePlainHeader(count: i32, address: usize): usize {
  const bytes = plainHeaderBytes(count);
  const format = bytes == 1 ? 0 : bytes == 2 ? 1 : 3;
  store<u32>(address, mode | (format << 2) | (bytes == 1 ? count << 3 : count << 4));
  return address + bytes;
}

function writeCodedHeader(count: i32, bytes: i32, address: usize): void {
  const header = codedHeaderBytes(count);
  const format = header == 3 ? 0 : header - 2;
  const width = header == 3 ? 10 : header == 4 ? 14 : 18;
  const value = mode | (format << 2) | (<u64>count << 4) | (<u64>bytes << (4 + width));
  // Byte by byte: what follows the header is there already.
  for (let at = 0; at < header; at++) store<u8>(address + at, <u8>(value >> (8 * at)));
}

/** The block was written: later ones may use its code again. */
export function commit(): void {
  if (mode != Mode.compressed) return;
  const code = own;
  own = previous;
  previous = code;
  hasPrevious = true;
}
