import { nodeHasher } from "@sextant/bytes/node";
import {
  type Compressed,
  type Compression,
  compress,
  type ErofsPlan,
  type FittedChoice,
  fitKernel,
  type KernelVersion,
  type PlanOptions,
  parseKernelVersion,
  plan,
} from "@sextant/erofs";
import { compressionWorkers } from "@sextant/erofs/node";
import type { Directory, Name } from "@sextant/tree";
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
  const started = performance.now();
  const compressed = fitted.compression && (await compressTree(tree, fitted, fitted.compression, options));
  const beforePlan = performance.now();
  const { epoch, uuid, label, indexes } = options;
  const image = plan(tree, { epochSeconds: epochFrom(epoch), uuid, label, compressed, indexes });
  const planned = performance.now();
  return {
    plan: image,
    document: describe(fitted, compressed),
    lines: compressed ? summarize(compressed) : [],
    stages: { compress: beforePlan - started, plan: planned - beforePlan },
    [Symbol.asyncDispose]: async () => compressed?.[Symbol.asyncDispose](),
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
  };
  if (choice === "none" && (allFragments || fragments || tailPacking)) {
    const flag = allFragments ? "--all-fragments" : fragments ? "--fragments" : "--tail-packing";
    throw usageError(
      flag,
      "there is nothing of this without compression",
      "give --compress zstd, lz4hc, lz4 or deflate",
    );
  }
  if (minKernel === undefined) return { ...wanted, gaveUp: [] };
  try {
    const fitted = fitKernel(wanted, minKernel);
    for (const { feature, kernel, instead } of fitted.gaveUp) {
      warn(
        `${feature}: Linux ${minKernel.major}.${minKernel.minor} has it not, ${kernel} is the first; used instead: ${instead}`,
      );
    }
    return fitted;
  } catch (error) {
    if (error instanceof RangeError) throw usageError("--min-kernel", error.message);
    throw error;
  }
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
): Promise<Compressed> {
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
      progress: (stage, done, all) =>
        progress.show(stage === "scan" ? "looking for repeats" : "compressing", done, all),
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
  return { compression, gaveUp, ...compressed.stats };
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
