import { availableParallelism } from "node:os";
import { pourChunks, slice, toHex } from "@sextant/bytes";
import { type FileSink, nodeHasher, openFile } from "@sextant/bytes/node";
import {
  type DdiLayout,
  emit as emitDdi,
  layoutDdi,
  type PartitionArchitecture,
  planDdi,
  seedBytes,
  signRootHash,
} from "@sextant/ddi";
import { type ErofsPlan, emit as emitErofs, open as openErofs } from "@sextant/erofs";
import type { Signer } from "@sextant/signing";
import { hashFile } from "@sextant/verity/node";

export interface DiskRequest {
  readonly verity: "signed" | "unsigned" | "none";
  readonly architecture: PartitionArchitecture;
  readonly sectorBytes: 512 | 4096;
  /** Undefined: derived from the file system. */
  readonly seed: Uint8Array | undefined;
  readonly jobs: number | undefined;
  readonly signer: Signer | undefined;
}

export interface WrittenDisk {
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly rootHash: string | undefined;
  /** Milliseconds. */
  readonly stages: Readonly<Record<string, number>>;
}

/**
 * Writes a disk image into a sink and commits it. The file system goes to where its partition will be and is hashed there,
 * so that its bytes are written once.
 */
export async function writeDisk(sink: FileSink, filesystem: ErofsPlan, request: DiskRequest): Promise<WrittenDisk> {
  const shape = {
    architecture: request.architecture,
    sectorBytes: request.sectorBytes,
    verity: request.verity,
    hasher: nodeHasher,
  };
  // Where things lie does not depend on the seed, which may come from what is written there.
  const { start } = dataSlot(layoutDdi(filesystem.sizeBytes, { ...shape, seed: new Uint8Array(seedBytes) }));
  await pourChunks(sink, emitErofs(filesystem, { hasher: nodeHasher, reuseMemory: true }), filesystem.sizeBytes, start);
  const path = await sink.written();
  const end = start + filesystem.sizeBytes;
  const seed = request.seed ?? (await deriveSeed(path, start, end, filesystem, request));
  const layout = layoutDdi(filesystem.sizeBytes, { ...shape, seed });
  const beforeHash = performance.now();
  const jobs = request.jobs ?? availableParallelism();
  const tree = layout.verity && (await hashFile(path, { start, end, jobs, ...layout.verity.params }));
  const beforeSign = performance.now();
  const signature = request.signer && tree && (await signRootHash(request.signer, tree.rootHash));
  const disk = planDdi(layout, { tree, signature });
  await pourChunks(sink, emitDdi(disk), layout.sizeBytes);
  await sink.commit(layout.sizeBytes);
  return {
    sizeBytes: layout.sizeBytes,
    rootHash: tree && toHex(tree.rootHash),
    stages: { hash: beforeSign - beforeHash, sign: performance.now() - beforeSign },
  };
}

function dataSlot(layout: DdiLayout) {
  const slot = layout.slots.find(({ kind }) => kind === "data");
  if (slot === undefined) throw new TypeError("a layout has a data partition");
  return slot;
}

/** A seed that says what is in the image: its file system, by its own digest, and what surrounds it. */
async function deriveSeed(
  path: string,
  start: number,
  end: number,
  { uuid }: ErofsPlan,
  { architecture, sectorBytes, verity }: DiskRequest,
): Promise<Uint8Array> {
  await using file = openFile(path);
  const source = slice(file, start, end);
  // A UUID that `emit` derived is a digest of the whole content already; one that was given says nothing.
  const content = uuid === undefined ? (await openErofs(source)).uuid : toHex(await digest(source));
  const text = `sextant seed: ${content} ${architecture} ${sectorBytes} ${verity}`;
  return nodeHasher.hash("sha256", new TextEncoder().encode(text)).slice(0, seedBytes);
}

async function digest(source: {
  size: number;
  read(start: number, end: number): Promise<Uint8Array>;
}): Promise<Uint8Array> {
  const state = nodeHasher.create("sha256");
  const step = 1 << 20;
  for (let at = 0; at < source.size; at += step) state.update(await source.read(at, Math.min(source.size, at + step)));
  return state.digest();
}
