import type { Filter } from "./filter.js";

const call = 0xe8;
const jump = 0xe9;
const instructionBytes = 5;

/** Whether a byte can be the highest of a converted operand: a branch of less than 16 MiB either way. */
const isSign = (byte: number) => byte === 0x00 || byte === 0xff;

/** How many bytes back an unconverted opcode may be for its operand to overlap this one. */
const reachBytes = 5;

/**
 * The x86 filter: operands of E8 (call) and E9 (jump) were turned from relative into absolute addresses, except where
 * opcodes shortly before make it doubtful that this is an instruction at all. `doubt` remembers them as the encoder does:
 * bit n of the lower half for an unconverted opcode n bytes back, in the upper half if its operand looked convertible.
 * The encoder knows no other account of the rules than its code (xz-file-format.txt, 5.3.2, names only alignment).
 */
export function x86Filter(): Filter {
  let doubt = 0;
  // Where the last opcode was, relative to the next `bytes[0]`.
  let last = -reachBytes - 1;

  return {
    apply(bytes, position) {
      const limit = bytes.length - instructionBytes;
      let at = 0;
      while (at <= limit) {
        const opcode = bytes[at] as number;
        if (opcode !== call && opcode !== jump) {
          at++;
          continue;
        }
        doubt = at - last > reachBytes ? 0 : age(doubt, at - last);
        last = at;
        const isConvertible = isSign(bytes[at + 4] as number);
        const overlapped = overlappedByte[doubt >> 1];
        if (isConvertible && overlapped !== undefined) {
          convert(bytes, at, position, overlapped);
          at += instructionBytes;
          doubt = 0;
        } else {
          at++;
          doubt |= isConvertible ? 0x11 : 0x01;
        }
      }
      last = Math.max(last - at, -reachBytes - 1);
      return at;
    },
  };
}

/**
 * By `doubt >> 1`: the byte of the operand, counted from its top, that the doubtful opcode's operand ends on; 0 for none.
 * Where there is no number, nothing is converted.
 */
const overlappedByte: readonly (number | undefined)[] = [0, 1, 2, undefined, 3];

function age(doubt: number, distance: number): number {
  let aged = doubt;
  for (let i = 0; i < distance; i++) aged = (aged & 0x77) << 1;
  return aged;
}

/** Turns the operand behind the opcode at `at` from absolute into relative. */
function convert(bytes: Uint8Array, at: number, position: number, overlapped: number): void {
  const operand =
    (bytes[at + 1] as number) |
    ((bytes[at + 2] as number) << 8) |
    ((bytes[at + 3] as number) << 16) |
    ((bytes[at + 4] as number) << 24);
  const next = (position + at + instructionBytes) | 0;
  let relative = (operand - next) | 0;
  // Where the overlapped byte would look convertible, the encoder converts its complement until it does not.
  if (overlapped !== 0) {
    const shift = 24 - overlapped * 8;
    while (isSign((relative >>> shift) & 0xff)) relative = ((relative ^ ((1 << (shift + 8)) - 1)) - next) | 0;
  }
  bytes[at + 1] = relative & 0xff;
  bytes[at + 2] = (relative >> 8) & 0xff;
  bytes[at + 3] = (relative >> 16) & 0xff;
  bytes[at + 4] = relative & 0x01000000 ? 0xff : 0x00;
}
