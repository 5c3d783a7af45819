// Where everything goes and what it is called; nothing here reads a byte of a filesystem but `plan`, which hashes it.
import { type ByteSource, concatenated, type Hasher, portableHasher, zeros } from "@sextant/bytes";
import type { Signer } from "@sextant/signing";
import { buildVerity, hashAreaBytes, type VerityParams, type VerityTree, verityParams } from "@sextant/verity";
import { formatGuid, type Guid, guidBytes } from "./guid.js";
import {
  attributeBit,
  gptEntry,
  grainBytes,
  labelUnits,
  signaturePartitionBytes,
  standardEntryCount,
} from "./layout.js";
import {
  type PartitionArchitecture,
  type PartitionKind,
  type PartitionRole,
  partitionKinds,
  partitionType,
} from "./partition-types.js";
import { fromSeed } from "./seed.js";
import { encodeSignature, type RootHashSignature, signRootHash } from "./signature.js";

/** dm-verity's blocks for data and hashes, as systemd-repart has them by default. */
const defaultVerityBlockBytes = 4096;

/**
 * What vouches for the filesystem: nothing; hashes; hashes and a signature; or hashes and room for a signature that is made
 * elsewhere (`systemd-repart --defer-partitions`), whose partition is not listed yet.
 */
export type VerityMode = "none" | "unsigned" | "signed" | "deferred";

/** What decides the shape of an image. */
export interface LayoutOptions {
  /** 16 bytes that decide every identifier and the salt; the same as systemd-repart's `--seed`. */
  readonly seed: Uint8Array;
  readonly architecture: PartitionArchitecture;
  /** Default `root`: extensions are root partitions, whichever hierarchies they hold. */
  readonly role?: PartitionRole;
  /** Default 512. */
  readonly sectorBytes?: 512 | 4096;
  readonly verity: VerityMode;
  /**
   * Block size of verity for data and hashes: a power of two, 512…65536. Default 4096. systemd-repart takes the sector size
   * where that is asked for by name, so 512 for `--sector-size=512`.
   */
  readonly verityBlockBytes?: number;
  /** Bytes of each partition, multiples of 4096. Default: the least that fits; 16384 for the signature. */
  readonly partitionBytes?: Readonly<Partial<Record<PartitionKind, number>>>;
  /** Default the designators. At most 36 UTF-16 units. */
  readonly labels?: Readonly<Partial<Record<PartitionKind, string>>>;
  /** UUID of the signature partition. Default from the seed. */
  readonly signatureUuid?: Guid;
  /** For the derivations from the seed. Default `portableHasher`. */
  readonly hasher?: Hasher;
}

/** A place in the image for one kind of content. */
export interface Slot {
  readonly kind: PartitionKind;
  readonly type: Guid;
  readonly label: string;
  /** First byte in the image. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  /** From the seed. The data and verity partitions of an image with verity get theirs from the root hash. */
  readonly seedUuid: Guid;
}

/** What both headers of an image say besides its partitions. */
export interface TableLayout {
  readonly sectorBytes: number;
  /** Of the whole image. */
  readonly sizeBytes: number;
  readonly diskGuid: Guid;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
}

/** The shape of an image, which the sizes and the seed decide before anything is hashed. */
export interface DdiLayout extends TableLayout {
  readonly mode: VerityMode;
  readonly filesystemBytes: number;
  /** In the order of the image. */
  readonly slots: readonly Slot[];
  /** How to hash the filesystem, filled up with zeros to whole blocks. */
  readonly verity: { readonly params: VerityParams; readonly uuid: Uint8Array } | undefined;
}

/**
 * Lays out an image as systemd-repart would: partitions in order and without gaps from the first multiple of 4096 behind
 * the table on. Throws `RangeError` for options that do not fit.
 */
export function layoutDdi(filesystemBytes: number, options: LayoutOptions): DdiLayout {
  const { seed, architecture, role = "root", sectorBytes = 512, verity: mode } = options;
  if (!Number.isSafeInteger(filesystemBytes) || filesystemBytes <= 0) {
    throw new RangeError(`a filesystem of ${filesystemBytes} bytes`);
  }
  const derived = fromSeed(seed, options.hasher);
  const params =
    mode === "none" ? undefined : paramsFor(filesystemBytes, derived.veritySalt(), options.verityBlockBytes);
  const least: Record<PartitionKind, number> = {
    data: roundUp(filesystemBytes, Math.max(grainBytes, params?.dataBlockBytes ?? 0)),
    verity: params ? roundUp(hashAreaBytes(params), grainBytes) : 0,
    "verity-sig": signaturePartitionBytes,
  };
  const tableSectors = Math.ceil((standardEntryCount * gptEntry.size) / sectorBytes);
  const firstUsableLba = 2 + tableSectors;
  let at = roundUp(firstUsableLba * sectorBytes, grainBytes);
  const slots = kindsOf(mode).map((kind): Slot => {
    const { guid, designator } = partitionType(role, architecture, kind);
    const size = partitionSize(kind, least[kind], options.partitionBytes?.[kind]);
    const start = at;
    at += size;
    const label = options.labels?.[kind] ?? designator;
    if (label.length > labelUnits)
      throw new RangeError(`the label ${JSON.stringify(label)} is longer than ${labelUnits}`);
    const chosen = kind === "verity-sig" ? options.signatureUuid : undefined;
    return { kind, type: guid, label, start, size, seedUuid: chosen ?? derived.partitionUuid(guid) };
  });
  const sizeBytes = at + (tableSectors + 1) * sectorBytes;
  if (!Number.isSafeInteger(sizeBytes)) throw new RangeError(`an image of ${sizeBytes} bytes`);
  return {
    sectorBytes,
    sizeBytes,
    diskGuid: derived.diskGuid(),
    mode,
    filesystemBytes,
    slots,
    firstUsableLba,
    lastUsableLba: at / sectorBytes - 1,
    verity: params && { params, uuid: derived.verityUuid() },
  };
}

function paramsFor(filesystemBytes: number, salt: Uint8Array, blockBytes = defaultVerityBlockBytes): VerityParams {
  const dataBlocks = Math.ceil(filesystemBytes / blockBytes);
  const sizes = { dataBlockBytes: blockBytes, hashBlockBytes: blockBytes };
  return verityParams(dataBlocks * blockBytes, { salt, dataBlocks, ...sizes });
}

const roundUp = (bytes: number, unit: number) => Math.ceil(bytes / unit) * unit;

function kindsOf(mode: VerityMode): readonly PartitionKind[] {
  if (mode === "none") return ["data"];
  return mode === "unsigned" ? ["data", "verity"] : partitionKinds;
}

function partitionSize(kind: PartitionKind, least: number, wanted: number | undefined): number {
  const size = wanted ?? least;
  if (!Number.isSafeInteger(size) || size % grainBytes !== 0 || size <= 0) {
    throw new RangeError(`a ${kind} partition of ${size} bytes is not a multiple of ${grainBytes}`);
  }
  // The signature's size is known only when it is there: encodeSignature sees to it.
  if (size < least && kind !== "verity-sig") {
    throw new RangeError(`a ${kind} partition of ${size} bytes is too small, ${least} are needed`);
  }
  return size;
}

/** A partition as it will be written. */
export interface PlannedPartition {
  readonly kind: PartitionKind;
  readonly type: Guid;
  readonly uuid: Guid;
  readonly label: string;
  readonly attributes: bigint;
  readonly start: number;
  readonly size: number;
}

/** What fills the partitions. */
export interface DdiContent {
  /** Undefined where somebody else writes the filesystem into the image. */
  readonly filesystem?: ByteSource | undefined;
  /** Needed but for mode `none`: the tree over the filesystem with the layout's `verity.params`. */
  readonly tree?: VerityTree | undefined;
  /** Needed for mode `signed` only. */
  readonly signature?: RootHashSignature | undefined;
}

/** Everything about an image that is going to be written. */
export interface DdiPlan {
  readonly layout: DdiLayout;
  /** Those that the table lists, in order. */
  readonly partitions: readonly PlannedPartition[];
  readonly content: DdiContent;
  readonly rootHash: Uint8Array | undefined;
}

/**
 * Names the partitions of a layout by their content: data and verity partition get their UUIDs from the root hash. Throws
 * `RangeError` where the content is not what the layout is for, `DdiError` `LIMIT_SIGNATURE` for a signature that does not fit.
 */
export function planDdi(layout: DdiLayout, content: DdiContent): DdiPlan {
  const { mode } = layout;
  const { filesystem, tree, signature } = content;
  if (filesystem && filesystem.size !== layout.filesystemBytes) {
    throw new RangeError(`the filesystem has ${filesystem.size} bytes, the layout is for ${layout.filesystemBytes}`);
  }
  if ((tree !== undefined) !== (mode !== "none")) throw new RangeError(`a verity tree does not go with mode ${mode}`);
  if ((signature !== undefined) !== (mode === "signed"))
    throw new RangeError(`a signature does not go with mode ${mode}`);
  if (tree && layout.verity) checkTree(tree, layout.verity.params);
  if (tree && signature) checkSignature(layout, tree, signature);
  const partitions = layout.slots
    .filter(({ kind }) => kind !== "verity-sig" || mode === "signed")
    .map(({ kind, type, label, start, size, seedUuid }): PlannedPartition => {
      const uuid = tree && kind !== "verity-sig" ? rootHashUuid(tree.rootHash, kind) : seedUuid;
      return { kind, type, uuid, label, attributes: attributeBit.readOnly, start, size };
    });
  return { layout, partitions, content, rootHash: tree?.rootHash };
}

/**
 * The plan of a deferred image with the signature that was made elsewhere. The image changes in its tables and its
 * signature partition alone, and has the very bytes of one that was signed at once. `uuid` is for the new partition;
 * systemd-repart takes a random one when it joins. Throws what `planDdi` throws.
 */
export function attachSignature(deferred: DdiPlan, signature: RootHashSignature, uuid?: Guid): DdiPlan {
  const slots = deferred.layout.slots.map((slot) =>
    slot.kind === "verity-sig" && uuid !== undefined ? { ...slot, seedUuid: uuid } : slot,
  );
  return planDdi({ ...deferred.layout, slots, mode: "signed" }, { ...deferred.content, signature });
}

/** The UUID of a data or verity partition: the first or the last 16 bytes of the root hash, in the order of the text. */
export function rootHashUuid(rootHash: Uint8Array, kind: "data" | "verity"): Guid {
  return formatGuid(kind === "data" ? rootHash.subarray(0, guidBytes) : rootHash.subarray(-guidBytes));
}

function checkTree(tree: VerityTree, wanted: VerityParams): void {
  const facts = ({ algorithm, hashType, dataBlockBytes, hashBlockBytes, dataBlocks, salt }: VerityParams) =>
    [algorithm, hashType, dataBlockBytes, hashBlockBytes, dataBlocks, ...salt].join();
  if (facts(tree.params) !== facts(wanted))
    throw new RangeError("the verity tree has other parameters than the layout");
}

function checkSignature(layout: DdiLayout, tree: VerityTree, signature: RootHashSignature): void {
  const slot = layout.slots.find(({ kind }) => kind === "verity-sig");
  if (signature.rootHash.join() !== tree.rootHash.join())
    throw new RangeError("the signature is over another root hash");
  encodeSignature(signature, slot?.size);
}

/** What decides an image, besides its filesystem. */
export interface PlanOptions extends LayoutOptions {
  /** Needed for mode `signed`, refused otherwise. */
  readonly signer?: Signer;
  /**
   * How to hash the filesystem. Default `buildVerity` with `hasher`; for files `hashFile` of `@sextant/verity/node` uses
   * several threads.
   */
  readonly hashTree?: (data: ByteSource, params: VerityParams) => Promise<VerityTree>;
}

/**
 * Lays out, hashes and signs: everything between a filesystem and an image that `emit` can write. The filesystem is read
 * once here (unless the mode is `none`), and once more by `emit`. With an RSA signer the same arguments give the same bytes.
 *
 * Throws `RangeError` for options that do not fit, and what the signer throws.
 */
export async function plan(filesystem: ByteSource, options: PlanOptions): Promise<DdiPlan> {
  const layout = layoutDdi(filesystem.size, options);
  const { signer, hasher = portableHasher } = options;
  if ((signer !== undefined) !== (layout.mode === "signed")) {
    throw new RangeError(`${signer ? "a" : "no"} signer for mode ${layout.mode}`);
  }
  if (!layout.verity) return planDdi(layout, { filesystem });
  const { hashTree = (data, params) => buildVerity(data, { ...params, hasher }) } = options;
  const { params } = layout.verity;
  const tree = await hashTree(wholeBlocks(filesystem, params), params);
  const signature = signer && (await signRootHash(signer, tree.rootHash));
  return planDdi(layout, { filesystem, tree, signature });
}

/** A filesystem filled up with zeros to whole verity blocks, as it will lie in its partition. */
function wholeBlocks(filesystem: ByteSource, { dataBlocks, dataBlockBytes }: VerityParams): ByteSource {
  const missing = dataBlocks * dataBlockBytes - filesystem.size;
  return missing === 0 ? filesystem : concatenated([filesystem, zeros(missing)], filesystem.name);
}
