import { nodeHasher } from "@sextant/bytes/node";
import {
  type Compressed,
  type Compression,
  compress,
  type ErofsPlan,
  type FittedChoice,
  findChunks,
  fingerprintFiles,
  fitKernel,
  type KernelVersion,
  maxClusterBytes,
  type PlanOptions,
  parseKernelVersion,
  plan,
} from "@sextant/erofs";
import { compressionWorkers } from "@sextant/erofs/node";
import { type Directory, type Name, nameFromText } from "@sextant/tree";
import {
  type CompressionChoice,
  parseCompression,
  parseOrder,
  parseRule,
  readProfile,
  withCluster,
} from "./compression.js";
import { epochFrom } from "./epoch.js";
import { usageError } from "./errors.js";
import { warn } from "./output.js";
import { progressLine } from "./progress.js";

/** Options of everything that writes a file system. */
export interface FilesystemOptions {
  readonly epoch?: number;
  readonly uuid?: Uint8Array;
  readonly label?: string;
  readonly jobs?: number;
  readonly layout?: "composefs";
  readonly compress: string;
  readonly cluster: number;
  readonly compressFor?: readonly string[];
  readonly fragments?: boolean;
  readonly allFragments?: boolean;
  readonly dedupe?: boolean;
  readonly tailPacking?: boolean;
  readonly order?: string;
  readonly hotCompress?: string;
  readonly minKernel?: string;
  readonly indexes?: PlanOptions["indexes"];
  readonly wide?: boolean;
  readonly xattrPrefix?: readonly string[];
  readonly xattrFilter?: boolean;
  readonly fingerprints?: boolean;
}

/** A planned file system, and what it is made of until it is written. */
export interface PlannedFilesystem extends AsyncDisposable {
  readonly plan: ErofsPlan;
  /** For `--json`. */
  readonly document: Readonly<Record<string, unknown>>;
  /** For `--stats`, a line each. */
  readonly lines: readonly string[];
  /** Milliseconds. */
  readonly stages: Readonly<Record<string, number>>;
}

/** Compresses a tree's files as the command line says, and plans the image. */
export async function planFilesystem(tree: Directory, options: FilesystemOptions): Promise<PlannedFilesystem> {
  const fitted = fit(options);
  const clock = stageClock();
  const compressed = fitted.compression && (await compressTree(tree, fitted, fitted.compression, options, clock));
  clock.enter("plan");
  const { epoch, uuid, label, indexes, wide, xattrFilter, xattrPrefix = [] } = options;
  const image = plan(tree, {
    epochSeconds: epochFrom(epoch),
    uuid,
    label,
    compressed,
    indexes: indexes === "extents" && !fitted.records ? "compact" : indexes,
    wide,
    shareIdentical: true,
    chunks: fitted.dedupe && !compressed ? await findChunks(tree, { hasher: nodeHasher }) : undefined,
    xattrFilter,
    xattrPrefixes: fitted.xattrPrefixes ? xattrPrefix.map(nameFromText) : [],
    fingerprints:
      options.fingerprints && fitted.xattrPrefixes ? await fingerprintFiles(tree, { hasher: nodeHasher }) : undefined,
  });
  return {
    plan: image,
    document: describe(fitted, compressed),
    lines: compressed ? summarize(compressed) : [],
    stages: clock.end(),
    [Symbol.asyncDispose]: async () => compressed?.[Symbol.asyncDispose](),
  };
}

type StageClock = ReturnType<typeof stageClock>;

/** Milliseconds in each stage, one after the other. */
function stageClock() {
  const spent: Record<string, number> = {};
  let stage: string | undefined;
  let since = performance.now();
  const enter = (next: string | undefined) => {
    if (next === stage) return;
    const now = performance.now();
    if (stage !== undefined) spent[stage] = (spent[stage] ?? 0) + now - since;
    stage = next;
    since = now;
  };
  return {
    enter,
    end() {
      enter(undefined);
      return spent;
    },
  };
}

/** What the oldest kernel that is to mount the image takes of what was asked for; says what it does not. */
function fit(options: FilesystemOptions): FittedChoice {
  const { cluster, allFragments, fragments, tailPacking = false, dedupe = false } = options;
  const choice = parseCompression(options.compress);
  const minKernel = kernelOf(options);
  const wanted = {
    compression: choice === "none" ? undefined : withCluster(choice, cluster),
    fragments: allFragments ? ("all" as const) : fragments ? ("tails" as const) : ("none" as const),
    tailPacking,
    dedupe,
    xattrPrefixes: options.xattrPrefix !== undefined || options.fingerprints === true,
    records: options.indexes === "extents",
  };
  if (choice === "none" && (allFragments || fragments || tailPacking)) {
    const flag = allFragments ? "--all-fragments" : fragments ? "--fragments" : "--tail-packing";
    const hint = "give --compress zstd, lz4hc, lz4 or deflate";
    throw usageError(flag, "there is nothing of this without compression", hint);
  }
  checkUsage(wanted.compression);
  if (minKernel === undefined) return { ...wanted, gaveUp: [] };
  try {
    const fitted = fitKernel(wanted, minKernel);
    const version = `${minKernel.major}.${minKernel.minor}`;
    for (const { feature, kernel, instead } of fitted.gaveUp) {
      warn(`${feature}: takes Linux ${kernel}, and it shall mount with ${version}; used instead: ${instead}`);
    }
    return fitted;
  } catch (error) {
    if (error instanceof RangeError) throw usageError("--min-kernel", error.message);
    throw error;
  }
}

function checkUsage(compression: Compression | undefined): void {
  const bytes = compression?.clusterBytes ?? 4096;
  if (Number.isInteger(bytes / 4096) && bytes >= 4096 && bytes <= maxClusterBytes) return;
  throw usageError("--cluster", `${bytes} bytes are no multiple of 4K up to 1M`);
}

function kernelOf({ minKernel }: FilesystemOptions): KernelVersion | undefined {
  if (minKernel === undefined) return undefined;
  const kernel = parseKernelVersion(minKernel);
  if (kernel === undefined) throw usageError("--min-kernel", `"${minKernel}" is not a version such as 6.6`);
  return kernel;
}

async function compressTree(
  tree: Directory,
  { fragments, tailPacking, dedupe }: FittedChoice,
  compression: Compression,
  options: FilesystemOptions,
  clock: StageClock,
): Promise<Compressed> {
  clock.enter(dedupe ? "scan" : "compress");
  const { spillFile } = await import("@sextant/archive/node");
  const { jobs } = options;
  const { order, profile } = parseOrder(options.order ?? "usual");
  const hot = options.hotCompress === undefined ? "none" : parseCompression(options.hotCompress, "--hot-compress");
  const progress = progressLine();
  try {
    return await compress(tree, {
      compression,
      choose: chooseByRules(options, compression),
      fragments,
      tailPacking,
      dedupe,
      order,
      profile: profile === undefined ? undefined : await readProfile(profile),
      hotCompression: hot === "none" ? undefined : fitRule(hot, options),
      workers: compressionWorkers(jobs),
      hasher: nodeHasher,
      spill: spillFile,
      progress(stage, done, all) {
        if (done === all) clock.enter("compress");
        progress.show(stage === "scan" ? "looking for repeats" : "compressing", done, all);
      },
    });
  } finally {
    progress.end();
  }
}

/** A rule's compression, as far as the oldest kernel takes it. */
function fitRule(choice: CompressionChoice, options: FilesystemOptions): Compression {
  const compression = withCluster(choice, options.cluster);
  const minKernel = kernelOf(options);
  if (minKernel === undefined) return compression;
  const wanted = { compression, fragments: "none", tailPacking: false, dedupe: false } as const;
  return fitKernel(wanted, minKernel).compression ?? compression;
}

function chooseByRules(options: FilesystemOptions, compression: Compression) {
  const rules = (options.compressFor ?? []).map(parseRule).map(({ matches, choice }) => ({
    matches,
    // One object for each rule: equal compressions share tasks.
    compression: choice === "none" ? ("store" as const) : fitRule(choice, options),
  }));
  if (rules.length === 0) return undefined;
  return (path: Name) => rules.find(({ matches }) => matches(path))?.compression ?? compression;
}

function describe({ compression, gaveUp }: FittedChoice, compressed: Compressed | undefined) {
  if (compression === undefined || compressed === undefined) return { compression: null, gaveUp };
  const { algorithms, packedBytes, copiedBytes, repeatedBytes } = compressed.stats;
  return { compression, gaveUp, algorithms, packedBytes, copiedBytes, repeatedBytes };
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function summarize({ stats }: Compressed): string[] {
  const lines = stats.algorithms.map(({ algorithm, clusters, contentBytes, blocks }) => {
    const bytes = blocks * 4096;
    const percent = ((100 * bytes) / contentBytes).toFixed(1);
    return `${algorithm}: ${clusters} clusters, ${mib(contentBytes)} in ${mib(bytes)} (${percent} %)`;
  });
  if (stats.packedBytes > 0) lines.push(`fragments: ${mib(stats.packedBytes)} in the packed inode`);
  if (stats.copiedBytes > 0) lines.push(`copies: ${mib(stats.copiedBytes)} of files that are as others are`);
  if (stats.repeatedBytes > 0) lines.push(`dedupe: ${mib(stats.repeatedBytes)} of runs that came before`);
  return lines;
}
