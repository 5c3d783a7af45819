/**
 * What parsers found, made ready to be written: sequences with their codes, literals one behind the other, and counts of
 * both for short segments of the input, of which blocks are then made (split.ts).
 */
import { literalCode, matchCode, offsetCode } from "./codes";
import { countBytes, histogramBytes, increment, literalCodesAt, literalsAt, matchCodesAt, offsetCodesAt } from "./histograms";
import * as sequences from "./sequences";

/** Input of a segment, bytes, unless one sequence alone has more. */
const segmentBytes: i32 = 4096;
/** More than a stretch adds to those with which `isFull` is not yet true. */
const segmentLimit: i32 = 256;
const fullAt: i32 = 160;

/** A segment, or several that were joined: addresses, indexes and what the repeats are before it. */
const sequencesFromAt: usize = 0;
const sequencesToAt: usize = 4;
const literalsFromAt: usize = 8;
const literalsToAt: usize = 12;
const inputFromAt: usize = 16;
const inputToAt: usize = 20;
const closedAt: usize = 24;
const repeat0At: usize = 28;
const repeat1At: usize = 32;
const repeat2At: usize = 36;
const countsAt: usize = 64;
const segmentStride: usize = countsAt + histogramBytes;
const segments: usize = memory.data(segmentLimit * segmentStride, 16);

/** Codes of a sequence in the bytes of a u32: literals, offset, match; and the value of its offset (3.1.1.5). */
const codes: usize = memory.data((sequences.gatherLimit / sequences.minMatch + 1) * 4, 16);
const values: usize = memory.data((sequences.gatherLimit / sequences.minMatch + 1) * 4, 16);
/** A little more than all literals, which are copied sixteen at a time. */
const literals: usize = memory.data(sequences.gatherLimit + 256, 16);

/** Segments so far; the last one may still grow. */
export let count: i32 = 0;
/** Address of the first byte of input that is in no sequence yet; what lies between it and the end are literals. */
export let next: usize = 0;

let literalsEnd: usize = literals;
let repeat0: u32 = 0;
let repeat1: u32 = 0;
let repeat2: u32 = 0;

// @ts-ignore: decorator
@inline
function segmentOf(index: i32): usize {
  return segments + <usize>index * segmentStride;
}

export function sequencesFrom(index: i32): i32 {
  return load<i32>(segmentOf(index), sequencesFromAt);
}

export function sequencesTo(index: i32): i32 {
  return load<i32>(segmentOf(index), sequencesToAt);
}

export function literalsFrom(index: i32): usize {
  return load<usize>(segmentOf(index), literalsFromAt);
}

export function literalsTo(index: i32): usize {
  return load<usize>(segmentOf(index), literalsToAt);
}

export function inputFrom(index: i32): usize {
  return load<usize>(segmentOf(index), inputFromAt);
}

export function inputTo(index: i32): usize {
  return load<usize>(segmentOf(index), inputToAt);
}

/** Nothing may be joined to its end. */
export function isClosed(index: i32): bool {
  return load<u32>(segmentOf(index), closedAt) != 0;
}

export function counts(index: i32): usize {
  return segmentOf(index) + countsAt;
}

export function isFull(): bool {
  return count >= fullAt;
}

// @ts-ignore: decorator
@inline
export function codesOf(sequence: i32): u32 {
  return load<u32>(codes + (<usize>sequence << 2));
}

// @ts-ignore: decorator
@inline
export function valueOf(sequence: i32): u32 {
  return load<u32>(values + (<usize>sequence << 2));
}

/** Forgets what was gathered; what comes begins at the address `input`. */
export function clear(input: usize): void {
  sequences.clear();
  count = 0;
  next = input;
  literalsEnd = literals;
  repeat0 = sequences.repeat0;
  repeat1 = sequences.repeat1;
  repeat2 = sequences.repeat2;
}

function open(sequence: i32): usize {
  const segment = segmentOf(count++);
  memory.fill(segment, 0, segmentStride);
  store<i32>(segment, sequence, sequencesFromAt);
  store<usize>(segment, literalsEnd, literalsFromAt);
  store<usize>(segment, next, inputFromAt);
  markRepeats(segment);
  return segment;
}

function markRepeats(segment: usize): void {
  store<u32>(segment, repeat0, repeat0At);
  store<u32>(segment, repeat1, repeat1At);
  store<u32>(segment, repeat2, repeat2At);
}

function settle(segment: usize, sequence: i32): void {
  const from = load<usize>(segment, literalsToAt);
  countBytes(from > 0 ? from : load<usize>(segment, literalsFromAt), literalsEnd, segment + countsAt + literalsAt);
  store<i32>(segment, sequence, sequencesToAt);
  store<usize>(segment, literalsEnd, literalsToAt);
  store<usize>(segment, next, inputToAt);
}

/** Whether the last segment has room for `bytes` more. */
function hasRoom(bytes: u32): bool {
  const segment = segmentOf(count - 1);
  return count > 0 && !isClosed(count - 1) && next + bytes <= load<usize>(segment, inputFromAt) + segmentBytes;
}

/** Takes over the sequences from index `from` on. */
export function take(from: i32): void {
  const to = sequences.count;
  for (let sequence = from; sequence < to; ) {
    const first = sequences.literalsOf(sequence) + sequences.matchOf(sequence);
    const segment = hasRoom(first) ? segmentOf(count - 1) : open(sequence);
    sequence = takeSegment(segment, sequence, to);
    settle(segment, sequence);
  }
  sequences.setRepeats(repeat0, repeat1, repeat2);
}

/** Takes sequences until the segment has enough input, at least one; returns the index of the next. */
function takeSegment(segment: usize, from: i32, to: i32): i32 {
  const counts = segment + countsAt;
  const limit = load<usize>(segment, inputFromAt) + segmentBytes;
  let input = next;
  let literal = literalsEnd;
  let sequence = from;
  do {
    const run = sequences.literalsOf(sequence);
    const match = sequences.matchOf(sequence);
    if (sequence > from && input + run + match > limit) break;
    copyLiterals(input, literal, run);
    literal += run;
    input += run + match;
    const value = offsetValue(sequences.distanceOf(sequence), run);
    const runCode = literalCode(run);
    const code = offsetCode(value);
    const lengthCode = matchCode(match);
    increment(counts + literalCodesAt, runCode);
    increment(counts + offsetCodesAt, code);
    increment(counts + matchCodesAt, lengthCode);
    store<u32>(codes + (<usize>sequence << 2), runCode | (code << 8) | (lengthCode << 16));
    store<u32>(values + (<usize>sequence << 2), value);
    sequence++;
  } while (sequence < to);
  next = input;
  literalsEnd = literal;
  return sequence;
}

// @ts-ignore: decorator
@inline
function copyLiterals(from: usize, to: usize, bytes: u32): void {
  v128.store(to, v128.load(from));
  if (bytes > 16) memory.copy(to + 16, from + 16, bytes - 16);
}

/** 1 to 3 for a repeat, else the distance and 3 (3.1.1.5); without literals before it the first repeat cannot be meant. */
// @ts-ignore: decorator
@inline
function offsetValue(distance: u32, run: u32): u32 {
  if (distance == repeat0 && run > 0) return 1;
  if (distance == repeat1) {
    repeat1 = repeat0;
    repeat0 = distance;
    return run > 0 ? 2 : 1;
  }
  const isThird = distance == repeat2;
  const isBefore = run == 0 && distance == repeat0 - 1;
  repeat2 = repeat1;
  repeat1 = repeat0;
  repeat0 = distance;
  return isThird ? (run > 0 ? 3 : 2) : isBefore ? 3 : distance + 3;
}

/** Takes the input up to `end`, which is in no sequence, for literals of the last segment, behind which nothing is joined. */
export function takeTail(end: usize): void {
  const segment = hasRoom(<u32>(end - next)) ? segmentOf(count - 1) : open(sequences.count);
  memory.copy(literalsEnd, next, end - next);
  literalsEnd += end - next;
  next = end;
  settle(segment, sequences.count);
  store<u32>(segment, 1, closedAt);
}

/** Lengthens the last match by `bytes` of the input that follows. */
export function extend(bytes: u32): void {
  const segment = segmentOf(count - 1);
  const sequence = sequences.count - 1;
  const old = sequences.matchOf(sequence);
  const place = segment + countsAt + matchCodesAt + (<usize>matchCode(old) << 2);
  store<u32>(place, load<u32>(place) - 1);
  const code = matchCode(old + bytes);
  increment(segment + countsAt + matchCodesAt, code);
  store<u32>(codes + (<usize>sequence << 2), (codesOf(sequence) & 0xffff) | (code << 16));
  sequences.lengthen(sequence, bytes);
  next += bytes;
  store<usize>(segment, next, inputToAt);
}

/** Joins the segment at `right` to that at `left`, with counts that are already the sum of both. */
export function join(left: i32, right: i32): void {
  const segment = segmentOf(left);
  store<i32>(segment, sequencesTo(right), sequencesToAt);
  store<usize>(segment, literalsTo(right), literalsToAt);
  store<usize>(segment, inputTo(right), inputToAt);
  store<u32>(segment, isClosed(right) ? 1 : 0, closedAt);
}

/** Codes the offsets of the segment at `index` again: an earlier block was written without its sequences. */
export function recode(index: i32): void {
  const offsets = counts(index) + offsetCodesAt;
  memory.fill(offsets, 0, 32 * 4);
  markRepeats(segmentOf(index));
  const to = sequencesTo(index);
  for (let sequence = sequencesFrom(index); sequence < to; sequence++) {
    const value = offsetValue(sequences.distanceOf(sequence), sequences.literalsOf(sequence));
    const code = offsetCode(value);
    increment(offsets, code);
    store<u32>(codes + (<usize>sequence << 2), (codesOf(sequence) & 0xff00ff) | (code << 8));
    store<u32>(values + (<usize>sequence << 2), value);
  }
  sequences.setRepeats(repeat0, repeat1, repeat2);
}

/** Goes back to the repeats before the segment at `index`. */
export function rewindRepeats(index: i32): void {
  const segment = segmentOf(index);
  repeat0 = load<u32>(segment, repeat0At);
  repeat1 = load<u32>(segment, repeat1At);
  repeat2 = load<u32>(segment, repeat2At);
  sequences.setRepeats(repeat0, repeat1, repeat2);
}
