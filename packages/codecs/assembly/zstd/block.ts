/** One compressed block: what it takes, and writing it. Source: RFC 8878, 3.1.1.2 and 3.1.1.3. */
import * as coding from "./coding";
import { literalsAt } from "./histograms";
import * as literals from "./literals";
import { bitCost } from "./logs";

export const headerBytes: usize = 3;

const enum Type {
  raw,
  single,
  compressed,
}

/** What is to be written: sequences, literals from an address on, and what both take as planned. */
export let firstSequence: i32 = 0;
export let endSequence: i32 = 0;
export let firstLiteral: usize = 0;
export let endLiteral: usize = 0;
export let literalBits: i32 = 0;
let sequenceCost: i64 = 0;

export function setContent(from: i32, to: i32, literalsFrom: usize, literalsTo: usize): void {
  firstSequence = from;
  endSequence = to;
  firstLiteral = literalsFrom;
  endLiteral = literalsTo;
}

/** Chooses modes and tables for content that comes as often as the histogram says. */
export function plan(histogram: usize): void {
  literals.plan(histogram + literalsAt, <i32>(endLiteral - firstLiteral));
  literalBits = literals.plannedBits;
  sequenceCost = coding.plan(histogram, endSequence - firstSequence);
}

/** Bytes of the block, hardly ever less than what writing it makes. */
export function plannedBytes(): i32 {
  const sequenceBytes = <i32>((sequenceCost + (8 * bitCost - 1)) / (8 * bitCost));
  return <i32>headerBytes + literals.bytesOf(<i32>(endLiteral - firstLiteral), literalBits) + sequenceBytes;
}

/** The sequences take so many bytes in fact; returns the bytes of the block. */
export function setSequenceBytes(bytes: i32): i32 {
  sequenceCost = <i64>(8 * bytes) * bitCost;
  return plannedBytes();
}

/** Takes the last sequence off (`by` -1), or puts the next on (1), with what it costs, without its literals. */
// @ts-ignore: decorator
@inline
export function moveSequence(by: i32, cost: i64): void {
  endSequence += by;
  sequenceCost += by * cost;
}

// @ts-ignore: decorator
@inline
export function moveLiterals(by: i32, bits: i32): void {
  endLiteral += by;
  literalBits += bits;
}

export function writeHeader(type: i32, bytes: u32, address: usize): usize {
  const value = (type << 1) | (bytes << 3);
  store<u16>(address, <u16>value);
  store<u8>(address, <u8>(value >> 16), 2);
  return address + headerBytes;
}

/** Makes the block with the header at an address the last one. */
export function setLast(address: usize): void {
  store<u8>(address, load<u8>(address) | 1);
}

export function writeRaw(input: usize, bytes: usize, address: usize): usize {
  const at = writeHeader(Type.raw, <u32>bytes, address);
  memory.copy(at, input, bytes);
  return at + bytes;
}

/** `bytes` times the same byte. */
export function writeSingle(byte: u8, bytes: usize, address: usize): usize {
  const at = writeHeader(Type.single, <u32>bytes, address);
  store<u8>(at, byte);
  return at + 1;
}

/** Writes the block as planned; returns the address behind. */
export function write(address: usize): usize {
  let at = literals.write(firstLiteral, endLiteral, address + headerBytes);
  at = coding.write(firstSequence, endSequence, at);
  writeHeader(Type.compressed, <u32>(at - address - headerBytes), address);
  return at;
}

/** Writes literals as planned and sequences that are there already. */
export function writeWith(sequences: usize, sequenceBytes: usize, address: usize): usize {
  const at = literals.write(firstLiteral, endLiteral, address + headerBytes);
  memory.copy(at, sequences, sequenceBytes);
  writeHeader(Type.compressed, <u32>(at + sequenceBytes - address - headerBytes), address);
  return at + sequenceBytes;
}

/** The block was kept: later ones may use its tables again. */
export function commit(): void {
  literals.commit();
  if (endSequence > firstSequence) coding.commit();
}
