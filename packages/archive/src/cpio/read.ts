import type { ByteSource } from "@sextant/bytes";
import { type CompressionFormat, detect, detectBytes } from "@sextant/codecs";
import { type Directory, type TreeBuilder, treeBuilder } from "@sextant/tree";
import { ArchiveError, type WarningHandler } from "../errors.js";
import type { TreeOptions, UnpackOptions } from "../options.js";
import { withSpill } from "../spill.js";
import { unpack } from "../unpack.js";
import { alignment } from "./layout.js";
import { cpioMembers, headerSource } from "./members.js";
import { Placer } from "./place.js";

/** How a cpio is read. */
export interface CpioOptions extends UnpackOptions, TreeOptions {
  /** Most members of all archives together. Default 2^22. */
  readonly maxMembers?: number | undefined;
  readonly onWarning?: WarningHandler | undefined;
}

/** A part of an initrd: one archive, or compressed data that holds some. */
export interface CpioSegment {
  /** Bytes `[start, end)` of the source. */
  readonly start: number;
  readonly end: number;
  readonly compression: CompressionFormat | undefined;
  /** Archives in it. */
  readonly archives: number;
}

/** What all archives of a source hold together. Dispose of it when the tree's contents are no longer read. */
export interface CpioArchive extends AsyncDisposable {
  readonly tree: Directory;
  readonly segments: readonly CpioSegment[];
}

const defaultMaxMembers = 2 ** 22;
const asciiZero = 0x30;
const scanBytes = 64 * 1024;

interface Reading {
  readonly builder: TreeBuilder;
  readonly options: CpioOptions;
  readonly maxMembers: number;
  readonly onWarning: WarningHandler;
  members: number;
}

/**
 * Reads cpio archives (newc; crc with its checks verified) one after another, each plain or compressed and with NULs
 * between, as the kernel reads an initrd: what comes later replaces what came before. Contents of plain archives are
 * parts of `source`; compressed ones are unpacked into `spill`.
 *
 * Throws `ArchiveError`, and `CodecError` for compressed data.
 */
export function readCpio(source: ByteSource, options: CpioOptions = {}): Promise<CpioArchive> {
  return withSpill(options.spill, (spill) => readSegments(source, { ...options, spill }));
}

async function readSegments(
  source: ByteSource,
  options: CpioOptions,
): Promise<Omit<CpioArchive, keyof AsyncDisposable>> {
  const { parents, parentSymlinks, maxMembers = defaultMaxMembers, onWarning = () => {} } = options;
  const builder = treeBuilder({ ...(parents && { parents }), ...(parentSymlinks && { parentSymlinks }) });
  const reading: Reading = { builder, options, maxMembers, onWarning, members: 0 };
  const segments: CpioSegment[] = [];
  const headers = headerSource(source);
  for (let at = await skipZeros(source, 0); at < source.size; at = await skipZeros(source, at)) {
    const segment = await readSegment(source, headers, at, reading);
    segments.push(segment);
    at = segment.end;
  }
  return { tree: builder.build(), segments };
}

async function readSegment(
  source: ByteSource,
  headers: ByteSource,
  start: number,
  reading: Reading,
): Promise<CpioSegment> {
  const head = await headers.read(start, Math.min(source.size, start + detectBytes));
  // As in the kernel, a plain archive starts at a multiple of 4; anything else there is compressed.
  if (head[0] === asciiZero && start % alignment === 0) {
    const end = await readArchive(source, headers, start, reading);
    return { start, end, compression: undefined, archives: 1 };
  }
  const compression = detect(head);
  if (compression === undefined) {
    const what = "here is neither a cpio archive nor compressed data";
    throw new ArchiveError("MALFORMED_HEADER", what, { path: "cpio", offset: start, source: source.name });
  }
  const { source: inner, consumedBytes } = await unpack(source, compression, start, reading.options, "first");
  const innerHeaders = headerSource(inner);
  let archives = 0;
  for (let at = await skipZeros(inner, 0); at < inner.size; at = await skipZeros(inner, at)) {
    at = await readArchive(inner, innerHeaders, at, reading);
    archives++;
  }
  return { start, end: start + consumedBytes, compression, archives };
}

/** One archive, from its first header to its trailer. Returns where it ends. */
async function readArchive(source: ByteSource, headers: ByteSource, start: number, reading: Reading): Promise<number> {
  const placer = new Placer(source, reading.builder);
  const members = cpioMembers(headers, start, reading.onWarning);
  for (;;) {
    const { done, value } = await members.next();
    if (done) return value;
    if (++reading.members > reading.maxMembers) {
      const what = `there are more than ${reading.maxMembers} members`;
      throw new ArchiveError("LIMIT_ENTRIES", what, { path: "cpio", offset: value.offset });
    }
    await placer.place(value);
  }
}

/** Offset of the first byte from `start` on that is not zero, or the size. */
async function skipZeros(source: ByteSource, start: number): Promise<number> {
  for (let at = start; at < source.size; at += scanBytes) {
    const bytes = await source.read(at, Math.min(source.size, at + scanBytes));
    const found = bytes.findIndex((byte) => byte !== 0);
    if (found >= 0) return at + found;
  }
  return source.size;
}
