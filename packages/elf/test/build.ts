import { layouts } from "../src/layout.js";

/** A shared library in one of the four forms, made by hand from the System V ABI. */
export interface Form {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
}

export const forms: readonly Form[] = [
  { bits: 32, littleEndian: true },
  { bits: 32, littleEndian: false },
  { bits: 64, littleEndian: true },
  { bits: 64, littleEndian: false },
];

/** Where the parts of `buildElf` stand. */
export const places = { dynamic: 0x400, strings: 0x600, needs: 0x700, definitions: 0x800, size: 0x900 } as const;
const base = 0x10000;

const text =
  "\0libc.so.6\0GLIBC_2.38\0libm.so.6\0GLIBC_2.2\0libmine.so.1\0MINE_1.0\0$ORIGIN/../lib:/opt/lib\0WEAK_1\0libmine.so.1\0";
export const stringAt = (wanted: string) => text.indexOf(`\0${wanted}\0`) + 1;

export function buildElf({ bits, littleEndian }: Form, machine = 62): Uint8Array {
  const bytes = new Uint8Array(places.size);
  const view = new DataView(bytes.buffer);
  const put = (at: number, [offset, width]: readonly [number, 2 | 4 | 8], value: number) => {
    if (width === 2) view.setUint16(at + offset, value, littleEndian);
    else if (width === 4) view.setUint32(at + offset, value, littleEndian);
    else view.setBigUint64(at + offset, BigInt(value), littleEndian);
  };
  const { header, segment, dynamicSize } = layouts[bits];
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits === 32 ? 1 : 2, littleEndian ? 1 : 2, 1]);
  put(0, header.type, 3);
  put(0, header.machine, machine);
  put(0, header.programHeaders, header.size);
  put(0, header.programHeaderSize, segment.size);
  const segments = [
    { type: 1, offset: 0, address: base, fileSize: places.size },
    { type: 2, offset: places.dynamic, address: base + places.dynamic, fileSize: 20 * dynamicSize },
    { type: 3, offset: places.strings + stringAt("libm.so.6"), address: 0, fileSize: 10 },
  ];
  put(0, header.programHeaderCount, segments.length);
  segments.forEach(({ type, offset, address, fileSize }, index) => {
    const at = header.size + index * segment.size;
    put(at, segment.type, type);
    put(at, segment.offset, offset);
    put(at, segment.address, address);
    put(at, segment.fileSize, fileSize);
  });
  const width = bits === 32 ? 4 : 8;
  const entries: readonly (readonly [number, number])[] = [
    [1, stringAt("libc.so.6")],
    [1, stringAt("libm.so.6")],
    [14, stringAt("libmine.so.1")],
    [5, base + places.strings],
    [10, text.length],
    [29, stringAt("$ORIGIN/../lib:/opt/lib")],
    [0x6ffffffb, 0x08000000],
    [0x6ffffffe, base + places.needs],
    [0x6fffffff, 2],
    [0x6ffffffc, base + places.definitions],
    [0x6ffffffd, 2],
  ];
  entries.forEach(([tag, value], index) => {
    put(places.dynamic + index * dynamicSize, [0, width], tag);
    put(places.dynamic + index * dynamicSize, [width, width], value);
  });
  for (let at = 0; at < text.length; at++) bytes[places.strings + at] = text.charCodeAt(at);
  const words = (at: number, ...values: readonly (readonly [number, 2 | 4])[]) => {
    let offset = 0;
    for (const [value, size] of values) {
      put(at, [offset, size], value);
      offset += size;
    }
  };
  // Elf_Verneed: version, count, file, aux, next; Elf_Vernaux: hash, flags, other, name, next.
  words(places.needs, [1, 2], [2, 2], [stringAt("libc.so.6"), 4], [32, 4], [16, 4]);
  words(places.needs + 16, [1, 2], [1, 2], [stringAt("libm.so.6"), 4], [64, 4], [0, 4]);
  words(places.needs + 32, [0, 4], [0, 2], [2, 2], [stringAt("GLIBC_2.38"), 4], [32, 4]);
  words(places.needs + 64, [0, 4], [0, 2], [3, 2], [stringAt("GLIBC_2.2"), 4], [0, 4]);
  // A weak version only: nothing that has to be there.
  words(places.needs + 80, [0, 4], [2, 2], [4, 2], [stringAt("WEAK_1"), 4], [0, 4]);
  // Elf_Verdef: version, flags, index, count, hash, aux, next; Elf_Verdaux: name, next.
  words(places.definitions, [1, 2], [1, 2], [1, 2], [1, 2], [0, 4], [20, 4], [28, 4]);
  words(places.definitions + 20, [stringAt("libmine.so.1"), 4], [0, 4]);
  words(places.definitions + 28, [1, 2], [0, 2], [2, 2], [1, 2], [0, 4], [20, 4], [0, 4]);
  words(places.definitions + 48, [stringAt("MINE_1.0"), 4], [0, 4]);
  return bytes;
}
