import { writeChunks } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { emit, plan } from "@sextant/erofs";
import { epochFrom } from "../epoch.js";
import { exitCode } from "../errors.js";
import { countOf, formatSize, warn } from "../output.js";
import { openSink } from "../outputs.js";
import { reportWritten } from "../report.js";
import { collectTree } from "../trees.js";

/** Options of everything that writes a file system. */
export interface PackOptions {
  readonly output: string;
  readonly allRoot?: boolean;
  readonly owners?: string;
  readonly epoch?: number;
  readonly uuid?: Uint8Array;
  readonly label?: string;
  readonly jobs?: number;
  readonly json?: boolean;
  readonly stats?: boolean;
}

/** Writes a file system image of the sources. */
export async function pack(sources: readonly string[], options: PackOptions): Promise<number> {
  const started = performance.now();
  await using collected = await collectTree(sources, options);
  for (const warning of collected.warnings) warn(warning);
  const planned = performance.now();
  const image = plan(collected.tree, planOptions(options));
  const emitted = performance.now();
  await writeChunks(openSink(options.output), emit(image, { hasher: nodeHasher, reuseMemory: true }), image.sizeBytes);
  const { output } = options;
  const { sizeBytes, inodes } = image;
  const document = { version: 1, image: output, format: "erofs", size: sizeBytes, inodes: inodes.length };
  reportWritten(
    output,
    document,
    [`${output}: erofs, ${countOf(inodes.length, "inode")}, ${formatSize(sizeBytes)}`],
    options,
  );
  if (options.stats) {
    printStages({ read: planned - started, plan: emitted - planned, write: performance.now() - emitted });
  }
  return exitCode.done;
}

/** The options of `plan` that the command line gives. */
export function planOptions({ epoch, uuid, label }: Omit<PackOptions, "output">): Parameters<typeof plan>[1] {
  return { epochSeconds: epochFrom(epoch), uuid, label };
}

/** `stages: read 0.01 s, plan 0.02 s`, on standard error. */
export function printStages(milliseconds: Readonly<Record<string, number>>): void {
  const parts = Object.entries(milliseconds).map(([stage, spent]) => `${stage} ${(spent / 1000).toFixed(3)} s`);
  process.stderr.write(`stages: ${parts.join(", ")}\n`);
}
