// Branch/call/jump filters for machines with aligned instructions: operands of branches were turned from relative into
// absolute addresses, and are turned back here. Which instructions: xz-file-format.txt, 5.3.2 names the machines;
// the patterns are the machines' own encodings of calls with a long operand.
import type { Filter } from "./filter.js";

/** A filter that looks at each `step` bytes on its own. `convert` gets the offset and the address of one instruction. */
function aligned(step: number, convert: (bytes: Uint8Array, at: number, address: number) => void): Filter {
  return {
    apply(bytes, position) {
      const end = bytes.length - (bytes.length % step);
      for (let at = 0; at < end; at += step) convert(bytes, at, position + at);
      return end;
    },
  };
}

/** ARM: BL with condition "always" (EB), 24 bits in units of 4 bytes; the program counter is 8 bytes ahead. */
export function armFilter(): Filter {
  return aligned(4, (bytes, at, address) => {
    if (bytes[at + 3] !== 0xeb) return;
    const absolute = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    const relative = ((absolute << 2) - (address + 8)) >> 2;
    bytes[at] = relative & 0xff;
    bytes[at + 1] = (relative >> 8) & 0xff;
    bytes[at + 2] = (relative >> 16) & 0xff;
  });
}

/** ARM Thumb: the pair F000/F800 of BL, 22 bits in units of 2 bytes; the program counter is 4 bytes ahead. */
export function armThumbFilter(): Filter {
  return {
    apply(bytes, position) {
      let at = 0;
      for (; at + 4 <= bytes.length; at += 2) {
        const high = bytes[at + 1] as number;
        const low = bytes[at + 3] as number;
        if ((high & 0xf8) !== 0xf0 || (low & 0xf8) !== 0xf8) continue;
        const absolute =
          ((high & 7) << 19) | ((bytes[at] as number) << 11) | ((low & 7) << 8) | (bytes[at + 2] as number);
        const relative = ((absolute << 1) - (position + at + 4)) >> 1;
        bytes[at] = (relative >> 11) & 0xff;
        bytes[at + 1] = 0xf0 | ((relative >> 19) & 7);
        bytes[at + 2] = relative & 0xff;
        bytes[at + 3] = 0xf8 | ((relative >> 8) & 7);
        at += 2;
      }
      return at;
    },
  };
}

/** ARM64: BL (26 bits in units of 4 bytes) and ADRP (21 bits in pages of 4 KiB, near ones only). */
export function arm64Filter(): Filter {
  return aligned(4, (bytes, at, address) => {
    const instruction = readLe(bytes, at);
    if (instruction >>> 26 === 0x25) {
      writeLe(bytes, at, 0x94000000 | ((instruction - (address >>> 2)) & 0x03ffffff));
      return;
    }
    if ((instruction & 0x9f000000) >>> 0 !== 0x90000000) return;
    const pages = ((instruction >>> 29) & 3) | ((instruction >>> 3) & 0x1ffffc);
    // The encoder leaves distances of 512 MiB and more alone.
    if ((pages + 0x20000) & 0x1c0000) return;
    const relative = pages - (address >>> 12);
    const sign = relative & 0x20000 ? 0x00e00000 : 0;
    writeLe(bytes, at, (instruction & 0x9000001f) | ((relative & 3) << 29) | ((relative & 0x3fffc) << 3) | sign);
  });
}

/** PowerPC, big endian: `bl` with absolute bit clear and link bit set, 24 bits in units of 4 bytes. */
export function powerpcFilter(): Filter {
  return aligned(4, (bytes, at, address) => {
    const instruction = readBe(bytes, at);
    if ((instruction & 0xfc000003) >>> 0 !== 0x48000001) return;
    writeBe(bytes, at, 0x48000001 | ((instruction - 1 - address) & 0x03fffffc));
  });
}

/** SPARC: `call` whose 30-bit operand is a sign-extended one of 23 bits, in units of 4 bytes. */
export function sparcFilter(): Filter {
  return aligned(4, (bytes, at, address) => {
    const instruction = readBe(bytes, at);
    const top = instruction >>> 22;
    if (top !== 0x100 && top !== 0x1ff) return;
    const relative = ((instruction << 2) - address) >>> 2;
    const sign = relative & 0x400000 ? 0x3fc00000 : 0;
    writeBe(bytes, at, 0x40000000 | sign | (relative & 0x3fffff));
  });
}

/** Which of a bundle's three slots can hold a branch, by the lower 4 bits of templates 16…31. */
const ia64Branches = [4, 4, 6, 6, 0, 0, 7, 7, 4, 4, 0, 0, 4, 4, 0, 0] as const;

/** IA-64: `br.call` in bundles of 16 bytes with slots of 41 bits; the operand of 21 bits counts bundles. */
export function ia64Filter(): Filter {
  return aligned(16, (bytes, at, address) => {
    const template = (bytes[at] as number) & 0x1f;
    const branches = template < 16 ? 0 : (ia64Branches[template - 16] ?? 0);
    for (let slot = 0; slot < 3; slot++) if ((branches >> slot) & 1) convertIa64Slot(bytes, at, slot, address);
  });
}

function convertIa64Slot(bytes: Uint8Array, at: number, slot: number, address: number): void {
  const bit = 5 + 41 * slot;
  const start = at + (bit >> 3);
  const shift = BigInt(bit & 7);
  let word = 0n;
  for (let i = 5; i >= 0; i--) word = (word << 8n) | BigInt(bytes[start + i] as number);
  const instruction = word >> shift;
  if (((instruction >> 37n) & 0xfn) !== 5n || ((instruction >> 9n) & 7n) !== 0n) return;
  const absolute = Number(((instruction >> 13n) & 0xfffffn) | (((instruction >> 36n) & 1n) << 20n));
  const relative = BigInt((((absolute << 4) - address) >>> 4) & 0x1fffff);
  const operand = ((relative & 0xfffffn) << 13n) | ((relative >> 20n) << 36n);
  const cleared = instruction & ~((0xfffffn << 13n) | (1n << 36n));
  word = (word & ((1n << shift) - 1n)) | ((cleared | operand) << shift);
  for (let i = 0; i < 6; i++) bytes[start + i] = Number((word >> BigInt(8 * i)) & 0xffn);
}

export function readLe(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

export function writeLe(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

export function readBe(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

function writeBe(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}
