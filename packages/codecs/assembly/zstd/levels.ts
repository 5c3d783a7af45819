/** What the levels mean: a parser, and how much it searches. */

/** Parsers, from fast to thorough. */
export const enum Strategy {
  /** One hash, the first match that it finds. */
  fast,
  /** A hash of eight bytes and a hash of few, the longer match. */
  double,
  /** Rows of positions; the best match at a position. */
  greedy,
  /** As `greedy`, but a match one position on may be better. */
  lazy,
  /** As `lazy`, two positions on. */
  lazy2,
  /** Rows, and the cheapest of all ways through a stretch by what symbols should cost; passes over what seems dear. */
  optimal,
  /** As `optimal`, passing over nothing. */
  ultra,
  /** As `ultra`, with binary trees. */
  ultraTree,
  /** As `ultraTree`, a cluster's first stretch once more with the prices of a first pass. */
  ultraTree2,
}

/** Bytes of a row. */
const rowBytes: usize = 6 * 4;
const rows: usize = memory.data<i32>([
  // strategy, hashLog, chainLog, searchLog, minMatch, targetLength
  Strategy.fast, 15, 0, 0, 5, 0, // 1
  Strategy.double, 15, 14, 0, 4, 0,
  Strategy.double, 17, 16, 0, 4, 0, // 3
  Strategy.greedy, 17, 16, 3, 5, 2,
  Strategy.greedy, 17, 15, 4, 5, 0, // 5
  Strategy.lazy, 17, 15, 4, 5, 0,
  Strategy.lazy2, 17, 15, 4, 5, 0,
  Strategy.lazy2, 17, 15, 5, 4, 0,
  Strategy.lazy2, 18, 16, 5, 4, 0,
  Strategy.lazy2, 18, 16, 6, 4, 0, // 10
  Strategy.optimal, 17, 15, 5, 4, 32,
  Strategy.optimal, 18, 16, 5, 3, 48, // 12
  Strategy.optimal, 19, 17, 5, 3, 48,
  Strategy.optimal, 19, 17, 6, 3, 64,
  Strategy.ultra, 19, 17, 6, 3, 64, // 15
  Strategy.ultraTree, 17, 20, 4, 3, 64,
  Strategy.ultraTree, 18, 20, 5, 3, 64,
  Strategy.ultraTree, 18, 20, 6, 3, 96, // 18
  Strategy.ultraTree2, 18, 20, 7, 3, 256,
  Strategy.ultraTree2, 19, 20, 8, 3, 256, // 20
  Strategy.ultraTree2, 19, 21, 9, 3, 512,
  Strategy.ultraTree2, 19, 21, 10, 3, 999, // 22
]);

export const lastLevel: i32 = 22;

export let strategy: i32 = Strategy.double;
/** Log2 of the entries (u32, positions) of the hash table. */
export let hashLog: i32 = 16;
/** Log2 of the entries (u32) of the second table: short hashes, tags of rows, or trees with two for each position. */
export let chainLog: i32 = 16;
/** Log2 of how many candidates are looked at. */
export let searchLog: i32 = 0;
/** Bytes that are hashed to find matches. */
export let minMatch: i32 = 5;
/** A match that long is taken without looking further. */
export let targetLength: i32 = 0;

/** The two tables, one behind the other, zeroed when the memory is new and never between clusters (see input.ts). */
export let hashTable: usize = 0;
export let chainTable: usize = 0;
/** Memory of `parserBytes` bytes for whatever else a parser keeps. */
export let parserMemory: usize = 0;

/** Sets the level (1–22) and places the tables from `address` on; returns the address behind them. */
export function setLevel(level: i32, address: usize, parserBytes: usize): usize {
  const row = rows + <usize>(level - 1) * rowBytes;
  strategy = load<i32>(row);
  hashLog = load<i32>(row, 4);
  chainLog = load<i32>(row, 8);
  searchLog = load<i32>(row, 12);
  minMatch = load<i32>(row, 16);
  targetLength = load<i32>(row, 20);
  hashTable = (address + 63) & ~63;
  chainTable = hashTable + (4 << hashLog);
  parserMemory = chainTable + (chainLog > 0 ? 4 << chainLog : 0);
  return parserMemory + parserBytes;
}
