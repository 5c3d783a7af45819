import { type ByteSource, viewOf } from "@sextant/bytes";
import { readDynamic } from "./dynamic.js";
import { ElfError } from "./errors.js";
import { identification, type Layout, layouts, magic, objectTypes, type Place, segmentType } from "./layout.js";
import { architectureOf } from "./machine.js";

/** Versions of symbols that a file wants of a library. */
export interface NeededVersions {
  /** The library's soname: `libc.so.6`. */
  readonly soname: string;
  /** `GLIBC_2.38`; without those that may be missing. */
  readonly versions: readonly string[];
}

/** What of an ELF file decides where it runs. Names are byte strings, a character a byte. */
export interface ElfFile {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  readonly type: (typeof objectTypes)[keyof typeof objectTypes] | "other";
  /** `e_machine` */
  readonly machine: number;
  /** systemd's name for the machine; undefined where it has none. */
  readonly architecture: string | undefined;
  /** The program that loads this one; undefined for libraries and static programs. */
  readonly interpreter: string | undefined;
  /** Whether there is a dynamic section: else it needs nothing. */
  readonly dynamic: boolean;
  /** Whether it says that it is a program though it is of type `shared`. */
  readonly pie: boolean;
  readonly soname: string | undefined;
  /** Sonames, or paths, in the order in which they are loaded. */
  readonly needed: readonly string[];
  /** Directories to look for libraries in: DT_RUNPATH, or where that is missing DT_RPATH; `$ORIGIN` as it is. */
  readonly runpath: readonly string[];
  readonly neededVersions: readonly NeededVersions[];
  /** Versions that it provides, without the one that names the file. */
  readonly providedVersions: readonly string[];
}

/** What the first read takes: with the header, the program headers and, of small files, the interpreter. */
const headBytes = 1024;
/** Program headers at most; real files have some ten. */
const segmentLimit = 1024;
/** PATH_MAX */
const interpreterLimit = 4096;

/** Fields of records in one byte order. */
export interface Reader {
  readonly layout: Layout;
  /** A field of the record that starts at `at`. Throws `RangeError` outside of the bytes. */
  field(bytes: Uint8Array, at: number, place: Place): number;
}

/** Part of the file that is mapped into memory. Offsets and addresses are bytes. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

/** Whether these are the first bytes of an ELF file. */
export function isElf(head: Uint8Array): boolean {
  return head.length >= identification.size && viewOf(head).getUint32(0, false) === magic;
}

/**
 * Reads what a program or library needs and provides. Takes the header, the dynamic section and the parts of the string table
 * that they name: some five requests and ten KiB of a library of any size. Undefined for what is no ELF file.
 *
 * Throws `ElfError`, and what the source throws.
 */
export async function readElf(source: ByteSource): Promise<ElfFile | undefined> {
  const head = await source.read(0, Math.min(source.size, headBytes));
  if (!isElf(head)) return undefined;
  const width = head[identification.width];
  const order = head[identification.order];
  if ((width !== 1 && width !== 2) || (order !== 1 && order !== 2)) {
    throw malformed(source, "MALFORMED_HEADER", `class ${width} and byte order ${order} are none that there are`, 4);
  }
  const bits = width === 1 ? 32 : 64;
  const littleEndian = order === 1;
  const reader = readerOf(layouts[bits], littleEndian);
  const { header } = reader.layout;
  if (head.length < header.size) throw malformed(source, "MALFORMED_HEADER", "the header is cut off", head.length);
  const segments = await readSegments(source, head, reader);
  const machine = reader.field(head, 0, header.machine);
  const typeNumber = reader.field(head, 0, header.type);
  return {
    bits,
    littleEndian,
    type: objectTypes[typeNumber as keyof typeof objectTypes] ?? "other",
    machine,
    architecture: architectureOf(machine, bits, littleEndian),
    interpreter: await readInterpreter(source, segments),
    ...(await readDynamic(source, segments, reader)),
  };
}

function readerOf(layout: Layout, littleEndian: boolean): Reader {
  return {
    layout,
    field(bytes, at, [offset, width]) {
      const view = viewOf(bytes);
      if (width === 2) return view.getUint16(at + offset, littleEndian);
      if (width === 4) return view.getUint32(at + offset, littleEndian);
      // What does not fit a number is behind every file, and is refused where it is used.
      return Number(view.getBigUint64(at + offset, littleEndian));
    },
  };
}

async function readSegments(source: ByteSource, head: Uint8Array, reader: Reader): Promise<Segment[]> {
  const { header, segment } = reader.layout;
  const start = reader.field(head, 0, header.programHeaders);
  const size = reader.field(head, 0, header.programHeaderSize);
  const count = reader.field(head, 0, header.programHeaderCount);
  if (count === 0) return [];
  if (size < segment.size) {
    throw malformed(source, "MALFORMED_HEADER", `a program header of ${size} bytes is too small`, 0);
  }
  if (count > segmentLimit) {
    throw malformed(source, "LIMIT_ENTRIES", `${count} program headers are more than ${segmentLimit}`, 0);
  }
  const end = start + size * count;
  if (end > source.size) {
    throw malformed(source, "MALFORMED_SEGMENT", `the program headers end at byte ${end} of ${source.size}`, start);
  }
  const bytes = end <= head.length ? head.subarray(start, end) : await source.read(start, end);
  return Array.from({ length: count }, (_, index) => ({
    type: reader.field(bytes, index * size, segment.type),
    offset: reader.field(bytes, index * size, segment.offset),
    address: reader.field(bytes, index * size, segment.address),
    fileSize: reader.field(bytes, index * size, segment.fileSize),
  }));
}

async function readInterpreter(source: ByteSource, segments: readonly Segment[]): Promise<string | undefined> {
  const found = segments.find(({ type }) => type === segmentType.interpreter);
  if (found === undefined) return undefined;
  const { offset, fileSize } = found;
  if (offset + fileSize > source.size || fileSize > interpreterLimit) {
    const message = `the interpreter's name, ${fileSize} bytes at ${offset}, is not in the file`;
    throw malformed(source, "MALFORMED_SEGMENT", message, offset);
  }
  return textAt(await source.read(offset, offset + fileSize), 0);
}

/** Text up to the next NUL, a character a byte. */
export function textAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return String.fromCharCode(...bytes.subarray(at, end < 0 ? bytes.length : end));
}

/** An error about a place of the file. */
export function malformed(
  source: ByteSource,
  code: ConstructorParameters<typeof ElfError>[0],
  message: string,
  offset: number,
): ElfError {
  return new ElfError(code, message, { path: "elf", offset, source: source.name });
}
