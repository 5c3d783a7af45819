import type { ByteSource } from "@sextant/bytes";
import { type Name, nameToText, type RegularFile } from "@sextant/tree";
import { ErofsError } from "../errors.js";
import type { Compression } from "./compression.js";
import type { ItemTail } from "./task.js";

/** A file whose content is compressed. */
export interface Content {
  readonly file: RegularFile;
  /** Its first path, from the root, without a leading slash. */
  readonly path: Name;
  readonly size: number;
}

/** What is cut into clusters: a file, or the packed inode, which is parts of many. */
export interface Stream {
  readonly size: number;
  /** In order and without gaps. */
  readonly parts: readonly StreamPart[];
}

/** Bytes `[start, end)` of a file, which stand at `at` in the stream. */
export interface StreamPart {
  readonly content: Content;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** A run of a stream that is compressed on its own: no cluster holds bytes of two. In placement order. */
export interface Piece {
  readonly stream: Stream;
  readonly start: number;
  readonly end: number;
  readonly compression: Compression;
  /** Of its end. */
  readonly tail: ItemTail;
  /** Of the ends inside of it, if it is cut into several: `inner` or `cut`. */
  readonly innerTail: ItemTail;
}

/** A stream of one file. */
export function fileStream(content: Content): Stream {
  return { size: content.size, parts: [{ content, start: 0, end: content.size, at: 0 }] };
}

/** A stream of parts of files, one behind the other. */
export function packedStream(parts: readonly Omit<StreamPart, "at">[]): Stream {
  let size = 0;
  const placed = parts.map((part) => {
    const at = size;
    size += part.end - part.start;
    return { ...part, at };
  });
  return { size, parts: placed };
}

/** The index of the part that byte `at` is in. */
export function partAt({ parts }: Stream, at: number): number {
  let low = 0;
  let high = parts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((parts[middle]?.at ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Opened sources that are kept: parts of one file follow each other. */
const keptSources = 64;

/** Reads runs of streams; keeps few sources open. */
export function streamReader() {
  const sources = new Map<Content, ByteSource>();
  const open = (content: Content): ByteSource => {
    const known = sources.get(content);
    if (known) return known;
    const source = content.file.content.open();
    if (source.size !== content.size) {
      throw wrongSize(content, `the tree says ${content.size} bytes, the source has ${source.size}`);
    }
    sources.set(content, source);
    for (const oldest of sources.keys()) if (sources.size > keptSources) sources.delete(oldest);
    return source;
  };
  return {
    /** Puts bytes `[start, end)` of the stream into `target`, reading its parts side by side. */
    async read(stream: Stream, start: number, end: number, target: Uint8Array): Promise<void> {
      const reads: Promise<void>[] = [];
      for (let index = partAt(stream, start); index < stream.parts.length; index++) {
        const part = stream.parts[index];
        if (part === undefined || part.at >= end) break;
        const from = Math.max(start, part.at);
        const to = Math.min(end, part.at + part.end - part.start);
        if (to <= from) continue;
        const shift = part.start - part.at;
        const into = target.subarray(from - start, to - start);
        reads.push(readPart(open(part.content), part.content, from + shift, to + shift, into));
      }
      await Promise.all(reads);
    },
  };
}

/** Holes are not read. */
async function readPart(source: ByteSource, content: Content, start: number, end: number, target: Uint8Array) {
  const { extents } = content.file.content;
  if (extents === undefined) return readInto(source, content, start, target);
  target.fill(0);
  for (const extent of extents) {
    const from = Math.max(start, extent.start);
    const to = Math.min(end, extent.end);
    if (from < to) await readInto(source, content, from, target.subarray(from - start, to - start));
  }
}

async function readInto(source: ByteSource, content: Content, start: number, target: Uint8Array): Promise<void> {
  if (source.readInto) return source.readInto(start, target);
  const bytes = await source.read(start, start + target.length);
  if (bytes.length !== target.length) {
    throw wrongSize(content, `${target.length} bytes were asked for, the source gave ${bytes.length}`);
  }
  target.set(bytes);
}

const wrongSize = ({ path }: Content, message: string) =>
  new ErofsError("MISMATCH_SIZE", message, { path: `/${nameToText(path)}` });
