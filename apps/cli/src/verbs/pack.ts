import { collectChunks, fromBytes, toHex, writeChunks } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { emit } from "@sextant/erofs";
import { clampTimes, type Directory } from "@sextant/tree";
import { epochFrom } from "../epoch.js";
import { exitCode } from "../errors.js";
import { type FilesystemOptions, planFilesystem } from "../filesystem.js";
import { countOf, formatSize, warn } from "../output.js";
import { openSink } from "../outputs.js";
import { reportWritten } from "../report.js";
import { collectTree } from "../trees.js";

export interface PackOptions extends FilesystemOptions {
  readonly output: string;
  readonly allRoot?: boolean;
  readonly owners?: string;
  readonly json?: boolean;
  readonly stats?: boolean;
}

/** Writes a file system image of the sources. */
export async function pack(sources: readonly string[], options: PackOptions): Promise<number> {
  const started = performance.now();
  await using collected = await collectTree(sources, options);
  for (const warning of collected.warnings) warn(warning);
  const read = performance.now() - started;
  if (options.layout === "composefs") return packComposefs(collected.tree, options);
  await using filesystem = await planFilesystem(collected.tree, options);
  const { plan: image, stages } = filesystem;
  const emitted = performance.now();
  await writeChunks(openSink(options.output), emit(image, { hasher: nodeHasher, reuseMemory: true }), image.sizeBytes);
  const { output } = options;
  const { sizeBytes, inodes } = image;
  const seconds = inSeconds({ read, ...stages, write: performance.now() - emitted });
  const document = {
    version: 1,
    image: output,
    format: "erofs",
    size: sizeBytes,
    inodes: inodes.length,
    ...filesystem.document,
    ...(options.stats && { seconds }),
  };
  reportWritten(
    output,
    document,
    [`${output}: erofs, ${countOf(inodes.length, "inode")}, ${formatSize(sizeBytes)}`],
    options,
  );
  if (options.stats) printStats(filesystem.lines, seconds);
  return exitCode.done;
}

/** Writes the metadata of a composefs; what it refers to by digest is somebody else's to store. */
async function packComposefs(tree: Directory, options: PackOptions): Promise<number> {
  const { composefsTree, emitComposefs, fsVerityDigest, planComposefs } = await import("@sextant/erofs");
  const { output } = options;
  const epoch = epochFrom(options.epoch);
  const image = planComposefs(
    await composefsTree(epoch === undefined ? tree : clampTimes(tree, epoch), { hasher: nodeHasher }),
  );
  const bytes = await collectChunks(emitComposefs(image), image.sizeBytes);
  const digest = toHex(await fsVerityDigest(fromBytes(bytes), { hasher: nodeHasher }));
  await writeChunks(openSink(output), emitComposefs(image), image.sizeBytes);
  warn("files of more than 64 bytes are not in it: it names them by their fs-verity digest, as objects of a store");
  const document = { version: 1, image: output, format: "composefs", size: image.sizeBytes, digest };
  reportWritten(
    output,
    document,
    [`${output}: composefs, ${formatSize(image.sizeBytes)}, fs-verity ${digest}`],
    options,
  );
  return exitCode.done;
}

/** Milliseconds as seconds with three digits. */
export function inSeconds(milliseconds: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(milliseconds).map(([stage, spent]) => [stage, Math.round(spent) / 1000]));
}

/** What was made of the content, and `stages: read 0.01 s, plan 0.02 s`, on standard error. */
export function printStats(lines: readonly string[], seconds: Readonly<Record<string, number>>): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
  const parts = Object.entries(seconds).map(([stage, spent]) => `${stage} ${spent.toFixed(3)} s`);
  process.stderr.write(`stages: ${parts.join(", ")}\n`);
}
