/**
 * A cluster: a frame that holds as much of the input as fits. Input is gathered until what it probably takes is a little
 * more than there is room for, made into blocks, and the block that doesn't fit any more is cut.
 */
import * as block from "./block";
import * as coding from "./coding";
import * as cutting from "./cut";
import { frameHeaderBytes, longestHeaderBytes, writeFrameHeader } from "./frame";
import { base, windowBytes } from "./input";
import * as literals from "./literals";
import { sameBytes } from "./match";
import { parse } from "./parse";
import * as segments from "./segments";
import * as sequences from "./sequences";
import * as splitting from "./split";

/** Room below which no further block is tried. */
const leastRoom: i32 = 12;

export const outputLimit: i32 = 1 << 20;
/** Blocks that turn out not to fit are written nevertheless. */
const output: usize = memory.data(outputLimit + (1 << 18), 16);

/** The frame that was made. */
export let frame: usize = 0;
export let frameBytes: i32 = 0;
/** Bytes of input that are in it. */
export let consumed: u32 = 0;

let blockMax: u32 = 0;
/** Addresses of the cluster's input. */
let inputStart: usize = 0;
let inputEnd: usize = 0;
/** Up to where it was parsed, and up to where it is in blocks. */
let parsed: usize = 0;
let written: usize = 0;
/** Where the next block goes, where the first is, and the header of the last one. */
let at: usize = 0;
let body: usize = 0;
let lastHeader: usize = 0;
let capacity: i32 = 0;

/** Address up to which input was read, ever since `start`. */
export function parsedTo(): usize {
  return parsed;
}

/** Fills a cluster with the input between two addresses. */
export function fill(start: usize, end: usize, bytes: i32): void {
  blockMax = min(<u32>sequences.blockLimit, windowBytes);
  inputStart = start;
  inputEnd = end;
  parsed = start;
  written = start;
  capacity = bytes;
  body = output + longestHeaderBytes;
  at = body;
  lastHeader = 0;
  literals.reset();
  coding.reset();
  sequences.setRepeats(1, 4, 8);
  do {
    segments.clear(written);
    gather();
    splitting.split(blockMax);
  } while (writeBlocks() && written < inputEnd && roomTo(inputEnd) >= leastRoom);
  finish();
}

function finish(): void {
  consumed = <u32>(written - inputStart);
  if (consumed == 0) {
    frameBytes = 0;
    return;
  }
  block.setLast(lastHeader);
  const header = frameHeaderBytes(consumed);
  frame = body - header;
  frameBytes = <i32>(at - frame);
  writeFrameHeader(consumed, frame);
}

/** Bytes that blocks may take from here on, if the cluster ends at `end` or before. */
function roomTo(end: usize): i32 {
  return capacity - <i32>(at - body) - frameHeaderBytes(<u32>(end - inputStart));
}

/** Parses stretches until they fill the room, or as many as there is memory for. */
function gather(): void {
  const room = roomTo(inputEnd);
  const limit = min(inputEnd, written + sequences.gatherLimit);
  const ratio: f64 = at > body ? <f64>(written - inputStart) / <f64>(at - body) : 1.5;
  let more = <usize>(<f64>room * ratio * 1.05) + 256;
  while (true) {
    stretch(min(limit, parsed + min(more, blockMax - (blockMax >> 4))));
    if (parsed >= limit || segments.isFull()) break;
    const taken = splitting.estimate() + 16;
    const left = room + (room >> 6) + 32 - taken;
    if (left <= 0) break;
    const ratioNow = <f64>(parsed - written) / <f64>taken;
    more = <usize>(<f64>left * ratioNow * 1.02) + 128;
  }
  if (segments.next < parsed) segments.takeTail(parsed);
}

/** Parses up to the address `to`. */
function stretch(to: usize): void {
  const from = extendMatch(to);
  const before = sequences.count;
  parse(<u32>(from - base), <u32>(to - base), <u32>(inputStart - base));
  parsed = to;
  if (sequences.count > before) {
    sequences.addLiterals(before, <u32>(from - segments.next));
    segments.take(before);
  }
  // Literals that wait for the next match; not too many, as that may be in another block.
  if (parsed - segments.next > blockMax >> 5) segments.takeTail(parsed);
}

/** Goes on with a match that ended only because the last stretch did; returns where to parse from. */
function extendMatch(to: usize): usize {
  const from = parsed;
  if (sequences.count == 0 || segments.next != from || segments.isClosed(segments.count - 1)) return from;
  const distance = sequences.distanceOf(sequences.count - 1);
  const limit = min(to, segments.inputFrom(segments.count - 1) + blockMax);
  if (limit <= from) return from;
  const more = sameBytes(from - distance, from, limit);
  if (more > 0) segments.extend(more);
  return from + more;
}

/** Writes all blocks; false where one did not fit whole, and is the last therefore. */
function writeBlocks(): bool {
  for (let index = 0; index < splitting.count; index++) {
    if (!writeBlock(index)) return false;
  }
  return true;
}

function writeBlock(index: i32): bool {
  const segment = splitting.segmentOf(index);
  const from = segments.inputFrom(segment);
  const to = segments.inputTo(segment);
  const bytes = <i32>(to - from);
  const room = roomTo(to);
  if (isSingle(segment, from, to) && room > <i32>block.headerBytes) {
    keep(block.writeSingle(load<u8>(from), bytes, at), to);
    forgetSequences(index);
    return true;
  }
  block.setContent(
    segments.sequencesFrom(segment),
    segments.sequencesTo(segment),
    segments.literalsFrom(segment),
    segments.literalsTo(segment),
  );
  block.plan(segments.counts(segment));
  if (block.plannedBytes() < bytes + <i32>block.headerBytes) {
    if (block.plannedBytes() <= room) {
      const end = block.write(at);
      if (<i32>(end - at) <= room) {
        block.commit();
        keep(end, to);
        return true;
      }
    }
  } else if (bytes + <i32>block.headerBytes <= room) {
    keep(block.writeRaw(from, bytes, at), to);
    forgetSequences(index);
    return true;
  }
  const end = cutting.cut(segment, room, at);
  if (cutting.consumed > 0) keep(end, from + cutting.consumed);
  return false;
}

function keep(end: usize, input: usize): void {
  lastHeader = at;
  at = end;
  written = input;
}

/** A block was written without its sequences: repeats are what they were before it. */
function forgetSequences(index: i32): void {
  segments.rewindRepeats(splitting.segmentOf(index));
  for (let later = index + 1; later < splitting.count; later++) segments.recode(splitting.segmentOf(later));
}

/** Whether a block is the same byte all over, which has few sequences. */
function isSingle(segment: i32, from: usize, to: usize): bool {
  if (segments.sequencesTo(segment) - segments.sequencesFrom(segment) > 2) return false;
  // It is if it is the same as itself one byte on.
  return sameBytes(from, from + 1, to) == <u32>(to - from - 1);
}
