/** The header of a frame. Source: RFC 8878, 3.1.1.1. */
import { windowBytes } from "./input";

export const longestHeaderBytes: usize = 16;

const magic: u32 = 0xfd2fb528;
const singleSegment: i32 = 0x20;
const contentSizeShift: i32 = 6;

/** Without a window of its own the window is the content: for as long as that is allowed. */
function isSingleSegment(content: u32): bool {
  return content <= windowBytes;
}

/** Frame_Content_Size_flag; the two bytes of 1 count from 256. */
function sizeFlag(content: u32): i32 {
  if (content < 256) return isSingleSegment(content) ? 0 : 2;
  return content < 65536 + 256 ? 1 : 2;
}

export function frameHeaderBytes(content: u32): i32 {
  const flag = sizeFlag(content);
  return 5 + (isSingleSegment(content) ? 0 : 1) + (flag == 0 ? 1 : flag == 1 ? 2 : 4);
}

export function writeFrameHeader(content: u32, address: usize): void {
  const flag = sizeFlag(content);
  const isSingle = isSingleSegment(content);
  store<u32>(address, magic);
  store<u8>(address, <u8>((flag << contentSizeShift) | (isSingle ? singleSegment : 0)), 4);
  let at = address + 5;
  if (!isSingle) {
    // Window_Descriptor: a power of two, from 1 KiB on.
    store<u8>(at, <u8>((31 - clz(windowBytes) - 10) << 3));
    at += 1;
  }
  if (flag == 0) {
    store<u8>(at, <u8>content);
  } else if (flag == 1) {
    store<u16>(at, <u16>(content - 256));
  } else {
    // Byte by byte: behind it is the first block.
    store<u16>(at, <u16>content);
    store<u16>(at, <u16>(content >> 16), 2);
  }
}
