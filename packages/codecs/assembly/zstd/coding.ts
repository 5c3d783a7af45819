/** The sequences section of a block. Source: RFC 8878, 3.1.1.3.2. */
import {
  literalCodes,
  literalDefault,
  literalExtra,
  matchCodes,
  matchDefault,
  matchExtra,
  offsetCodes,
  offsetDefault,
} from "./codes";
import * as fse from "./fse";
import { literalCodesAt, matchCodesAt, offsetCodesAt } from "./histograms";
import { bitCost } from "./logs";
import * as segments from "./segments";
import * as sequences from "./sequences";

const enum Mode {
  predefined,
  single,
  described,
  repeat,
}

/** The kinds of codes in the order of their tables in the section. */
const enum Kind {
  literals,
  offsets,
  matches,
}
const kinds: i32 = 3;

/** Of each kind: a table of its own with its description, that of an earlier block (0: none), the chosen one and its mode. */
const ownAt: usize = 0;
const previousAt: usize = 4;
const chosenAt: usize = 8;
const modeAt: usize = 12;
const describedAt: usize = 16;
const spareAt: usize = 20;
const descriptionAt: usize = 32;
const kindStride: usize = 160;
const kindsMemory: usize = memory.data(3 * kindStride, 16);
const tables: usize = memory.data(6 * fse.tableBytes, 16);
for (let kind = 0; kind < kinds; kind++) {
  store<usize>(kindOf(kind), tables + 2 * <usize>kind * fse.tableBytes, ownAt);
  store<usize>(kindOf(kind), tables + (2 * <usize>kind + 1) * fse.tableBytes, spareAt);
}

// @ts-ignore: decorator
@inline
function kindOf(kind: i32): usize {
  return kindsMemory + <usize>kind * kindStride;
}

function symbolsOf(kind: i32): i32 {
  return kind == Kind.literals ? literalCodes : kind == Kind.offsets ? offsetCodes : matchCodes;
}

function countsOf(kind: i32): usize {
  return kind == Kind.literals ? literalCodesAt : kind == Kind.offsets ? offsetCodesAt : matchCodesAt;
}

function defaultOf(kind: i32): usize {
  return kind == Kind.literals ? literalDefault : kind == Kind.offsets ? offsetDefault : matchDefault;
}

export function reset(): void {
  for (let kind = 0; kind < kinds; kind++) store<usize>(kindOf(kind), 0, previousAt);
}

/** Bits of all symbols by a table's costs, in 1/4096. */
function costBy(table: usize, counts: usize, symbols: i32): i64 {
  let sum: i64 = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    sum += <i64>load<u32>(counts + (<usize>symbol << 2)) * fse.costOf(table, symbol);
  }
  return sum;
}

let best: i64 = 0;

function consider(kind: usize, table: usize, mode: i32, cost: i64): void {
  if (cost >= best) return;
  best = cost;
  store<usize>(kind, table, chosenAt);
  store<i32>(kind, mode, modeAt);
}

/** Chooses the table of a kind; returns bits in 1/4096, with its description. */
function planKind(index: i32, histogram: usize, count: i32): i64 {
  const kind = kindOf(index);
  const counts = histogram + countsOf(index);
  const symbols = symbolsOf(index);
  let distinct = 0;
  let last = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    if (load<u32>(counts + (<usize>symbol << 2)) == 0) continue;
    distinct++;
    last = symbol;
  }
  best = i64.MAX_VALUE;
  const previous = load<usize>(kind, previousAt);
  if (previous != 0) consider(kind, previous, Mode.repeat, costBy(previous, counts, symbols));
  consider(kind, defaultOf(index), Mode.predefined, costBy(defaultOf(index), counts, symbols));
  const own = load<usize>(kind, ownAt);
  if (distinct == 1) {
    if (best > 8 * bitCost) fse.setSingle(own, last);
    consider(kind, own, Mode.single, 8 * bitCost);
    return best;
  }
  const largest = index == Kind.offsets ? 8 : 9;
  const log = max(32 - clz(distinct), min(largest, max(5, 30 - clz(count - 1))));
  fse.normalize(own, counts, symbols, count, log);
  const description = kind + descriptionAt;
  const described = <i32>(fse.describe(own, description) - description);
  store<i32>(kind, described, describedAt);
  consider(kind, own, Mode.described, costBy(own, counts, symbols) + <i64>(8 * described) * bitCost);
  return best;
}

/** Chooses tables for `count` sequences whose codes come as often as the histogram says; returns bits in 1/4096. */
export function plan(histogram: usize, count: i32): i64 {
  if (count == 0) return 8 * bitCost;
  let cost: i64 = <i64>(8 * (headerBytes(count) + 1)) * bitCost;
  for (let kind = 0; kind < kinds; kind++) {
    cost += planKind(kind, histogram, count);
    // The state that decoders begin with is written whole.
    cost += <i64>load<i32>(load<usize>(kindOf(kind), chosenAt), fse.logAt) * bitCost;
  }
  for (let code = 0; code < offsetCodes; code++) {
    cost += <i64>load<i32>(histogram + offsetCodesAt + (<usize>code << 2)) * code * bitCost;
  }
  for (let code = 16; code < literalCodes; code++) {
    cost += <i64>load<i32>(histogram + literalCodesAt + (<usize>code << 2)) * literalExtra(code) * bitCost;
  }
  for (let code = 32; code < matchCodes; code++) {
    cost += <i64>load<i32>(histogram + matchCodesAt + (<usize>code << 2)) * matchExtra(code) * bitCost;
  }
  return cost + bitCost;
}

/** What a sequence takes as planned, without its literals, in 1/4096 bit; `fse.impossible` or more where a code is missing. */
// @ts-ignore: decorator
@inline
export function costOf(sequence: i32): u32 {
  const codes = segments.codesOf(sequence);
  const run = codes & 0xff;
  const offset = (codes >> 8) & 0xff;
  const match = codes >> 16;
  const extra = (literalExtra(run) + offset + matchExtra(match)) * bitCost;
  return (
    extra +
    fse.costOf(load<usize>(kindOf(Kind.literals), chosenAt), run) +
    fse.costOf(load<usize>(kindOf(Kind.offsets), chosenAt), offset) +
    fse.costOf(load<usize>(kindOf(Kind.matches), chosenAt), match)
  );
}

function headerBytes(count: i32): i32 {
  return count < 128 ? 1 : count < 0x7f00 ? 2 : 3;
}

/** Number_of_Sequences (3.1.1.3.2.1). */
function writeHeader(count: i32, address: usize): usize {
  const bytes = headerBytes(count);
  if (bytes == 1) {
    store<u8>(address, <u8>count);
  } else if (bytes == 2) {
    store<u8>(address, <u8>((count >> 8) + 128));
    store<u8>(address, <u8>count, 1);
  } else {
    store<u8>(address, 255);
    store<u16>(address, <u16>(count - 0x7f00), 1);
  }
  return address + bytes;
}

/** Writes the sequences [from, to) as planned; returns the address behind. */
export function write(from: i32, to: i32, address: usize): usize {
  let at = writeHeader(to - from, address);
  if (from == to) return at;
  let modes = 0;
  const modesAt = at++;
  for (let index = 0; index < kinds; index++) {
    const kind = kindOf(index);
    const mode: i32 = load<i32>(kind, modeAt);
    const table = load<usize>(kind, chosenAt);
    modes |= mode << (6 - 2 * index);
    if (mode == Mode.single) {
      store<u8>(at++, load<u8>(table, fse.symbolAt));
    } else if (mode == Mode.described) {
      const described = load<u32>(kind, describedAt);
      memory.copy(at, kind + descriptionAt, described);
      at += described;
      fse.buildStates(table);
    }
  }
  store<u8>(modesAt, modes);
  return writeStream(from, to, at);
}

// @ts-ignore: decorator
@inline
function mask(bits: u32): u64 {
  return ((<u64>1) << bits) - 1;
}

/** The bits of all sequences, the last first (3.1.1.3.2.1.2). */
function writeStream(from: i32, to: i32, address: usize): usize {
  const literalTable = load<usize>(kindOf(Kind.literals), chosenAt);
  const offsetTable = load<usize>(kindOf(Kind.offsets), chosenAt);
  const matchTable = load<usize>(kindOf(Kind.matches), chosenAt);
  let at = address;
  let held: u64 = 0;
  let bits: u32 = 0;
  let literalState: u32 = 0;
  let offsetState: u32 = 0;
  let matchState: u32 = 0;
  for (let sequence = to - 1; sequence >= from; sequence--) {
    const codes = segments.codesOf(sequence);
    const run = codes & 0xff;
    const offset = (codes >> 8) & 0xff;
    const match = codes >> 16;
    if (sequence == to - 1) {
      literalState = fse.firstState(literalTable, run);
      offsetState = fse.firstState(offsetTable, offset);
      matchState = fse.firstState(matchTable, match);
    } else {
      const offsetWidth = fse.widthOf(offsetTable, offsetState, offset);
      held |= (offsetState & mask(offsetWidth)) << bits;
      bits += offsetWidth;
      offsetState = fse.nextState(offsetTable, offsetState, offset, offsetWidth);
      const matchWidth = fse.widthOf(matchTable, matchState, match);
      held |= (matchState & mask(matchWidth)) << bits;
      bits += matchWidth;
      matchState = fse.nextState(matchTable, matchState, match, matchWidth);
      const literalWidth = fse.widthOf(literalTable, literalState, run);
      held |= (literalState & mask(literalWidth)) << bits;
      bits += literalWidth;
      literalState = fse.nextState(literalTable, literalState, run, literalWidth);
    }
    const runExtra = literalExtra(run);
    const matchExtras = matchExtra(match);
    // 7 bits are left from the sequence before, 26 at most are of states.
    const many = runExtra + matchExtras + offset > 30;
    if (many) {
      store<u64>(at, held);
      at += bits >> 3;
      held >>= bits & 56;
      bits &= 7;
    }
    held |= (sequences.literalsOf(sequence) & mask(runExtra)) << bits;
    bits += runExtra;
    held |= ((sequences.matchOf(sequence) - sequences.minMatch) & mask(matchExtras)) << bits;
    bits += matchExtras;
    if (many) {
      store<u64>(at, held);
      at += bits >> 3;
      held >>= bits & 56;
      bits &= 7;
    }
    held |= (segments.valueOf(sequence) & mask(offset)) << bits;
    bits += offset;
    store<u64>(at, held);
    at += bits >> 3;
    held >>= bits & 56;
    bits &= 7;
  }
  return finish(at, held, bits, literalState, offsetState, matchState);
}

/** The states that the decoder begins with, and the end mark. */
function finish(at: usize, held: u64, bits: u32, literalState: u32, offsetState: u32, matchState: u32): usize {
  const matchLog = load<u32>(load<usize>(kindOf(Kind.matches), chosenAt), fse.logAt);
  const offsetLog = load<u32>(load<usize>(kindOf(Kind.offsets), chosenAt), fse.logAt);
  const literalLog = load<u32>(load<usize>(kindOf(Kind.literals), chosenAt), fse.logAt);
  let all = held | ((matchState & mask(matchLog)) << bits);
  let end = bits + matchLog;
  all |= (offsetState & mask(offsetLog)) << end;
  end += offsetLog;
  all |= (literalState & mask(literalLog)) << end;
  end += literalLog;
  store<u64>(at, all | ((<u64>1) << end));
  return at + ((end + 8) >> 3);
}

/** The block was written: later ones may use its tables again. */
export function commit(): void {
  for (let index = 0; index < kinds; index++) {
    const kind = kindOf(index);
    const mode: i32 = load<i32>(kind, modeAt);
    if (mode == Mode.repeat) continue;
    const chosen = load<usize>(kind, chosenAt);
    if (mode == Mode.predefined) {
      store<usize>(kind, chosen, previousAt);
    } else {
      store<usize>(kind, chosen, previousAt);
      store<usize>(kind, load<usize>(kind, spareAt), ownAt);
      store<usize>(kind, chosen, spareAt);
    }
  }
}
