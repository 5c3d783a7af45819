/** What sequences are coded with: three tables, each the block's own or an earlier one (RFC 8878, 3.1.1.3.2.1). */
import { bitsOf, counts, log, nextOf, readCounts, setCounts, spread, symbols } from "./fse";

/** What comes with each code (3.1.1.3.2.1.1): bits that are added to its smallest value. */
const literalExtras: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
const matchExtras: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3,
  3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
/** Codes above 30 lead beyond any window that memory has. */
const offsetExtras: usize = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
]);

/** How the codes come by default (3.1.1.3.2.2). */
const literalDefaults: usize = memory.data<i16>([
  4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
]);
const matchDefaults: usize = memory.data<i16>([
  1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
]);
const offsetDefaults: usize = memory.data<i16>([
  1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
]);

const literalCodes: i32 = 36;
const matchCodes: i32 = 53;
const offsetCodes: i32 = 31;
/** Offsets of 512 MiB and more are not among the defaults. */
const offsetDefaultCodes: i32 = 29;
const literalLargestLog: i32 = 9;
const matchLargestLog: i32 = 9;
const offsetLargestLog: i32 = 8;
const literalDefaultLog: i32 = 6;
const matchDefaultLog: i32 = 6;
const offsetDefaultLog: i32 = 5;

/**
 * An entry for each state: in bits 0–31 its code's smallest value, in 32–39 how many bits are added to that, in 40–47 how
 * many bits lead to the next state, in 48–63 the first of the states that they lead to.
 */
export const literalTable: usize = memory.data(8 << literalLargestLog, 16);
export const matchTable: usize = memory.data(8 << matchLargestLog, 16);
export const offsetTable: usize = memory.data(8 << offsetLargestLog, 16);
export let literalLog: i32 = 0;
export let matchLog: i32 = 0;
export let offsetLog: i32 = 0;

const literalDefaultTable: usize = memory.data(8 << literalDefaultLog, 16);
const matchDefaultTable: usize = memory.data(8 << matchDefaultLog, 16);
const offsetDefaultTable: usize = memory.data(8 << offsetDefaultLog, 16);

const literalBases: usize = memory.data(4 * literalCodes, 4);
const matchBases: usize = memory.data(4 * matchCodes, 4);
const offsetBases: usize = memory.data(4 * offsetCodes, 4);

/** Whether a block of the frame had tables, for later ones to use again. */
let hasTables: bool = false;

export function forgetTables(): void {
  hasTables = false;
}

/** Makes what is the same in all frames. */
export function prepareCodes(): void {
  addUp(literalBases, literalExtras, literalCodes, 0);
  addUp(matchBases, matchExtras, matchCodes, 3);
  addUp(offsetBases, offsetExtras, offsetCodes, 1);
  byDefault(literalDefaultTable, literalDefaults, literalCodes, literalDefaultLog, literalBases, literalExtras);
  byDefault(matchDefaultTable, matchDefaults, matchCodes, matchDefaultLog, matchBases, matchExtras);
  byDefault(offsetDefaultTable, offsetDefaults, offsetDefaultCodes, offsetDefaultLog, offsetBases, offsetExtras);
}

/** Smallest values that grow from code to code by what the bits of the one before stand for. */
function addUp(bases: usize, extras: usize, codes: i32, first: u32): void {
  let base = first;
  for (let code = 0; code < codes; code++) {
    store<u32>(bases + 4 * code, base);
    base += <u32>1 << load<u8>(extras + code);
  }
}

function byDefault(table: usize, defaults: usize, codes: i32, defaultLog: i32, bases: usize, extras: usize): void {
  memory.copy(counts, defaults, 2 * codes);
  setCounts(defaultLog, codes);
  buildTable(table, bases, extras);
}

/** Fills a table for what `counts` has. */
function buildTable(table: usize, bases: usize, extras: usize): void {
  spread();
  const size: u32 = 1 << log;
  for (let state: u32 = 0; state < size; state++) {
    const code = <u32>load<u8>(symbols + state);
    const value = nextOf(code);
    const bits = bitsOf(value);
    store<u32>(table + 8 * state, load<u32>(bases + 4 * code));
    store<u32>(table + 8 * state, load<u8>(extras + code) | (bits << 8) | (((value << bits) - size) << 16), 4);
  }
}

const predefined: u32 = 0;
const single: u32 = 1;
const repeated: u32 = 3;

/** The log of the table that `readTable` read last. */
let tableLog: i32 = 0;

/** Reads one table. Gives where its description ends, or 0 where it is not valid. */
function readTable(
  at: usize,
  end: usize,
  mode: u32,
  table: usize,
  lastLog: i32,
  defaultTable: usize,
  defaultLog: i32,
  codes: i32,
  largestLog: i32,
  bases: usize,
  extras: usize,
): usize {
  tableLog = lastLog;
  if (mode == repeated) return hasTables ? at : 0;
  if (mode == predefined) {
    memory.copy(table, defaultTable, 8 << defaultLog);
    tableLog = defaultLog;
    return at;
  }
  if (at >= end) return 0;
  if (mode == single) {
    const code = <i32>load<u8>(at);
    if (code >= codes) return 0;
    store<u32>(table, load<u32>(bases + 4 * code));
    store<u32>(table, load<u8>(extras + code), 4);
    tableLog = 0;
    return at + 1;
  }
  const after = readCounts(at, end, codes, largestLog);
  if (after == 0) return 0;
  buildTable(table, bases, extras);
  tableLog = log;
  return after;
}

/** Reads the three tables of a block behind their `modes`. Gives where they end, or 0 where one is not valid. */
export function readTables(start: usize, end: usize, modes: u32): usize {
  // biome-ignore format: one line for each table
  let at = readTable(start, end, modes >> 6, literalTable, literalLog, literalDefaultTable, literalDefaultLog, literalCodes, literalLargestLog, literalBases, literalExtras);
  if (at == 0) return 0;
  literalLog = tableLog;
  // biome-ignore format: one line for each table
  at = readTable(at, end, (modes >> 4) & 3, offsetTable, offsetLog, offsetDefaultTable, offsetDefaultLog, offsetCodes, offsetLargestLog, offsetBases, offsetExtras);
  if (at == 0) return 0;
  offsetLog = tableLog;
  // biome-ignore format: one line for each table
  at = readTable(at, end, (modes >> 2) & 3, matchTable, matchLog, matchDefaultTable, matchDefaultLog, matchCodes, matchLargestLog, matchBases, matchExtras);
  if (at == 0) return 0;
  matchLog = tableLog;
  hasTables = true;
  return at;
}
