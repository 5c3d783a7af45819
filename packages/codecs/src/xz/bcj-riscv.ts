import { readBe, readLe, writeLe } from "./bcj.js";
import type { Filter } from "./filter.js";

const opcodeAuipc = 0x17;
/** JAL with the lowest bit of its destination register in bit 7. */
const opcodeJal = 0xef;
const longestBytes = 8;
const stackPointer = 2;

/**
 * The RISC-V filter: JAL to ra or t0, and AUIPC with an instruction that uses its result. The encoder stores the address of
 * such a pair big endian behind an AUIPC to x2 that carries the second instruction. AUIPC to x0 or x2 that were in the
 * program look alike; those the encoder turned into pairs of another form.
 */
export function riscvFilter(): Filter {
  return {
    apply(bytes, position) {
      let at = 0;
      for (const limit = bytes.length - longestBytes; at <= limit; at += 2) {
        const low = bytes[at] as number;
        if (low === opcodeJal) at += convertJal(bytes, at, position + at);
        else if ((low & 0x7f) === opcodeAuipc) at += convertAuipc(bytes, at, position + at);
      }
      return at;
    },
  };
}

/** Bytes to go on by, beyond 2. */
function convertJal(bytes: Uint8Array, at: number, address: number): number {
  const b1 = bytes[at + 1] as number;
  if ((b1 & 0x0d) !== 0) return 0;
  const absolute = ((b1 & 0xf0) << 13) | ((bytes[at + 2] as number) << 9) | ((bytes[at + 3] as number) << 1);
  const relative = (absolute - address) | 0;
  // The operand's bits as JAL has them: 19…12, 11, 10…1, 20 from bit 12 up to bit 31, the other way round.
  bytes[at + 1] = (b1 & 0x0f) | ((relative >>> 8) & 0xf0);
  bytes[at + 2] = ((relative >>> 16) & 0x0f) | ((relative >>> 7) & 0x10) | ((relative << 4) & 0xe0);
  bytes[at + 3] = ((relative >>> 4) & 0x7f) | ((relative >>> 13) & 0x80);
  return 2;
}

function convertAuipc(bytes: Uint8Array, at: number, address: number): number {
  const first = readLe(bytes, at);
  const destination = (first >>> 7) & 0x1f;
  if (destination !== 0 && destination !== stackPointer) {
    const second = readLe(bytes, at + 4);
    // A pair: the second instruction is 4 bytes long and takes its base from the first one's destination.
    if ((((first << 8) ^ (second - 3)) & 0xf8003) !== 0) return 4;
    writeLe(bytes, at, opcodeAuipc | (stackPointer << 7) | (second << 12));
    writeLe(bytes, at + 4, ((first & 0xfffff000) + (second >>> 20)) | 0);
    return 6;
  }
  const base = first >>> 27;
  // Only to x2, carrying an instruction of 4 bytes, and from a base register that the encoder would have taken.
  if (((first - 0x3117) << 18) >>> 0 >= (base & 0x1d)) return 2;
  const relative = (readBe(bytes, at + 4) - address) | 0;
  writeLe(bytes, at, opcodeAuipc | (base << 7) | ((relative + 0x800) & 0xfffff000));
  writeLe(bytes, at + 4, (first >>> 12) | (relative << 20));
  return 6;
}
