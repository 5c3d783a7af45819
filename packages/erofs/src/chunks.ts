import { equalBytes, type Hasher, portableHasher } from "@sextant/bytes";
import { type Directory, type FileContent, type Name, nameFromBytes, nameToText, walkTree } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import { blockBytes } from "./plan-slots.js";

export interface FindChunksOptions {
  /**
   * What is looked for twice, in bytes: a power of two, at least a block of 4096 bytes and at most 1 MiB. Smaller ones find
   * more, and cost about 100 bytes of memory each. Default 4096.
   */
  readonly chunkBytes?: number | undefined;
  /** Default: `portableHasher`; `nodeHasher` gives the same, faster. */
  readonly hasher?: Hasher | undefined;
}

/** Which chunks of files are equal. Made by `findChunks`, used by `plan`. */
export interface ChunkMap {
  readonly chunkBytes: number;
  /** Different chunks. */
  readonly count: number;
  /** What was read, in bytes. */
  readonly readBytes: number;
  /** Files that a block takes are not here, nor are those that have changed since. */
  readonly files: ReadonlyMap<FileContent, FileChunks>;
}

/** The chunks of a file, in order. */
export interface FileChunks {
  /** Their numbers, equal where their bytes are; `holeChunk` where all of them are zero. */
  readonly numbers: Int32Array;
  /** Equal for files that are equal as a whole. */
  readonly whole: number;
}

/** In place of a chunk: a hole, which has no block. */
export const holeChunk = -1;

/** Bytes that are read at a time; chunks are no larger. */
const stepBytes = 1 << 20;

/**
 * Reads every file of more than a block and tells which of its chunks stand elsewhere too, by their SHA-256. The last chunk
 * of a file is what is left of it. Holes that the tree knows are not read, nor are files whose identity has been met.
 *
 * Throws `RangeError` for a chunk size that is none, `ErofsError` `MISMATCH_SIZE` with the path where a source does not have
 * the size the tree says, and whatever the sources throw.
 */
export async function findChunks(tree: Directory, options: FindChunksOptions = {}): Promise<ChunkMap> {
  const { chunkBytes = blockBytes, hasher = portableHasher } = options;
  if (!isChunkSize(chunkBytes))
    throw new RangeError(`chunks are a power of two from ${blockBytes} to ${stepBytes} bytes, not ${chunkBytes}`);
  const files = new Map<FileContent, FileChunks>();
  const byIdentity = new Map<string, FileChunks>();
  const table = chunkTable(hasher, chunkBytes);
  const wholes = new Map<string, number>();
  let readBytes = 0;
  for (const { node, path } of walkTree(tree)) {
    if (node.kind !== "file" || node.content.size <= blockBytes || files.has(node.content)) continue;
    const { content } = node;
    const key = content.identity === undefined ? undefined : `${content.size} ${content.identity}`;
    let found = key === undefined ? undefined : byIdentity.get(key);
    if (found === undefined) {
      const numbers = new Int32Array(Math.ceil(content.size / chunkBytes)).fill(holeChunk);
      readBytes += await readNumbers(content, path, numbers, table);
      const digest = nameFromBytes(hasher.hash("sha256", new Uint8Array(numbers.buffer)));
      const whole = wholes.get(`${content.size} ${digest}`) ?? wholes.size;
      wholes.set(`${content.size} ${digest}`, whole);
      found = { numbers, whole };
      if (key !== undefined) byIdentity.set(key, found);
    }
    files.set(content, found);
  }
  return { chunkBytes, count: table.count(), readBytes, files };
}

const isChunkSize = (bytes: number) => Number.isInteger(Math.log2(bytes)) && bytes >= blockBytes && bytes <= stepBytes;

interface ChunkTable {
  readonly chunkBytes: number;
  /** The number of a chunk with these bytes. */
  numberOf(bytes: Uint8Array): number;
  count(): number;
}

function chunkTable(hasher: Hasher, chunkBytes: number): ChunkTable {
  const numbers = new Map<Name, number>();
  const zeros = new Uint8Array(chunkBytes);
  return {
    chunkBytes,
    numberOf(bytes) {
      const mayBeZero = bytes[0] === 0 && bytes[bytes.length - 1] === 0;
      if (mayBeZero && equalBytes(bytes, zeros.subarray(0, bytes.length))) return holeChunk;
      const digest = nameFromBytes(hasher.hash("sha256", bytes));
      const known = numbers.get(digest);
      if (known !== undefined) return known;
      numbers.set(digest, numbers.size);
      return numbers.size - 1;
    },
    count: () => numbers.size,
  };
}

/** Reads what is no hole and fills in the numbers of its chunks. Gives the bytes read. */
async function readNumbers(content: FileContent, path: Name, numbers: Int32Array, table: ChunkTable): Promise<number> {
  const source = content.open();
  if (source.size !== content.size) {
    const message = `the tree says ${content.size} bytes, the source has ${source.size}`;
    throw new ErofsError("MISMATCH_SIZE", message, { path: `/${nameToText(path)}` });
  }
  const { chunkBytes } = table;
  let readBytes = 0;
  let done = 0;
  for (const extent of content.extents ?? [{ start: 0, end: source.size }]) {
    const start = Math.max(done, extent.start - (extent.start % chunkBytes));
    done = Math.min(source.size, Math.ceil(extent.end / chunkBytes) * chunkBytes);
    for (let at = start; at < done; at += stepBytes) {
      const bytes = await source.read(at, Math.min(done, at + stepBytes));
      readBytes += bytes.length;
      for (let from = 0; from < bytes.length; from += chunkBytes) {
        numbers[(at + from) / chunkBytes] = table.numberOf(bytes.subarray(from, from + chunkBytes));
      }
    }
  }
  return readBytes;
}
