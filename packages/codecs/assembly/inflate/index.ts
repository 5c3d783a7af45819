/**
 * Raw DEFLATE that is here as a whole (RFC 1951), decoded in one go. Input and output are areas of this module's memory
 * from `areas()` on, with 64 bytes around them that may be read, and behind the output also written.
 *
 * It says whether it decoded the input, not what is wrong where it did not: the decoder in TypeScript does.
 */
import { prepareCopies, slackBytes } from "../unzstd/copy";
import { blockEnd, decodeSymbols, notValid, outputAt, outputFull, position } from "./symbols";
import { fixedTables, prepareTables, readTables, position as tablesEnd } from "./tables";

const storedBlock: u32 = 0;
const fixedBlock: u32 = 1;
const dynamicBlock: u32 = 2;

const notDecoded: i32 = -1;
/** So that positions in bits are numbers of 32 bits. */
const inputLimit: usize = 1 << 28;

/** First address that areas may start at. */
export function areas(): usize {
  return (__heap_base + 15 + slackBytes) & ~15;
}

prepareCopies();
prepareTables();

/** Where the output goes on, and the next bit of the input. */
let out: usize = 0;
let at: u32 = 0;

/**
 * Decodes the stream in `[input, inputEnd)` to `output` and gives how many bytes came out, or -1. Where `partial`, that may
 * be what fits in `[output, outputEnd)`, and something may follow the stream.
 */
export function decode(input: usize, inputEnd: usize, output: usize, outputEnd: usize, partial: bool): i32 {
  if (inputEnd - input > inputLimit) return notDecoded;
  const end = <u32>(inputEnd - input) * 8;
  out = output;
  at = 0;
  for (let isLast = false; !isLast; ) {
    if (at + 3 > end) return notDecoded;
    const header = load<u32>(input + (at >> 3)) >> (at & 7);
    at += 3;
    isLast = (header & 1) != 0;
    const type = (header >> 1) & 3;
    let result = notValid;
    if (type == storedBlock) {
      result = copyStored(input, inputEnd, outputEnd);
    } else if (type <= dynamicBlock) {
      if (type == fixedBlock) {
        fixedTables();
      } else {
        if (!readTables(input, at, end)) return notDecoded;
        at = tablesEnd;
      }
      result = decodeSymbols(input, at, inputEnd, out, output, outputEnd);
      out = outputAt;
      at = position;
    }
    if (result == notValid || at > end) return notDecoded;
    if (result == outputFull) {
      if (!partial) return notDecoded;
      return <i32>(out - output);
    }
  }
  return partial || (at + 7) >> 3 == <u32>(inputEnd - input) ? <i32>(out - output) : notDecoded;
}

/** 3.2.4 */
function copyStored(input: usize, inputEnd: usize, outputEnd: usize): i32 {
  const from = input + ((at + 7) >> 3);
  if (from + 4 > inputEnd) return notValid;
  const header = load<u32>(from);
  const size = header & 0xffff;
  if ((header >> 16) != (~size & 0xffff) || size > <u32>(inputEnd - from - 4)) return notValid;
  const fitting = min(size, <u32>(outputEnd - out));
  memory.copy(out, from + 4, fitting);
  out += fitting;
  at = <u32>(from + 4 + size - input) * 8;
  return fitting < size ? outputFull : blockEnd;
}
