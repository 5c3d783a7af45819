// How systemd-repart derives identifiers from a seed (`repart.c`: derive_uuid, derive_salt, partition_acquire_uuid).
import { concatBytes, type Hasher, portableHasher } from "@sextant/bytes";
import { formatGuid, type Guid, guidBytes, parseGuid } from "./guid.js";

/** Bytes of a seed; in systemd it is written as a UUID. */
export const seedBytes = 16;
/** Block length of SHA-256, for HMAC. */
const hmacBlockBytes = 64;

/** HMAC-SHA256 (RFC 2104) for keys of at most one block, which seeds and UUIDs are. */
function hmac(key: Uint8Array, message: Uint8Array, hasher: Hasher): Uint8Array {
  const pad = (byte: number) => Uint8Array.from({ length: hmacBlockBytes }, (_, i) => (key[i] ?? 0) ^ byte);
  const inner = hasher.hash("sha256", concatBytes([pad(0x36), message]));
  return hasher.hash("sha256", concatBytes([pad(0x5c), inner]));
}

/** The first 16 bytes as a random UUID: version 4, variant 1 (RFC 9562 section 5.4). */
function randomUuid(bytes: Uint8Array): Uint8Array {
  const uuid = bytes.slice(0, guidBytes);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

const text = (words: string) => new TextEncoder().encode(words);

/** Everything that one seed decides, lazily. */
export interface SeedDerivations {
  diskGuid(): Guid;
  /** UUID of a partition that does not get its UUID from a root hash. `instance` counts partitions of the same type. */
  partitionUuid(type: Guid, instance?: number): Guid;
  /** What systemd-repart hands to `mkfs.erofs -U` for the filesystem in a partition of that type. */
  filesystemUuid(type: Guid): Guid;
  /** 32 bytes. */
  veritySalt(): Uint8Array;
  /** 16 bytes in the order of the text. */
  verityUuid(): Uint8Array;
}

/** The derivations of a seed of 16 bytes. Throws `RangeError` for any other length. */
export function fromSeed(seed: Uint8Array, hasher: Hasher = portableHasher): SeedDerivations {
  if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, not ${seed.length}`);
  const derive = (message: Uint8Array) => hmac(seed, message, hasher);
  const partitionUuid = (type: Guid, instance = 0) => {
    const count = new Uint8Array(8);
    new DataView(count.buffer).setBigUint64(0, BigInt(instance), true);
    const message = concatBytes(instance === 0 ? [parseGuid(type)] : [parseGuid(type), count]);
    return formatGuid(randomUuid(derive(message)));
  };
  return {
    diskGuid: () => formatGuid(randomUuid(derive(text("disk-uuid")))),
    partitionUuid,
    filesystemUuid: (type) =>
      formatGuid(randomUuid(hmac(parseGuid(partitionUuid(type)), text("file-system-uuid"), hasher))),
    veritySalt: () => derive(text("verity-salt")),
    verityUuid: () => randomUuid(derive(text("verity-uuid"))),
  };
}
