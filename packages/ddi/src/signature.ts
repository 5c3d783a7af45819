// The signature partition (systemd: `repart.c`, partition_format_verity_sig; `dissect-image.c`, acquire_sig_for_roothash).
import { type ByteSource, fromHex, toHex } from "@sextant/bytes";
import { fromBase64, parseCertificate, type Signer, SigningError, signDetached, toBase64 } from "@sextant/signing";
import { DdiError, type DdiErrorCode } from "./errors.js";
import { maxSignaturePartitionBytes, signaturePartitionBytes } from "./layout.js";

/** systemd takes no root hash shorter than a UUID. */
const minRootHashBytes = 16;

/** A root hash and the signature over it. */
export interface RootHashSignature {
  readonly rootHash: Uint8Array;
  /** Lower-case hexadecimal SHA-256 of the signer's certificate. systemd writes it and never reads it. */
  readonly certificateFingerprint?: string | undefined;
  /** The detached CMS message, DER. */
  readonly signature: Uint8Array;
}

/** What is signed: the root hash as lower-case hexadecimal digits, without a line end. */
export function signedContent(rootHash: Uint8Array): Uint8Array {
  return new TextEncoder().encode(toHex(rootHash));
}

/** Signs a root hash. Throws what `signDetached` throws. */
export async function signRootHash(signer: Signer, rootHash: Uint8Array): Promise<RootHashSignature> {
  const signature = await signDetached(signer, signedContent(rootHash));
  return { rootHash, certificateFingerprint: parseCertificate(signer.certificate).fingerprint, signature };
}

/**
 * The text that a signature partition of `partitionBytes` (default 16384) begins with; NUL fills up the rest. Throws
 * `DdiError` `LIMIT_SIGNATURE` where it does not fit with one NUL at least.
 */
export function encodeSignature(signed: RootHashSignature, partitionBytes = signaturePartitionBytes): Uint8Array {
  const { rootHash, certificateFingerprint, signature } = signed;
  const members = { rootHash: toHex(rootHash), certificateFingerprint, signature: toBase64(signature) };
  const text = new TextEncoder().encode(JSON.stringify(members));
  if (text.length >= partitionBytes) {
    const message = `the signature takes ${text.length} bytes, its partition has ${partitionBytes}`;
    throw new DdiError("LIMIT_SIGNATURE", message, { path: "signature" });
  }
  return text;
}

/**
 * Reads what a signature partition holds. `base` is its absolute offset and `name` the image's, for errors. Throws
 * `DdiError` `MALFORMED_SIGNATURE_PARTITION` for what systemd would refuse, and for members that stand twice.
 */
export function decodeSignature(bytes: Uint8Array, base = 0, name?: string): RootHashSignature {
  const wrong = (message: string, path = "signature", offset = base, cause?: unknown) => {
    const options = cause === undefined ? {} : { cause };
    return new DdiError("MALFORMED_SIGNATURE_PARTITION", message, { path, offset, source: name }, options);
  };
  const nul = bytes.indexOf(0);
  const end = nul < 0 ? bytes.length : nul;
  const after = bytes.subarray(end).findIndex((byte) => byte !== 0);
  if (after >= 0) throw wrong("bytes follow the NUL that ends the signature", "signature", base + end + after);
  const members = parseMembers(bytes.subarray(0, end), wrong);
  const { rootHash, signature, certificateFingerprint } = members;
  if (typeof rootHash !== "string" || !/^(?:[0-9a-f]{2})+$/i.test(rootHash)) {
    throw wrong("there is no hexadecimal rootHash", "signature.rootHash");
  }
  if (rootHash.length < 2 * minRootHashBytes) {
    throw wrong(
      `the rootHash has ${rootHash.length / 2} bytes, at least ${minRootHashBytes} are needed`,
      "signature.rootHash",
    );
  }
  if (typeof signature !== "string") throw wrong("there is no signature", "signature.signature");
  let message: Uint8Array;
  try {
    message = fromBase64(signature, "signature.signature");
  } catch (cause) {
    if (cause instanceof SigningError) throw wrong(cause.message, "signature.signature", base, cause);
    throw cause;
  }
  if (message.length === 0) throw wrong("the signature is empty", "signature.signature");
  return {
    rootHash: fromHex(rootHash),
    certificateFingerprint: typeof certificateFingerprint === "string" ? certificateFingerprint : undefined,
    signature: message,
  };
}

type Wrong = (message: string, path?: string, offset?: number, cause?: unknown) => DdiError;

function parseMembers(bytes: Uint8Array, wrong: Wrong): Readonly<Record<string, unknown>> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw wrong("it is not JSON", "signature", undefined, cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw wrong("it is not a JSON object");
  // Parsers differ in which of two equal keys they take, and keys can be spelt with escapes.
  if (/\\u/i.test(text)) throw wrong("it uses escaped characters");
  for (const key of ["rootHash", "signature"]) {
    if ((text.match(new RegExp(`"${key}"\\s*:`, "g")) ?? []).length > 1)
      throw wrong(`${key} stands twice`, `signature.${key}`);
  }
  return parsed as Record<string, unknown>;
}

/**
 * Reads a signature partition: one request of its size, at most 4 MiB. Throws `DdiError`, `LIMIT_SIGNATURE_PARTITION` for
 * larger ones.
 */
export async function readSignature(partition: {
  readonly source: ByteSource;
  readonly start: number;
}): Promise<RootHashSignature> {
  const { source, start } = partition;
  if (source.size > maxSignaturePartitionBytes) {
    const code: DdiErrorCode = "LIMIT_SIGNATURE_PARTITION";
    const message = `the signature partition has ${source.size} bytes, more than ${maxSignaturePartitionBytes}`;
    throw new DdiError(code, message, { path: "signature", offset: start, source: source.name });
  }
  return decodeSignature(await source.read(0, source.size), start, source.name);
}
