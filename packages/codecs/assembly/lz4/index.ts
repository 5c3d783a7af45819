/** LZ4 blocks of bounded size (LZ4 block format description, 2022-07-31). See src/encode/lz4.ts for how it is called. */
import { fillFast } from "./fast";
import { out } from "./emit";
import { fillLazy } from "./lazy";
import { output, outputLimit, slack } from "./memory";
import { fillOptimal } from "./optimal";

/** Where the caller puts the input; `slack` bytes behind it must exist. */
export function inputAddress(): usize {
  return (__heap_base + 15) & ~15;
}

export function slackBytes(): u32 {
  return slack;
}

export function outputAddress(): usize {
  return output;
}

/** Bytes of the block that was filled last. */
export function blockBytes(): u32 {
  return <u32>(out - output);
}

/** Ways to parse, as the caller numbers them. */
const parseFast: u32 = 0;
const parseLazy: u32 = 1;

/**
 * Fills a block from the input between two offsets and returns how many bytes of it are in there; 0 where the capacity is
 * 0. A search looks at up to `tries` places.
 */
export function fill(start: u32, end: u32, capacity: u32, parse: u32, tries: u32): u32 {
  const from = inputAddress() + start;
  const to = inputAddress() + end;
  const room = min(capacity, outputLimit);
  if (room == 0) return 0;
  let filledTo: usize;
  if (parse == parseFast) filledTo = fillFast(from, to, room);
  else if (parse == parseLazy) filledTo = fillLazy(from, to, room, tries);
  else filledTo = fillOptimal(from, to, room, tries);
  return <u32>(filledTo - from);
}
