/** LZ4 blocks of bounded size (LZ4 block format description, 2022-07-31). See src/encode/lz4.ts for how it is called. */
import { fillFast } from "./fast";
import { output, outputLimit, slack } from "./memory";
import { out } from "./emit";

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

/** Fills a block from the input between two offsets and returns how many bytes of it are in there. */
export function fill(start: u32, end: u32, capacity: u32, level: u32): u32 {
  const from = inputAddress() + start;
  return <u32>(fillFast(from, inputAddress() + end, min(capacity, outputLimit)) - from);
}
