import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type ByteSource, type Chunk, checkRange, collectChunks, fromBytes, zeros } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import {
  type PlanOptions as DdiOptions,
  emit as emitDdi,
  encodeTables,
  formatGuid,
  type Guid,
  layoutDdi,
  open as openDdi,
  plan as planDdi,
} from "@sextant/ddi";
import { type PlanOptions as ErofsOptions, emit as emitErofs, plan as planErofs } from "@sextant/erofs";
import { pemSigner, readCertificates, type Signer } from "@sextant/signing";
import { repositoryPath } from "@sextant/testkit";
import {
  type Directory,
  directory,
  file,
  nameFromText,
  symlink,
  type TreeNode,
  treeBuilder,
  whiteout,
} from "@sextant/tree";

/** What stands at a path: a file's text, or more than that. */
export type Content =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly directory: true }
  | { readonly whiteout: true }
  /** A file with the attribute `user.extension-release.strict`. */
  | { readonly text: string | Uint8Array; readonly strict: string | null }
  /** A file of so many zeros, which takes no memory. */
  | { readonly zeros: number };

export type Files = Readonly<Record<string, Content>>;

export const utf8 = (text: string) => new TextEncoder().encode(text);

function nodeOf(content: Content): TreeNode {
  if (typeof content === "string") return file(utf8(content));
  if (content instanceof Uint8Array) return file(content);
  if ("link" in content) return symlink(nameFromText(content.link));
  if ("directory" in content) return directory();
  if ("whiteout" in content) return whiteout();
  if ("zeros" in content) return file({ size: content.zeros, open: () => zeros(content.zeros) });
  const bytes = typeof content.text === "string" ? utf8(content.text) : content.text;
  if (content.strict === null) return file(bytes);
  return file(bytes, {
    xattrs: [{ name: nameFromText("user.extension-release.strict"), value: utf8(content.strict) }],
  });
}

/** A tree with these files and the directories on the way to them. */
export function treeOf(files: Files): Directory {
  const builder = treeBuilder();
  for (const [path, content] of Object.entries(files)) builder.put(nameFromText(path), nodeOf(content));
  return builder.build();
}

export const sysextPath = "usr/lib/extension-release.d/extension-release.";
export const confextPath = "etc/extension-release.d/extension-release.";
export const debian13 = "ID=debian\nVERSION_ID=13\n";

/** The files of a small extension that fits Debian 13. */
export const smallFiles = { [`${sysextPath}foo`]: debian13, "usr/bin/foo": "#!/bin/sh\necho foo\n" };
export const smallTree = treeOf(smallFiles);

/** A bare EROFS image in memory. */
export async function packErofs(tree: Directory, options: ErofsOptions = {}): Promise<Uint8Array> {
  const planned = planErofs(tree, options);
  return collectChunks(emitErofs(planned, { hasher: nodeHasher }), planned.sizeBytes);
}

export const seed = Uint8Array.from({ length: 16 }, (_, index) => index);

export const recordedFile = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(repositoryPath, "test-images", "ddi", name)));
/** An image that systemd-repart made. */
export const recordedImage = (name: string): Uint8Array => new Uint8Array(gunzipSync(recordedFile(`${name}.raw.gz`)));

export const recordedCertificates = readCertificates(recordedFile("cert.pem"));
export const recordedSigner = (): Promise<Signer> =>
  pemSigner({ key: recordedFile("throwaway-key.pem"), certificate: recordedFile("cert.pem") });

/** The plan of a signed disk image around a file system, unless the options say otherwise. */
async function planDisk(filesystem: ByteSource, options: Partial<DdiOptions>) {
  const { verity = "signed" } = options;
  const signer = verity === "signed" ? { signer: await recordedSigner() } : {};
  return planDdi(filesystem, { seed, architecture: "x86-64", hasher: nodeHasher, verity, ...signer, ...options });
}

/** A disk image in memory. */
export async function packDisk(tree: Directory, options: Partial<DdiOptions> = {}): Promise<Uint8Array> {
  const planned = await planDisk(fromBytes(await packErofs(tree)), options);
  return collectChunks(emitDdi(planned), planned.layout.sizeBytes);
}

/** A partition of a disk image that is put together by hand. */
export interface HandMade {
  readonly type: Guid;
  readonly content: Uint8Array;
  readonly uuid?: Guid;
  readonly label?: string;
  readonly attributes?: bigint;
}

/** A disk image with any partitions in it. */
export function diskOf(made: readonly HandMade[]): Uint8Array {
  const { diskGuid } = layoutDdi(4096, { seed, architecture: "x86-64", verity: "none" });
  let end = 20480;
  const partitions = made.map(({ type, content, uuid, label = "", attributes = 0n }, index) => {
    const start = end;
    end += Math.ceil(content.length / 4096) * 4096;
    return { type, uuid: uuid ?? numberedGuid(index), label, attributes, start, size: end - start };
  });
  const image = new Uint8Array(end + 33 * 512);
  const layout = {
    sectorBytes: 512,
    sizeBytes: image.length,
    diskGuid,
    firstUsableLba: 34,
    lastUsableLba: end / 512 - 1,
  };
  const { primary, backup } = encodeTables({ layout, partitions });
  image.set(primary);
  for (const [index, { content }] of made.entries()) image.set(content, partitions[index]?.start);
  image.set(backup, image.length - backup.length);
  return image;
}

export const numberedGuid = (number: number): Guid =>
  formatGuid(Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? number : 0x11)));

/** The partitions of an image in the form that `diskOf` takes, to change something about them. */
export async function partitionsOf(image: Uint8Array): Promise<HandMade[]> {
  const { partitions } = await openDdi(fromBytes(image));
  const made: HandMade[] = [];
  for (const { type, uuid, label, attributes, source } of partitions) {
    made.push({ type, uuid, label, attributes, content: await source.read(0, source.size) });
  }
  return made;
}

/** A copy with one bit flipped. */
export function flipBit(image: Uint8Array, byte: number, bit = 0): Uint8Array {
  const copy = image.slice();
  copy[byte] = (copy[byte] ?? 0) ^ (1 << bit);
  return copy;
}

const zeroBlock = Buffer.alloc(1 << 20);
const isZero = (bytes: Uint8Array) =>
  bytes.length <= zeroBlock.length && zeroBlock.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

/** Bytes that were written in chunks; those that are zeros take no memory. */
export async function sparseSource(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  size: number,
  name: string,
): Promise<ByteSource> {
  const kept: Chunk[] = [];
  for await (const { offset, bytes } of chunks) if (!isZero(bytes)) kept.push({ offset, bytes: bytes.slice() });
  const whole: ByteSource = {
    size,
    name,
    async read(start, end) {
      checkRange(whole, start, end);
      const out = new Uint8Array(end - start);
      for (const { offset, bytes } of kept) {
        const from = Math.max(start, offset);
        const to = Math.min(end, offset + bytes.length);
        if (from < to) out.set(bytes.subarray(from - offset, to - offset), from - start);
      }
      return out;
    },
  };
  return whole;
}

/** A disk image whose zeros take no memory, for large files of zeros. */
export async function sparseDisk(tree: Directory, options: Partial<DdiOptions> = {}): Promise<ByteSource> {
  const planned = planErofs(tree);
  const emitted = emitErofs(planned, { hasher: nodeHasher });
  const filesystem = await sparseSource(emitted, planned.sizeBytes, "filesystem");
  const disk = await planDisk(filesystem, options);
  return sparseSource(emitDdi(disk), disk.layout.sizeBytes, "large.raw");
}

/** What was thrown, as `CLASS CODE`. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string };
    return `${name} ${code}`;
  }
  return "nothing";
}
