import { deflateRawSync } from "node:zlib";
import { concatBytes, fromBytes } from "@sextant/bytes";
import { type ClusterEncoder, lz4Encoder, zstdEncoder } from "@sextant/codecs";
import { type SeededRandom, seededRandom } from "@sextant/testkit";
import { type Directory, directory, file, nameFromText, type RegularFile } from "@sextant/tree";
import {
  type CompressedContent,
  type CompressedFile,
  clusterAlgorithms,
  type FlatFile,
  type InlineCluster,
  noCluster,
  type WriteAlgorithm,
} from "../src/stored.js";
import { noise, prose } from "./compressible.js";
import { xattr } from "./zoo.js";

const blockBytes = 4096;
const blockOf = (at: number) => Math.floor(at / blockBytes);
const zstdWindowLog2 = 18;

/** Extents of any kind in any order, as no sensible writer makes them: all that an index can tell. */
export interface PlainOptions {
  readonly algorithms: readonly WriteAlgorithm[];
  /** Largest cluster. */
  readonly blocks: number;
  /** What may become of the ends of files. */
  readonly ends: readonly ("blocks" | "inline" | "fragment" | "whole")[];
  /** How many of ten extents refer to a cluster that another extent has brought. */
  readonly shared: number;
  /** How many of ten clusters leave blocks unused before them, so that no two neighbours follow each other. */
  readonly apart: number;
  readonly files: number;
}

interface Cluster {
  readonly algorithm: number;
  readonly firstBlock: number;
  readonly blocks: number;
  readonly decoded: Uint8Array;
}

/** A tree, and content for it, out of nothing but a seed. */
export function compressPlainly(random: SeededRandom, options: PlainOptions) {
  const store = clusterStore(random, options);
  const tree = directory();
  const files = new Map<RegularFile, CompressedFile | FlatFile>();
  const packed: Uint8Array[] = [];
  for (let index = 0; index < options.files; index++) {
    const made = makeFile(random, options, store, packed);
    // Where indexes begin decides which form they have, and whether they fit into the block.
    const xattrs = random.below(2) === 0 ? [] : [xattr("user.a", "x".repeat(random.below(60)))];
    const uid = random.below(3) === 0 ? 70_000 : 0;
    const node = file(made.bytes, { xattrs, uid });
    tree.entries.set(nameFromText(`file ${index}`), node);
    files.set(node, made.stored);
  }
  const all = concatBytes(packed);
  const packedFile = all.length === 0 ? undefined : store.addBlocks(all);
  return {
    tree: tree as Directory,
    content: {
      files,
      packed: packedFile && { size: all.length, file: packedFile },
      ...store.finish(),
    } satisfies CompressedContent,
  };
}

type Store = ReturnType<typeof clusterStore>;

function makeFile(random: SeededRandom, options: PlainOptions, store: Store, packed: Uint8Array[]) {
  const parts: Uint8Array[] = [];
  const starts: number[] = [];
  const clusters: number[] = [];
  let inline: InlineCluster | undefined;
  let fragmentOffset: number | undefined;
  let at = 0;
  const end = random.pick(options.ends);
  const add = (bytes: Uint8Array, cluster: number) => {
    starts.push(at);
    clusters.push(cluster);
    parts.push(bytes);
    at += bytes.length;
  };
  for (let count = end === "whole" ? 0 : 1 + random.below(12); count > 0; count--) {
    const { cluster, bytes } = random.below(10) < options.shared ? (store.again(at) ?? store.add()) : store.add();
    add(bytes, cluster);
    // Where the next extent would begin in the same block, this one is the last.
    if (blockOf(at) === blockOf(starts.at(-1) ?? 0)) break;
  }
  const isOver = starts.length > 0 && blockOf(at) === blockOf(starts.at(-1) ?? 0);
  if (!isOver && end === "inline") {
    const { bytes, ...added } = store.addInline(content(random, 1 + random.below(9000)));
    inline = added;
    add(bytes, noCluster);
  } else if (!isOver && (end === "fragment" || end === "whole")) {
    const bytes = content(random, 1 + random.below(30_000));
    fragmentOffset = packed.reduce((sum, { length }) => sum + length, 0);
    packed.push(bytes);
    parts.push(bytes);
  }
  const stored: CompressedFile = {
    kind: "compressed",
    starts: Float64Array.from(starts),
    clusters: Uint32Array.from(clusters),
    inline,
    extentsEnd: at,
    fragmentOffset,
  };
  return { bytes: concatBytes(parts), stored };
}

const text = phrases(7 << 20);
const dice = noise(2 << 20);

/** Text of which even LZ4 makes a quarter. */
function phrases(size: number): Uint8Array {
  const source = prose(8 << 10);
  const random = seededRandom(1);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const from = random.below(source.length - 120);
    const phrase = source.subarray(from, from + 30 + random.below(90));
    bytes.set(phrase.subarray(0, size - at), at);
    at += phrase.length;
  }
  return bytes;
}

/** Some part of a text, or of something that nobody makes smaller. */
function content(random: SeededRandom, size: number): Uint8Array {
  const from = random.below(4) === 0 ? dice : text;
  const start = random.below(Math.max(1, from.length - size));
  return from.slice(start, start + size);
}

function clusterStore(random: SeededRandom, options: PlainOptions) {
  const clusters: Cluster[] = [];
  const data: Uint8Array[] = [];
  const inline: Uint8Array[] = [];
  let blocks = 0;
  let inlineBytes = 0;

  const append = (bytes: Uint8Array) => {
    const first = blocks;
    data.push(bytes);
    blocks += bytes.length / blockBytes;
    return first;
  };
  const gap = () => {
    if (random.below(10) >= options.apart) return;
    const unused = content(random, blockBytes);
    push("stored", unused, unused);
  };
  const push = (algorithm: WriteAlgorithm | "stored", decoded: Uint8Array, bytes: Uint8Array) => {
    const firstBlock = append(bytes);
    clusters.push({
      algorithm: clusterAlgorithms.indexOf(algorithm),
      firstBlock,
      blocks: bytes.length / blockBytes,
      decoded,
    });
    return clusters.length - 1;
  };
  return {
    /** A new cluster, with an extent that is all of it. */
    add() {
      gap();
      const count = 1 + random.below(options.blocks);
      const source = content(random, count * blockBytes * 6);
      const algorithm = random.pick(options.algorithms);
      const { consumed, bytes } = encode(algorithm, source, count * blockBytes);
      const stored = Math.ceil(bytes.length / blockBytes);
      // What ends two blocks behind its beginning, wherever that is, leaves room to tell how large it is.
      const least = Math.max(stored, stored > 1 ? 2 : 1) * blockBytes;
      if (random.below(6) === 0 || consumed <= least) {
        const decoded = source.slice(0, count * blockBytes);
        return { cluster: push("stored", decoded, decoded.slice()), bytes: decoded };
      }
      const padded = new Uint8Array(stored * blockBytes);
      padded.set(bytes, padded.length - bytes.length);
      const decoded = source.slice(0, consumed);
      return { cluster: push(algorithm, decoded, padded), bytes: decoded };
    },
    /** A cluster that is there, or its beginning, as an extent that begins at `at`. */
    again(at: number) {
      if (clusters.length === 0) return undefined;
      const index = random.below(clusters.length);
      const { decoded, blocks: stored, algorithm } = clusters[index] as Cluster;
      const least = stored > 1 && algorithm !== 0 ? 2 * blockBytes : blockBytes;
      const size = random.below(2) === 0 ? decoded.length : least + random.below(Math.max(1, decoded.length - least));
      const isWhole = size === decoded.length || algorithm !== 0;
      const bytes = decoded.slice(0, isWhole ? Math.min(size, decoded.length) : size - (size % blockBytes));
      const far = blockOf(at + bytes.length) - blockOf(at);
      return far < (stored > 1 && algorithm !== 0 ? 2 : 1) ? undefined : { cluster: index, bytes };
    },
    /** As much of `source` as an inline end holds. */
    addInline(source: Uint8Array): InlineCluster & { readonly bytes: Uint8Array } {
      const algorithm = random.pick(options.algorithms);
      const { consumed, bytes } = encode(algorithm, source, 3000);
      const isSmaller = bytes.length < consumed;
      const [decoded, stored] = isSmaller
        ? [source.slice(0, consumed), bytes.slice()]
        : [source.slice(0, 3000), source.slice(0, 3000)];
      inline.push(stored);
      inlineBytes += stored.length;
      const offset = inlineBytes - stored.length;
      return { algorithm: isSmaller ? algorithm : "stored", offset, size: stored.length, bytes: decoded };
    },
    /** Blocks one behind the other, which no extent refers to. */
    addBlocks(bytes: Uint8Array): FlatFile {
      const padded = new Uint8Array(Math.ceil(bytes.length / blockBytes) * blockBytes);
      padded.set(bytes);
      push("stored", bytes, padded);
      return { kind: "flat", firstBlock: blocks - padded.length / blockBytes, inline: undefined };
    },
    finish: () => ({
      clusters: {
        count: clusters.length,
        firstBlock: Float64Array.from([...clusters.map(({ firstBlock }) => firstBlock), blocks]),
        decodedBytes: Uint32Array.from(clusters, ({ decoded }) => decoded.length),
        algorithm: Uint8Array.from(clusters, ({ algorithm }) => algorithm),
      },
      data: fromBytes(concatBytes(data)),
      inline: fromBytes(concatBytes(inline)),
      clusterBytes: options.blocks * blockBytes,
      zstdWindowLog2,
    }),
  };
}

const encoders = new Map<WriteAlgorithm, ClusterEncoder>();

/** As much of `source` as `capacity` bytes hold. */
function encode(algorithm: WriteAlgorithm, source: Uint8Array, capacity: number) {
  if (algorithm === "deflate") return encodeDeflate(source, capacity);
  const encoder =
    encoders.get(algorithm) ??
    (algorithm === "lz4" ? lz4Encoder({ level: 1 }) : zstdEncoder({ level: 1, windowLog2: zstdWindowLog2 }));
  encoders.set(algorithm, encoder);
  encoder.input(source.length).set(source);
  const filled = encoder.fill(0, source.length, capacity);
  return filled ?? { consumed: 0, bytes: new Uint8Array(0) };
}

function encodeDeflate(source: Uint8Array, capacity: number) {
  let [low, high] = [0, source.length];
  let bytes: Uint8Array = new Uint8Array(0);
  for (let consumed = high; low < high; consumed = Math.ceil((low + high) / 2)) {
    const tried = deflateRawSync(source.subarray(0, consumed), { level: 6 });
    if (tried.length <= capacity) {
      low = consumed;
      bytes = tried;
    } else high = consumed - 1;
    if (high - low < 16) break;
  }
  return { consumed: low, bytes };
}
