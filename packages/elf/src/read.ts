import { type ByteSource, viewOf } from "@sextant/bytes";
import { readDynamic } from "./dynamic.js";
import type { ElfFile } from "./file.js";
import { identification, layouts, magic, objectTypes, segmentType } from "./layout.js";
import { architectureOf } from "./machine.js";
import { malformed, type Reader, readerOf, type Segment, textAt } from "./reader.js";

/** What the first read takes: with the header, the program headers and, of small files, the interpreter. */
const headBytes = 1024;
/** Program headers at most; real files have some ten. */
const segmentLimit = 1024;
/** PATH_MAX */
const interpreterLimit = 4096;

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
