import type { OpenOptions as ArchiveOptions } from "@sextant/archive";
import { type ByteSource, cached, type Hasher, portableHasher, withKnown } from "@sextant/bytes";
import {
  type ChooseOptions,
  chooseSets,
  type Ddi,
  defaultHeadBytes,
  looksLikeDdi,
  open as openDdi,
  openTrusted,
  type PartitionSet,
  TrustError,
} from "@sextant/ddi";
import { type ErofsImage, isErofs, open as openErofs } from "@sextant/erofs";
import type { Certificate } from "@sextant/signing";
import { directory, type LazyNode, lazyTree, type Name } from "@sextant/tree";
import { ImageError } from "./errors.js";
import { identify } from "./identify.js";
import { mountAt } from "./mount.js";
import { placedImage, placing } from "./place.js";

export interface ImageOptions extends ChooseOptions {
  /**
   * Who may have signed the image. With it everything is verified: the signature here, and every block of the file system
   * when it is read. Without it nothing is.
   */
  readonly certificates?: readonly Certificate[];
  /** The extra devices of a bare EROFS image, in the order of its device table. */
  readonly devices?: readonly ByteSource[];
  /** Default `portableHasher`. */
  readonly hasher?: Hasher;
  /** How compressed archives are unpacked. Default: in memory, up to 1 GiB. */
  readonly archive?: () => Promise<ArchiveOptions>;
}

/** Who vouches for a file system. */
export interface Verified {
  readonly rootHash: Uint8Array;
  readonly signer: Certificate;
}

/** A file system of an image, and where it would be mounted. */
export interface MountedFilesystem {
  readonly at: "/" | "/usr";
  readonly erofs: ErofsImage;
  /** The file system's bytes; verified where `verified` is there. */
  readonly source: ByteSource;
  /** The partitions it comes from; undefined for a bare file system. */
  readonly set: PartitionSet | undefined;
  readonly verified: Verified | undefined;
}

/** An image whose kind is known and whose metadata can be read. Dispose of it when its tree is no longer read. */
export interface OpenedImage extends AsyncDisposable {
  readonly layout: "ddi" | "filesystem" | "archive" | "directory";
  /** `erofs`; the kind of archive; `directory`. */
  readonly format: string;
  readonly sizeBytes: number;
  /** The partition table, for layout `ddi`. */
  readonly ddi: Ddi | undefined;
  /** In the order in which systemd mounts them. Empty for archives and directories. */
  readonly filesystems: readonly MountedFilesystem[];
  /** What vouches for all of the tree; undefined where nobody checked. */
  readonly verified: readonly Verified[] | undefined;
  /** The tree as systemd would mount it. */
  root(): Promise<LazyNode>;
}

/** Metadata of a DDI's first blocks comes along with its table: `match` needs one request more at most. */
const headCache = { pageBytes: 4096, pages: 512 };

/**
 * Opens whatever a source holds: a disk image with root or /usr partitions, a bare EROFS, a tar (gzip, xz or zstd), .deb
 * or cpio archive. Opening costs one request of 32 KiB for disk images (their first blocks included) and bare file systems;
 * archives are read whole.
 *
 * Throws `ImageError` for what is none of these, `TrustError` where `certificates` are given and do not vouch for the image,
 * and what the formats throw.
 */
export async function openImage(source: ByteSource, options: ImageOptions = {}): Promise<OpenedImage> {
  const head = await source.read(0, Math.min(source.size, defaultHeadBytes));
  if (looksLikeDdi(head)) return openDisk(withKnown(source, 0, head), options);
  if (isErofs(head)) return openBare(withKnown(source, 0, head), options);
  const filesystem = identify(head);
  if (filesystem !== undefined) {
    throw new ImageError("UNSUPPORTED_FILESYSTEM", `this is a ${filesystem} file system, which cannot be read yet`, {
      source: source.name,
    });
  }
  refuseUnsigned(source, options);
  // Loaded here, as most images are none and those who match many should not wait for it.
  const { openArchive } = await import("@sextant/archive");
  const archive = await openArchive(withKnown(source, 0, head), await options.archive?.());
  return {
    layout: "archive",
    format: archive.format,
    sizeBytes: source.size,
    ddi: undefined,
    filesystems: [],
    verified: undefined,
    root: async () => lazyTree(archive.tree),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

function refuseUnsigned(source: ByteSource, { certificates }: ImageOptions): void {
  if (certificates === undefined) return;
  const message = "there is no signature to check with the certificate: this is no disk image with verity";
  throw new TrustError("UNTRUSTED_UNSIGNED", message, { source: source.name });
}

async function openBare(source: ByteSource, options: ImageOptions): Promise<OpenedImage> {
  refuseUnsigned(source, options);
  const erofs = await openErofs(source, options.devices ? { devices: options.devices } : {});
  const filesystem: MountedFilesystem = { at: "/", erofs, source, set: undefined, verified: undefined };
  return {
    layout: "filesystem",
    format: "erofs",
    sizeBytes: source.size,
    ddi: undefined,
    filesystems: [filesystem],
    verified: undefined,
    root: () => erofs.root(),
    async [Symbol.asyncDispose]() {},
  };
}

async function openDisk(source: ByteSource, options: ImageOptions): Promise<OpenedImage> {
  const ddi = await openDdi(source);
  const sets = chooseSets(ddi, options);
  if (sets.length === 0) {
    const found = ddi.partitions.map(({ designator, type }) => designator ?? type).join(", ") || "none";
    throw new ImageError("MALFORMED_LAYOUT", `there is no root or usr partition; found: ${found}`, {
      source: source.name,
    });
  }
  const filesystems: MountedFilesystem[] = [];
  for (const set of sets) filesystems.push(await openSet(set, options));
  const verified = filesystems.flatMap((one) => (one.verified ? [one.verified] : []));
  return {
    layout: "ddi",
    format: "erofs",
    sizeBytes: source.size,
    ddi,
    filesystems,
    verified: verified.length === filesystems.length ? verified : undefined,
    root: () => mountedRoot(filesystems),
    async [Symbol.asyncDispose]() {},
  };
}

async function openSet(set: PartitionSet, options: ImageOptions): Promise<MountedFilesystem> {
  const { certificates, hasher = portableHasher } = options;
  const place = placing(set);
  const trust = certificates && (await place(() => openTrusted(set, certificates, { hasher })));
  const source = trust ? cached(trust.source, headCache) : set.data.source;
  const head = await place(() => source.read(0, Math.min(source.size, 4096)));
  if (!isErofs(head)) {
    const filesystem = identify(head);
    const what = filesystem ? `a ${filesystem} file system, which cannot be read yet` : "no file system that is known";
    throw new ImageError("UNSUPPORTED_FILESYSTEM", `the ${set.data.designator ?? set.role} partition holds ${what}`, {
      offset: set.data.start,
      source: source.name,
    });
  }
  const erofs = placedImage(await place(() => openErofs(source)), place);
  return {
    at: set.role === "usr" ? "/usr" : "/",
    erofs,
    source,
    set,
    verified: trust && { rootHash: trust.rootHash, signer: trust.signer },
  };
}

async function mountedRoot(filesystems: readonly MountedFilesystem[]): Promise<LazyNode> {
  const root = filesystems.find(({ at }) => at === "/");
  const usr = filesystems.find(({ at }) => at === "/usr");
  const base = root ? await root.erofs.root() : lazyTree(directory());
  return usr ? mountAt(base, "usr" as Name, await usr.erofs.root()) : base;
}
