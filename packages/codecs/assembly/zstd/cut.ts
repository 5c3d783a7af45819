/**
 * The last block of a cluster: the longest beginning of what was gathered that still fits. What sequences cost is known
 * from the block's tables, so they are taken off from the end, tables are made for what is left, and so on until both
 * agree; what room then remains is filled with literals.
 */
import * as block from "./block";
import * as coding from "./coding";
import * as fse from "./fse";
import { literalCodesAt, literalsAt, matchCodesAt, offsetCodesAt } from "./histograms";
import * as literals from "./literals";
import { bitCost } from "./logs";
import * as segments from "./segments";
import * as sequences from "./sequences";

/** Tables are made so often, at most. */
const roundLimit: i32 = 4;
/** Tables are good enough when they leave room of this part (log2) of the block. */
const closeLog: i32 = 9;

/** What codes are supposed to cost that the tables don't have, for the tables that follow to have them: bits. */
const guessedLiteralBits: i32 = 12;
const guessedSequenceBits: i32 = 40;

/** Sequences of a block; literals lie behind one another. */
const scratch: usize = memory.data(1 << 18, 16);

let histogram: usize = 0;
/** The block's input, and how far it is kept. */
let inputFrom: usize = 0;
let inputEnd: usize = 0;
let input: usize = 0;
let sequenceLimit: i32 = 0;
/** Literals that are kept behind the last sequence: those of the next, or a part of them. */
let trailing: i32 = 0;

/** How much of the block's input is in what was written. */
export let consumed: u32 = 0;

// @ts-ignore: decorator
@inline
function change(part: usize, symbol: u32, by: i32): void {
  const place = histogram + part + (<usize>symbol << 2);
  store<i32>(place, load<i32>(place) + by);
}

/** Counts a sequence that was taken off or put on, without its literals. */
// @ts-ignore: decorator
@inline
function countSequence(sequence: i32, by: i32): void {
  const codes = segments.codesOf(sequence);
  change(literalCodesAt, codes & 0xff, by);
  change(offsetCodesAt, (codes >> 8) & 0xff, by);
  change(matchCodesAt, codes >> 16, by);
  input += by * <i32>sequences.matchOf(sequence);
}

/** Takes off from the end until the block fits into `bytes` as planned. False where not even an empty one does. */
function shrink(bytes: i32): bool {
  while (block.plannedBytes() > bytes) {
    if (trailing > 0) {
      trailing--;
      input--;
      const literal = load<u8>(block.endLiteral - 1);
      change(literalsAt, literal, -1);
      block.moveLiterals(-1, -literals.costOf(literal));
    } else {
      const sequence = block.endSequence - 1;
      if (sequence < block.firstSequence) return false;
      block.moveSequence(-1, coding.costOf(sequence));
      countSequence(sequence, -1);
      trailing = sequences.literalsOf(sequence);
    }
  }
  return true;
}

/** Puts on while that fits and the tables have the codes, or guesses what they cost if they don't. */
function grow(bytes: i32, guesses: bool): void {
  while (true) {
    const sequence = block.endSequence;
    const isLast = sequence == sequenceLimit;
    const run = isLast ? <i32>(inputEnd - input) + trailing : <i32>sequences.literalsOf(sequence);
    if (trailing < run) {
      if (!growLiteral(bytes, guesses)) return;
      change(literalsAt, load<u8>(block.endLiteral - 1), 1);
      trailing++;
    } else {
      if (isLast) return;
      let cost = coding.costOf(sequence);
      if (cost >= fse.impossible) {
        if (!guesses) return;
        cost = guessedSequenceBits * bitCost;
      }
      block.moveSequence(1, cost);
      if (block.plannedBytes() > bytes) {
        block.moveSequence(-1, cost);
        return;
      }
      countSequence(sequence, 1);
      trailing = 0;
    }
  }
}

/** Takes the next byte of the input for a literal if that fits. */
function growLiteral(bytes: i32, guesses: bool): bool {
  const literal = load<u8>(input);
  let bits = literals.costOf(literal);
  if (bits < 0) {
    if (!guesses) return false;
    bits = guessedLiteralBits;
  }
  block.moveLiterals(1, bits);
  if (block.plannedBytes() > bytes) {
    block.moveLiterals(-1, -bits);
    return false;
  }
  store<u8>(block.endLiteral - 1, literal);
  input++;
  return true;
}

/**
 * Cuts the block of the segment at `index`, which was planned and has more than `room` bytes. Writes it to `address` and
 * returns the address behind, or `address` where nothing fits.
 */
export function cut(index: i32, room: i32, address: usize): usize {
  histogram = segments.counts(index);
  inputFrom = segments.inputFrom(index);
  inputEnd = segments.inputTo(index);
  input = inputEnd;
  sequenceLimit = segments.sequencesTo(index);
  trailing = <i32>(block.endLiteral - block.firstLiteral);
  for (let sequence = block.firstSequence; sequence < sequenceLimit; sequence++) {
    trailing -= sequences.literalsOf(sequence);
  }
  const end = fit(room) ? settle(room, address) : address;
  consumed = end > address ? <u32>(input - inputFrom) : 0;
  // What cannot be compressed is better off raw.
  const raw = min<i32>(room - <i32>block.headerBytes, <i32>(inputEnd - inputFrom));
  if (raw <= <i32>consumed) return end;
  consumed = raw;
  return block.writeRaw(inputFrom, raw, address);
}

/** Makes what is kept and the tables agree. False where nothing fits. */
function fit(room: i32): bool {
  for (let round = 0; round < roundLimit; round++) {
    if (!shrink(room)) return false;
    grow(room, true);
    block.plan(histogram);
    const over = block.plannedBytes() - room;
    if (over <= 0 && -over <= room >> closeLog) break;
  }
  if (!shrink(room)) return false;
  grow(room, false);
  return true;
}

/** Writes sequences, then as many bytes of the input as go beside them as literals. */
function settle(room: i32, address: usize): usize {
  let target = room;
  while (true) {
    const sequenceBytes = <i32>(coding.write(block.firstSequence, block.endSequence, scratch) - scratch);
    const over = block.setSequenceBytes(sequenceBytes) - room;
    if (over > 0) {
      // The plan was wrong by as much.
      target -= over;
      if (!shrink(target)) return address;
      continue;
    }
    while (input < inputEnd && growLiteral(room, false)) {}
    return input > inputFrom ? block.writeWith(scratch, sequenceBytes, address) : address;
  }
}
