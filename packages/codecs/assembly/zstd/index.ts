/**
 * Compresses zstd frames of bounded size. The caller sets a level, makes the memory as large as `prepare` says, puts an
 * input at the address of `inputAddress`, and fills clusters from any offset on.
 */
import * as filling from "./fill";
import { firstPosition, lastPosition, paddingBytes, setBase, setWindowBytes } from "./input";
import { hashTable, setLevel } from "./levels";
import { shortTableBytes } from "./short";

let input: usize = 0;
/** All positions so far are less. */
let position: u32 = firstPosition;

/** Sets the level and the window; returns the address of the input. */
export function prepare(level: i32, windowLog2: i32): usize {
  setWindowBytes(1 << windowLog2);
  input = (setLevel(level, __heap_base, shortTableBytes) + 63) & ~63;
  return input;
}

/** Bytes of memory for an input of so many bytes. */
export function memoryBytes(inputBytes: u32): usize {
  return input + inputBytes + paddingBytes;
}

/** Compresses the input from the offset `start` on, up to `end`, into `capacity` bytes; returns how many it took. */
export function fill(start: u32, end: u32, capacity: i32): u32 {
  // Positions go on behind those that earlier calls may have left in the tables.
  if (position > lastPosition - (end - start) - paddingBytes) {
    memory.fill(hashTable, 0, input - hashTable);
    position = firstPosition;
  }
  setBase(input + start - position);
  filling.fill(input + start, input + end, min(capacity, filling.outputLimit));
  position += <u32>(filling.parsedTo() - input - start);
  return filling.consumed;
}

export function frameAddress(): usize {
  return filling.frame;
}

export function frameBytes(): i32 {
  return filling.frameBytes;
}
