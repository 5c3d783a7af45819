// From a set of partitions to a filesystem that a listed certificate vouches for.
import { type ByteSource, CodedError, concatBytes, type ErrorContext, type Hasher } from "@sextant/bytes";
import { type Certificate, verifyDetached } from "@sextant/signing";
import { openHashArea, verifiedSource } from "@sextant/verity";
import { DdiError } from "./errors.js";
import { type Guid, parseGuid } from "./guid.js";
import { rootHashUuid } from "./plan.js";
import type { Partition } from "./read.js";
import type { PartitionSet } from "./sets.js";
import { type RootHashSignature, readSignature, signedContent } from "./signature.js";

/** Why an image is not trusted. */
export type TrustErrorCode =
  /** There are no verity hashes, or no signature. */
  | "UNTRUSTED_UNSIGNED"
  /** No listed certificate made the signature, or it is over something else. */
  | "UNTRUSTED_SIGNATURE";

/** An image that is as it should be, and that nobody on the list vouches for. */
export class TrustError extends CodedError<TrustErrorCode> {}

/** A filesystem every byte of which was checked when it is read. */
export interface TrustedFilesystem {
  /** What verity covers of the data partition. Reads throw `VerityError` where a block is not what was signed. */
  readonly source: ByteSource;
  readonly rootHash: Uint8Array;
  /** Whose signature it is. */
  readonly signer: Certificate;
}

export interface TrustOptions {
  /** Default `portableHasher`. */
  readonly hasher?: Hasher;
}

/**
 * Verifies the signature of a set and gives its filesystem as a source that verifies each block as it is read, against a
 * listed certificate. Costs one request of the signature partition's size and one of 512 bytes; reading costs the blocks of
 * the tree above what is read.
 *
 * Throws `TrustError` where nobody on the list vouches for the set, `DdiError`, `SigningError` or `VerityError` where it is
 * malformed or contradicts itself.
 */
export async function openTrusted(
  set: PartitionSet,
  certificates: readonly Certificate[],
  options: TrustOptions = {},
): Promise<TrustedFilesystem> {
  const { data, verity, signature } = set;
  const context = (partition: Partition): ErrorContext => ({
    path: `partitions[${partition.index}]`,
    offset: partition.start,
    source: partition.source.name,
  });
  if (!verity || !signature) {
    const missing = verity ? "the root hash is not signed" : `nothing vouches for the ${data.designator} partition`;
    throw new TrustError("UNTRUSTED_UNSIGNED", missing, context(data));
  }
  const signed = await readSignature(signature);
  const { rootHash } = signed;
  const [wrong] = misnamed(data, verity, rootHash);
  if (wrong) throw new DdiError("MISMATCH_ROOT_HASH", wrong.message, context(wrong.partition));
  const verdict = await verifyDetached(signed.signature, signedContent(rootHash), certificates);
  if (!verdict.valid) throw new TrustError("UNTRUSTED_SIGNATURE", verdict.message, context(signature));
  const area = await openHashArea(verity.source);
  return { source: verifiedSource(data.source, area, rootHash, options), rootHash, signer: verdict.certificate };
}

/** The root hash of a set: the signed one, else the one that its partitions are named after. */
export function rootHashOf(data: Partition, verity: Partition, signed: RootHashSignature | undefined): Uint8Array {
  return signed?.rootHash ?? concatBytes([parseGuid(data.uuid), parseGuid(verity.uuid)]);
}

/** Those of the two partitions that are not named after the root hash: systemd would pass them over. */
export function misnamed(
  data: Partition,
  verity: Partition,
  rootHash: Uint8Array,
): readonly { readonly partition: Partition; readonly message: string }[] {
  const expected: readonly (readonly [Partition, Guid])[] = [
    [data, rootHashUuid(rootHash, "data")],
    [verity, rootHashUuid(rootHash, "verity")],
  ];
  return expected.flatMap(([partition, uuid]) => {
    const message = `the ${partition.designator} partition is ${partition.uuid}, the signed root hash makes it ${uuid}`;
    return partition.uuid === uuid ? [] : [{ partition, message }];
  });
}
