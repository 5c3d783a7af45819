/** Codes of lengths and offsets. Source: RFC 8878, 3.1.1.3.2.1. */
import * as fse from "./fse";
import { minMatch } from "./sequences";

/** Number of codes of each kind; offsets of up to 1 << 30. */
export const literalCodes: i32 = 36;
export const matchCodes: i32 = 53;
export const offsetCodes: i32 = 31;

const smallLiterals: usize = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 20, 20, 21, 21, 21, 21,
  22, 22, 22, 22, 22, 22, 22, 22, 23, 23, 23, 23, 23, 23, 23, 23, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24,
  24, 24,
]);
const smallMatches: usize = memory.data(128);
const literalBits: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
const matchBits: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3,
  4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);

fillSmallMatches();

function fillSmallMatches(): void {
  let value = 0;
  for (let code = 0; value < 128; code++) {
    for (let i = 1 << load<u8>(matchBits + code); i > 0 && value < 128; i--) store<u8>(smallMatches + value++, code);
  }
}

// @ts-ignore: decorator
@inline
export function literalCode(literals: u32): u32 {
  return literals < 64 ? load<u8>(smallLiterals + literals) : 50 - clz(literals);
}

// @ts-ignore: decorator
@inline
export function matchCode(match: u32): u32 {
  const value = match - minMatch;
  return value < 128 ? load<u8>(smallMatches + value) : 67 - clz(value);
}

// @ts-ignore: decorator
@inline
export function offsetCode(value: u32): u32 {
  return 31 - clz(value);
}

// @ts-ignore: decorator
@inline
export function literalExtra(code: u32): u32 {
  return load<u8>(literalBits + code);
}

// @ts-ignore: decorator
@inline
export function matchExtra(code: u32): u32 {
  return load<u8>(matchBits + code);
}

/** Distributions that need no description (3.1.1.3.2.2). */
const literalCounts: usize = memory.data<i8>([
  4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
]);
const matchCounts: usize = memory.data<i8>([
  1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
]);
const offsetCounts: usize = memory.data<i8>([
  1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
]);
export const literalDefault: usize = memory.data(fse.tableBytes, 16);
export const matchDefault: usize = memory.data(fse.tableBytes, 16);
export const offsetDefault: usize = memory.data(fse.tableBytes, 16);
fse.setDefault(literalDefault, literalCounts, 36, 6);
fse.setDefault(matchDefault, matchCounts, 53, 6);
fse.setDefault(offsetDefault, offsetCounts, 29, 5);
