import type { Hasher } from "@sextant/bytes";
import type { Directory, Name, RegularFile } from "@sextant/tree";
import type { WorkerLike } from "@sextant/workers";
import { blockBytes } from "../plan-slots.js";
import type { CompressedContent, CompressedFile, FlatFile } from "../stored.js";
import { clusterCollector, fileAssembler } from "./assemble.js";
import { type Compression, checkCompression, zstdWindowLog2 } from "./compression.js";
import { noRepeats } from "./dedupe.js";
import type { Order, ProfileEntry } from "./order.js";
import { runner } from "./runner.js";
import { cutPieces, packFragments, pieceRanges, repeatsInPacked, repeatsOf, select } from "./select.js";
import { type CompressStats, statsOf } from "./stats.js";
import { openStore, type Store, type StoreTarget } from "./store.js";
import { itemTail } from "./task.js";
import { algorithmOf } from "./work.js";

/** What happens to the ends of files that fill no cluster. */
export type Fragments = "none" | "tails" | "all";

/** How `compress` works; see each. */
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
  /**
   * Content that is placed first, in this order: as a trace says that it is read. Parts of a file that are not named stand with
   * the others. Ranges are widened to blocks. Default: none.
   */
  readonly profile?: readonly ProfileEntry[] | undefined;
  /** What the profile's content is compressed with. Default: as the rest of its file. */
  readonly hotCompression?: Compression | undefined;
  /**
   * Whether content that comes again shares clusters: whole files, and runs of at least a cluster's size within and across
   * them. Every file is read twice. Default false; files of equal `identity` always share.
   */
  readonly dedupe?: boolean | undefined;
  /** As in `PlanOptions`: files below these that take at most a block are left as they are, so that matching stays cheap. */
  readonly front?: readonly Name[] | undefined;
  /** Threads, and how one is started. Default: the calling one. No number of them changes a byte. */
  readonly workers?: { readonly size: number; readonly spawn: () => WorkerLike } | undefined;
  /** Where compressed data waits once it is more than 96 MiB. Default: memory. */
  readonly spill?: (() => Promise<StoreTarget>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many bytes of how many a stage has done. */
  readonly progress?: ((stage: "scan" | "compress", doneBytes: number, allBytes: number) => void) | undefined;
  /** What digests chunks in the calling thread. Default `portableHasher`; `nodeHasher` gives the same, faster. */
  readonly hasher?: Hasher | undefined;
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
  const run = runner(options);
  try {
    return await compressWith(tree, options, { data, inline, run });
  } catch (error) {
    await data[Symbol.asyncDispose]();
    await inline[Symbol.asyncDispose]();
    throw error;
  } finally {
    await run.close();
  }
}

interface Means {
  readonly data: Store;
  readonly inline: Store;
  readonly run: ReturnType<typeof runner>;
}

async function compressWith(tree: Directory, options: CompressOptions, means: Means): Promise<Compressed> {
  const collector = clusterCollector();
  const take: Parameters<typeof means.run.compress>[1] = async (items, result, { method }) => {
    collector.add(items, result, algorithmOf(method));
    await means.data.append(result.data);
    await means.inline.append(result.inline);
  };
  const selected = await select(tree, options, means.run);
  const repeats = selected.chunks && options.dedupe ? repeatsOf(selected, options, selected.chunks) : noRepeats;
  const pieces = cutPieces(selected, options, repeats);
  await means.run.compress(pieces, take);

  const packed = packFragments(selected, collector.runs, repeats);
  const packedRepeats =
    selected.chunks && options.dedupe ? repeatsInPacked(packed, options, selected.chunks) : noRepeats;
  const packedPieces = pieceRanges(packed, options.compression, itemTail.blocks, packedRepeats);
  await means.run.compress(packedPieces, take);

  const clusters = collector.table();
  const offsets = new Map(packed.parts.map(({ content, at }) => [content, at]));
  const fileOf = fileAssembler(collector.runs, new Map([...repeats.of, ...packedRepeats.of]), clusters);
  const files = new Map<RegularFile, CompressedFile | FlatFile>();
  for (const [content, stream] of selected.streams) files.set(content.file, fileOf(stream, offsets.get(content)));
  for (const [copy, first] of selected.copies) {
    const file = files.get(first.file);
    if (file) files.set(copy.file, file);
  }
  const used = [options.compression, ...pieces.map(({ compression }) => compression)];
  return {
    files,
    packed: packed.size > 0 ? { size: packed.size, file: fileOf(packed, undefined) } : undefined,
    clusters,
    data: await means.data.finish(),
    inline: await means.inline.finish(),
    clusterBytes: used.reduce((most, { clusterBytes }) => Math.max(most, clusterBytes), 0),
    zstdWindowLog2: used.reduce((most, compression) => Math.max(most, zstdWindowLog2(compression)), 0),
    stats: statsOf(clusters, {
      packedBytes: packed.size,
      copiedBytes: [...selected.copies.keys()].reduce((sum, { size }) => sum + size, 0),
      repeatedBytes: [...repeats.of.values(), ...packedRepeats.of.values()]
        .flat()
        .reduce((sum, { start, end }) => sum + end - start, 0),
    }),
    async [Symbol.asyncDispose]() {
      await means.data[Symbol.asyncDispose]();
      await means.inline[Symbol.asyncDispose]();
    },
  };
}
