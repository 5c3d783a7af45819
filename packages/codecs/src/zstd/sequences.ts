// The sequences section of a block. Source: RFC 8878, 3.1.1.3.2, 3.1.1.4 and 3.1.1.5.
import { copyMatch } from "../window.js";
import { fseTable, readDistribution } from "./fse.js";
import { backwardStart } from "./huffman.js";
import { literalLengths, matchLengths, offsets, type SequenceCodes, sequenceModes } from "./layout.js";
import type { Literals, Scratch } from "./literals.js";

/**
 * A decoding table with what each state's code stands for: the smallest value in `values`; in `states` the next state's base in
 * bits 16–31, the bits to add to that in bits 8–15, the bits to add to the value in bits 0–7.
 */
export interface SequenceTable {
  readonly log: number;
  readonly values: Int32Array;
  readonly states: Int32Array;
}

/** The tables of a block, which the next one may use again. */
export interface SequenceTables {
  readonly literalLengths: SequenceTable;
  readonly offsets: SequenceTable;
  readonly matchLengths: SequenceTable;
}

function tableOf(codes: SequenceCodes, counts: Int16Array, log: number): SequenceTable {
  const table = fseTable(counts, log);
  const values = new Int32Array(1 << log);
  const states = new Int32Array(1 << log);
  for (let state = 0; state < values.length; state++) {
    const symbol = table.symbols[state] as number;
    values[state] = codes.bases[symbol] as number;
    states[state] =
      ((table.bases[state] as number) << 16) |
      ((table.bits[state] as number) << 8) |
      (codes.extraBits[symbol] as number);
  }
  return { log, values, states };
}

const predefined: SequenceTables = {
  literalLengths: tableOf(literalLengths, literalLengths.defaultCounts, literalLengths.defaultLog),
  offsets: tableOf(offsets, offsets.defaultCounts, offsets.defaultLog),
  matchLengths: tableOf(matchLengths, matchLengths.defaultCounts, matchLengths.defaultLog),
};

/** How many sequences there are and with which tables; `end` is where their bits start. */
export interface SequencesHeader {
  readonly count: number;
  readonly tables: SequenceTables | undefined;
  readonly end: number;
}

/** Reads the section's header (3.1.1.3.2.1); a text says what is wrong with it. */
export function readSequencesHeader(
  scratch: Scratch,
  start: number,
  end: number,
  last: SequenceTables | undefined,
): SequencesHeader | string {
  const { block, view } = scratch;
  let at = start;
  if (at >= end) return "the block ends before its sequences";
  let count = block[at++] as number;
  if (count === 0) return { count, tables: last, end: at };
  if (count === 255) {
    count = view.getUint16(at, true) + 0x7f00;
    at += 2;
  } else if (count >= 128) {
    count = ((count - 128) << 8) | (block[at++] as number);
  }
  const modes = block[at++] as number;
  if (at > end) return "the block ends in the header of its sequences";
  if (modes & 3) return "reserved bits are set in the header of the sequences";
  const read = (codes: SequenceCodes, key: keyof SequenceTables, mode: number): SequenceTable | undefined => {
    if (mode === sequenceModes.predefined) return predefined[key];
    if (mode === sequenceModes.repeat) return last?.[key];
    if (mode === sequenceModes.rle) {
      const symbol = block[at++] as number;
      if (at > end || symbol >= codes.bases.length) return undefined;
      const table = { log: 0, values: new Int32Array(1), states: new Int32Array(1) };
      table.values[0] = codes.bases[symbol] as number;
      table.states[0] = codes.extraBits[symbol] as number;
      return table;
    }
    if (at >= end) return undefined;
    const distribution = readDistribution(view, at, end, codes.bases.length, codes.largestLog);
    if (!distribution) return undefined;
    at = distribution.end;
    return tableOf(codes, distribution.counts, distribution.log);
  };
  const literalTable = read(literalLengths, "literalLengths", modes >> 6);
  if (!literalTable) return "the table of literal lengths is not valid";
  const offsetTable = read(offsets, "offsets", (modes >> 4) & 3);
  if (!offsetTable) return "the table of offsets is not valid";
  const matchTable = read(matchLengths, "matchLengths", (modes >> 2) & 3);
  if (!matchTable) return "the table of match lengths is not valid";
  return { count, tables: { literalLengths: literalTable, offsets: offsetTable, matchLengths: matchTable }, end: at };
}

/** Where the sequences put what they stand for. */
export interface SequenceTarget {
  readonly output: Uint8Array;
  readonly at: number;
  readonly end: number;
  /** How far back a match may go. */
  readonly reach: number;
  /** The last three offsets; updated. */
  readonly recent: Int32Array;
}

/** Small enough for V8 to see whole calls before it optimizes: code that it optimizes within a loop is left on every call. */
const batchSequences = 128;

/**
 * Decodes and executes sequences whose bits lie between `start` and `end`, then appends what literals are left. Returns where
 * the output ends, or -1 for data that is not valid.
 */
export function executeSequences(
  scratch: Scratch,
  start: number,
  end: number,
  header: { readonly count: number; readonly tables: SequenceTables },
  literals: Literals,
  target: SequenceTarget,
): number {
  if (end <= start) return -1;
  const position = backwardStart(scratch.block, end);
  if (position === undefined) return -1;
  const run = new SequenceRun(scratch.view, start * 8, header.tables, literals, target);
  run.begin(position);
  for (let left = header.count; left > 0; left -= batchSequences) {
    if (!run.execute(Math.min(left, batchSequences), left <= batchSequences)) return -1;
  }
  return run.finish();
}

/** A block's sequences in progress. */
class SequenceRun {
  private position = 0;
  private literalState = 0;
  private offsetState = 0;
  private matchState = 0;
  private literalAt: number;
  private out: number;

  constructor(
    private readonly view: DataView,
    private readonly startBit: number,
    private readonly tables: SequenceTables,
    private readonly literals: Literals,
    private readonly target: SequenceTarget,
  ) {
    this.literalAt = literals.at;
    this.out = target.at;
  }

  begin(position: number): void {
    const { view, tables } = this;
    let at = position;
    const first = (log: number) => {
      at -= log;
      return (view.getUint32(at >> 3, true) >>> (at & 7)) & ((1 << log) - 1);
    };
    this.literalState = first(tables.literalLengths.log);
    this.offsetState = first(tables.offsets.log);
    this.matchState = first(tables.matchLengths.log);
    this.position = at;
  }

  /** Executes so many sequences; false where one is not valid. Behind the last one of the block there are no next states. */
  execute(count: number, isLastBatch: boolean): boolean {
    const { view, startBit, tables, literals, target } = this;
    const { output, end: outputEnd, reach, recent } = target;
    const source = literals.bytes;
    const sourceEnd = literals.end;
    const { values: literalValues, states: literalStates } = tables.literalLengths;
    const { values: offsetValues, states: offsetStates } = tables.offsets;
    const { values: matchValues, states: matchStates } = tables.matchLengths;
    let { position, literalState, offsetState, matchState, literalAt, out } = this;
    let recent0 = recent[0] as number;
    let recent1 = recent[1] as number;
    let recent2 = recent[2] as number;
    const withoutNext = isLastBatch ? 1 : 0;

    for (let left = count; left > 0; left--) {
      if (position < startBit) return false;
      const literalEntry = literalStates[literalState] as number;
      const offsetEntry = offsetStates[offsetState] as number;
      const matchEntry = matchStates[matchState] as number;

      // Up to 25 bits come out of one 32-bit word; an offset can have more.
      let offset = offsetValues[offsetState] as number;
      let extra = offsetEntry & 0xff;
      if (extra > 24) {
        position -= extra - 16;
        offset += ((view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << (extra - 16)) - 1)) << 16;
        extra = 16;
      }
      position -= extra;
      offset += (view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << extra) - 1);
      let matchLength = matchValues[matchState] as number;
      extra = matchEntry & 0xff;
      if (extra !== 0) {
        position -= extra;
        matchLength += (view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << extra) - 1);
      }
      let literalLength = literalValues[literalState] as number;
      extra = literalEntry & 0xff;
      if (extra !== 0) {
        position -= extra;
        literalLength += (view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << extra) - 1);
      }

      if (left > withoutNext) {
        const literalBits = (literalEntry >> 8) & 0xff;
        const matchBits = (matchEntry >> 8) & 0xff;
        position -= literalBits + matchBits;
        const both = view.getUint32(position >> 3, true) >>> (position & 7);
        matchState = (matchEntry >>> 16) + (both & ((1 << matchBits) - 1));
        literalState = (literalEntry >>> 16) + ((both >>> matchBits) & ((1 << literalBits) - 1));
        const offsetBits = (offsetEntry >> 8) & 0xff;
        position -= offsetBits;
        offsetState =
          (offsetEntry >>> 16) + ((view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << offsetBits) - 1));
      }

      if (offset > 3) {
        offset -= 3;
        recent2 = recent1;
        recent1 = recent0;
        recent0 = offset;
      } else {
        // One of the last offsets; without literals before it, the next one.
        const which = literalLength === 0 ? offset : offset - 1;
        if (which === 0) {
          offset = recent0;
        } else {
          offset = which === 1 ? recent1 : which === 2 ? recent2 : recent0 - 1;
          if (which !== 1) recent2 = recent1;
          recent1 = recent0;
          recent0 = offset;
        }
      }

      const literalEnd = literalAt + literalLength;
      if (literalEnd > sourceEnd || literalLength + matchLength > outputEnd - out) return false;
      if (literalLength > 40) {
        output.set(source.subarray(literalAt, literalEnd), out);
        out += literalLength;
        literalAt = literalEnd;
      } else {
        while (literalAt < literalEnd) output[out++] = source[literalAt++] as number;
      }
      if (offset === 0 || offset > out || offset > reach) return false;
      copyMatch(output, out, offset, matchLength);
      out += matchLength;
    }
    this.position = position;
    this.literalState = literalState;
    this.offsetState = offsetState;
    this.matchState = matchState;
    this.literalAt = literalAt;
    this.out = out;
    recent[0] = recent0;
    recent[1] = recent1;
    recent[2] = recent2;
    return true;
  }

  /** Appends the literals that are left. Returns where the output ends, or -1. */
  finish(): number {
    const { literals, literalAt, out, target } = this;
    const rest = literals.end - literalAt;
    if (this.position !== this.startBit || rest > target.end - out) return -1;
    target.output.set(literals.bytes.subarray(literalAt, literals.end), out);
    return out + rest;
  }
}
