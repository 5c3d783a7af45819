import { clusterDecoder } from "@sextant/codecs";
import type { RegularFile } from "@sextant/tree";
import {
  type CompressedContent,
  type CompressedFile,
  clusterAlgorithms,
  type FlatFile,
  noCluster,
} from "../src/stored.js";

const blockBytes = 4096;
const decoder = clusterDecoder();

/** A cluster's content, as any reader would get it. */
async function decodeCluster(content: CompressedContent, cluster: number): Promise<Uint8Array> {
  const { firstBlock, decodedBytes, algorithm } = content.clusters;
  const start = (firstBlock[cluster] ?? 0) * blockBytes;
  const end = (firstBlock[cluster + 1] ?? 0) * blockBytes;
  return decode(
    clusterAlgorithms[algorithm[cluster] ?? 0] ?? "stored",
    await content.data.read(start, end),
    decodedBytes[cluster] ?? 0,
  );
}

function decode(algorithm: (typeof clusterAlgorithms)[number], bytes: Uint8Array, size: number): Uint8Array {
  if (algorithm === "stored") return bytes.subarray(0, size);
  const output = new Uint8Array(size);
  const first = bytes.findIndex((byte) => byte !== 0);
  const done = decoder.decode(algorithm, bytes.subarray(first), output);
  if (done !== size) throw new Error(`${done} bytes came out instead of ${size}`);
  return output;
}

/** Reads a file back from its clusters and fragment. */
export async function readStored(
  content: CompressedContent,
  file: CompressedFile | FlatFile,
  size: number,
): Promise<Uint8Array> {
  if (file.kind === "flat") return content.data.read(file.firstBlock * blockBytes, file.firstBlock * blockBytes + size);
  const bytes = new Uint8Array(size);
  for (const [index, start] of file.starts.entries()) {
    const end = file.starts[index + 1] ?? file.extentsEnd;
    const cluster = file.clusters[index] ?? noCluster;
    const { inline } = file;
    const decoded =
      cluster === noCluster && inline
        ? decode(inline.algorithm, await content.inline.read(inline.offset, inline.offset + inline.size), end - start)
        : await decodeCluster(content, cluster);
    bytes.set(decoded.subarray(0, end - start), start);
  }
  const { packed } = content;
  if (file.fragmentOffset === undefined || packed === undefined) return bytes;
  const fragments = await readStored(content, packed.file, packed.size);
  const fragment = fragments.subarray(file.fragmentOffset, file.fragmentOffset + size - file.extentsEnd);
  bytes.set(fragment, file.extentsEnd);
  return bytes;
}

/** No two extents begin in the same block, none is empty, and each is in its cluster. */
export function checkExtents(content: CompressedContent, file: RegularFile): string[] {
  const stored = content.files.get(file);
  if (stored === undefined || stored.kind === "flat") return [];
  const problems: string[] = [];
  let before = -1;
  for (const [index, start] of stored.starts.entries()) {
    const end = stored.starts[index + 1] ?? stored.extentsEnd;
    const block = Math.floor(start / blockBytes);
    if (block <= before) problems.push(`extents ${index - 1} and ${index} begin in block ${block}`);
    if (end <= start) problems.push(`extent ${index} is empty`);
    const cluster = stored.clusters[index] ?? noCluster;
    if (cluster !== noCluster && end - start > (content.clusters.decodedBytes[cluster] ?? 0)) {
      problems.push(`extent ${index} is longer than its cluster`);
    }
    before = block;
  }
  return problems;
}
