import type { Directory, Name, RegularFile } from "@sextant/tree";
import { type WorkerLike, WorkerPool } from "@sextant/workers";
import { releaseDirectories } from "../plan-front.js";
import { blockBytes } from "../plan-slots.js";
import type { CompressedContent, CompressedFile, FlatFile } from "../stored.js";
import { clusterCollector, extentsOf, flatBlock } from "./assemble.js";
import { type Compression, checkCompression, zstdWindowLog2 } from "./compression.js";
import { contentsOf, type Order, sortContents } from "./order.js";
import { readTasks } from "./schedule.js";
import { type CompressStats, statsOf } from "./stats.js";
import { openStore, type Store, type StoreTarget } from "./store.js";
import { type Content, fileStream, type Piece, packedStream, type Stream } from "./streams.js";
import { type CompressResult, type CompressTask, type ItemTail, itemTail } from "./task.js";
import { algorithmOf, compressTask } from "./work.js";

/** What happens to the ends of files that fill no cluster. */
export type Fragments = "none" | "tails" | "all";

export interface CompressOptions {
  readonly compression: Compression;
  /** Another compression for a file, or `store` for none. Default: `compression` for all. */
  readonly choose?: ((path: Name, file: RegularFile) => Compression | "store" | undefined) | undefined;
  /**
   * `tails`: what is left of a file behind its last full cluster goes into the packed inode, where it shares clusters with
   * others'; `all`: all content does. Default `none`.
   */
  readonly fragments?: Fragments | undefined;
  /** Whether a last cluster that is small enough stands behind the inode. Default false. */
  readonly tailPacking?: boolean | undefined;
  /** Default `usual`: what a boot reads first comes first. */
  readonly order?: Order | undefined;
  /** As in `PlanOptions`: files below these that take at most a block are left as they are, so that matching stays cheap. */
  readonly front?: readonly Name[] | undefined;
  /** Threads, and how one is started. Default: the calling one. No number of them changes a byte. */
  readonly workers?: { readonly size: number; readonly spawn: () => WorkerLike } | undefined;
  /** Where compressed data waits once it is more than 96 MiB. Default: memory. */
  readonly spill?: (() => Promise<StoreTarget>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many bytes of how many are done. */
  readonly progress?: ((doneBytes: number, allBytes: number) => void) | undefined;
}

/** Compressed content and what it took; disposing of it lets go of what was spilled. */
export interface Compressed extends CompressedContent, AsyncDisposable {
  readonly stats: CompressStats;
}

/**
 * Compresses the content of a tree's files: the step before `plan` where an image is compressed. The same tree and options
 * give the same bytes, with any number of workers, in Node and in browsers.
 *
 * Throws `RangeError` for options, `ErofsError` `MISMATCH_SIZE` with the path where a source does not have the size the tree
 * says, the signal's reason, and whatever the sources throw.
 */
export async function compress(tree: Directory, options: CompressOptions): Promise<Compressed> {
  checkCompression(options.compression, blockBytes);
  const data = openStore(options.spill);
  const inline = openStore(options.spill);
  const pool = new WorkerPool<CompressTask, CompressResult>({
    size: options.workers?.size ?? 1,
    spawn: options.workers?.spawn ?? noWorker,
    local: compressTask,
  });
  try {
    return await compressWith(tree, options, { data, inline, pool });
  } catch (error) {
    await data[Symbol.asyncDispose]();
    await inline[Symbol.asyncDispose]();
    throw error;
  } finally {
    await pool.close();
  }
}

const noWorker = () => {
  throw new TypeError("one thread needs no workers");
};

interface Means {
  readonly data: Store;
  readonly inline: Store;
  readonly pool: WorkerPool<CompressTask, CompressResult>;
}

async function compressWith(tree: Directory, options: CompressOptions, means: Means): Promise<Compressed> {
  const contents = sortContents(contentsOf(tree), options.order ?? "usual");
  const chosen = chooseContents(contents, options);
  const collector = clusterCollector();
  const run = runner(options, means, collector);
  await run(chosen.pieces);

  const fragments = fragmentsOf(chosen, collector.runs);
  const packed = packedStream(fragments.map(({ content, start }) => ({ content, start, end: content.size })));
  await run([pieceOf(packed, options.compression, itemTail.blocks)]);

  const clusters = collector.table();
  const offsets = new Map(packed.parts.map(({ content, at }) => [content, at]));
  const files = new Map<RegularFile, CompressedFile | FlatFile>();
  const store = (stream: Stream, fragmentOffset: number | undefined) => {
    const file = extentsOf(collector.runs.get(stream) ?? [], clusters, fragmentOffset);
    const firstBlock = flatBlock(file, clusters);
    return firstBlock === undefined ? file : { kind: "flat" as const, firstBlock, inline: undefined };
  };
  for (const [content, stream] of chosen.streams) files.set(content.file, store(stream, offsets.get(content)));
  return {
    files,
    packed: packed.size > 0 ? { size: packed.size, file: store(packed, undefined) } : undefined,
    clusters,
    data: await means.data.finish(),
    inline: await means.inline.finish(),
    clusterBytes: Math.max(...chosen.compressions.map(({ clusterBytes }) => clusterBytes)),
    zstdWindowLog2: Math.max(...chosen.compressions.map(zstdWindowLog2)),
    stats: statsOf(clusters, packed.size),
    async [Symbol.asyncDispose]() {
      await means.data[Symbol.asyncDispose]();
      await means.inline[Symbol.asyncDispose]();
    },
  };
}

/** Compresses pieces one behind the other. */
function runner(
  options: CompressOptions,
  { data, inline, pool }: Means,
  collector: ReturnType<typeof clusterCollector>,
) {
  return async (pieces: readonly Piece[]) => {
    const all = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
    const planned: { items: Parameters<typeof collector.add>[0]; method: Compression["method"]; size: number }[] = [];
    async function* tasks() {
      for await (const { items, task } of readTasks(pieces, blockBytes)) {
        planned.push({ items, method: task.compression.method, size: task.bytes.length });
        yield task;
      }
    }
    let done = 0;
    const transfer = ({ bytes }: CompressTask) => [bytes.buffer as ArrayBuffer];
    for await (const result of pool.map(tasks(), { signal: options.signal, transfer })) {
      const next = planned.shift();
      if (next === undefined) throw new TypeError("there are more results than tasks");
      collector.add(next.items, result, algorithmOf(next.method));
      await data.append(result.data);
      await inline.append(result.inline);
      done += next.size;
      options.progress?.(done, all);
    }
  };
}

interface Chosen {
  /** In placement order. */
  readonly streams: ReadonlyMap<Content, Stream>;
  readonly pieces: readonly Piece[];
  readonly compressions: readonly Compression[];
}

const pieceOf = (stream: Stream, compression: Compression, tail: ItemTail): Piece => ({
  stream,
  start: 0,
  end: stream.size,
  compression,
  tail,
});

/** What is compressed, and how. */
function chooseContents(contents: readonly Content[], options: CompressOptions): Chosen {
  const { compression, choose, fragments = "none", tailPacking = false, front = releaseDirectories } = options;
  const streams = new Map<Content, Stream>();
  const pieces: Piece[] = [];
  const compressions = new Set([compression]);
  const isFront = ({ path, size }: Content) =>
    size <= blockBytes && front.some((at) => path === at || path.startsWith(`${at}/`));
  for (const content of contents) {
    const own = choose?.(content.path, content.file) ?? compression;
    const isTiny = content.size <= blockBytes && fragments === "none" && !tailPacking;
    if (own === "store" || isTiny || isFront(content)) continue;
    const stream = fileStream(content);
    streams.set(content, stream);
    const isFragment = fragments === "all" || (fragments === "tails" && content.size <= own.clusterBytes);
    if (isFragment) continue;
    if (!compressions.has(own)) checkCompression(own, blockBytes);
    compressions.add(own);
    const tail = fragments === "tails" ? itemTail.fragment : tailPacking ? itemTail.inline : itemTail.blocks;
    pieces.push(pieceOf(stream, own, tail));
  }
  return { streams, pieces, compressions: [...compressions] };
}

/** The ends of files that no cluster holds. */
function fragmentsOf({ streams }: Chosen, runs: ReadonlyMap<Stream, readonly { readonly end: number }[]>) {
  const fragments: { readonly content: Content; readonly start: number }[] = [];
  for (const [content, stream] of streams) {
    const start = runs.get(stream)?.at(-1)?.end ?? 0;
    if (start < content.size) fragments.push({ content, start });
  }
  return fragments;
}
