// The one place that talks to WebCrypto, which Node 20 and browsers share.
import { type Curve, curveBytes, type DigestAlgorithm, type KeyKind, type SignatureAlgorithm } from "./algorithms.js";
import { derChildren, derTag, readDer, unsignedBytes } from "./der.js";
import * as der from "./der-write.js";
import { SigningError } from "./errors.js";
import { type PrivateKey, withKeyErrors } from "./keys.js";

const { subtle } = globalThis.crypto;

const digestNames = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" } as const;

/** WebCrypto wants memory that is not shared, which a `Uint8Array` in general cannot promise. */
const own = (bytes: Uint8Array) => new Uint8Array(bytes);

const keyParameters = (kind: KeyKind, digest: DigestAlgorithm) =>
  kind.family === "rsa"
    ? { name: "RSASSA-PKCS1-v1_5", hash: digestNames[digest] }
    : { name: "ECDSA", namedCurve: kind.curve };

const signParameters = (kind: KeyKind, digest: DigestAlgorithm) =>
  kind.family === "rsa" ? { name: "RSASSA-PKCS1-v1_5" } : { name: "ECDSA", hash: digestNames[digest] };

/** The digest of `bytes`. */
export async function digestOf(algorithm: DigestAlgorithm, bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle.digest(digestNames[algorithm], own(bytes)));
}

/** SHA-1, only for key identifiers, where RFC 5280 names it and nothing depends on its strength. */
export async function sha1(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle.digest("SHA-1", own(bytes)));
}

/** Which algorithm keys of this kind sign with. */
export function signatureAlgorithm(kind: KeyKind): SignatureAlgorithm {
  return kind.family === "rsa" ? "rsa-sha256" : "ecdsa-sha256";
}

/** A function that signs with the key; ECDSA signatures come as DER. Throws `MALFORMED_KEY`. */
export async function importSigner(key: PrivateKey): Promise<(bytes: Uint8Array) => Promise<Uint8Array>> {
  const { kind } = key;
  const handle = await withKeyErrors("the private key cannot be used", "key", () =>
    subtle.importKey("pkcs8", own(key.pkcs8), keyParameters(kind, "sha256"), false, ["sign"]),
  );
  return async (bytes) => {
    const signature = new Uint8Array(await subtle.sign(signParameters(kind, "sha256"), handle, own(bytes)));
    return kind.family === "rsa" ? signature : toDerSignature(signature);
  };
}

/** Whether `signature` (ECDSA as DER) over `bytes` was made with the private key of `publicKeyInfo`. */
export async function verifySignature(
  publicKeyInfo: Uint8Array,
  kind: KeyKind,
  digest: DigestAlgorithm,
  signature: Uint8Array,
  bytes: Uint8Array,
): Promise<boolean> {
  const handle = await withKeyErrors("the public key cannot be used", "certificate.subjectPublicKeyInfo", () =>
    subtle.importKey("spki", own(publicKeyInfo), keyParameters(kind, digest), false, ["verify"]),
  );
  const raw = kind.family === "rsa" ? signature : fromDerSignature(signature, kind.curve);
  if (raw === undefined) return false;
  return await subtle.verify(signParameters(kind, digest), handle, own(raw), own(bytes));
}

/** The SubjectPublicKeyInfo of a private key. */
export async function publicKeyInfo(key: PrivateKey): Promise<Uint8Array> {
  const parameters = keyParameters(key.kind, "sha256");
  return await withKeyErrors("the private key cannot be used", "key", async () => {
    const secret = await subtle.importKey("pkcs8", own(key.pkcs8), parameters, true, ["sign"]);
    const { kty, n, e, crv, x, y } = await subtle.exportKey("jwk", secret);
    const members = Object.entries({ kty, n, e, crv, x, y }).filter(([, value]) => value !== undefined);
    const open = await subtle.importKey("jwk", Object.fromEntries(members), parameters, true, ["verify"]);
    return new Uint8Array(await subtle.exportKey("spki", open));
  });
}

/** A fresh PKCS #8 key from WebCrypto's random numbers. */
export async function generatePkcs8(kind: KeyKind): Promise<Uint8Array> {
  const parameters =
    kind.family === "rsa"
      ? { ...keyParameters(kind, "sha256"), modulusLength: kind.bits, publicExponent: Uint8Array.of(1, 0, 1) }
      : keyParameters(kind, "sha256");
  const pair = await subtle.generateKey(parameters, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new SigningError("UNSUPPORTED_KEY", "no key pair was made", { path: "key" });
  return new Uint8Array(await subtle.exportKey("pkcs8", pair.privateKey));
}

/** WebCrypto's r ‖ s as the `ECDSA-Sig-Value` (RFC 3279 section 2.2.3) that X.509 and CMS carry. */
export function toDerSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return der.sequence(der.integer(raw.subarray(0, half)), der.integer(raw.subarray(half)));
}

/** The way back; undefined where r or s cannot be of this curve or the DER is broken, so that nothing verifies. */
export function fromDerSignature(signature: Uint8Array, curve: Curve): Uint8Array | undefined {
  const width = curveBytes[curve];
  const raw = new Uint8Array(2 * width);
  try {
    const members = derChildren(readDer(signature, derTag.sequence, "signature"));
    for (const [index, name] of ["r", "s"].entries()) {
      const bytes = unsignedBytes(members.take(derTag.integer, name));
      if (bytes.length > width) return undefined;
      raw.set(bytes, (index + 1) * width - bytes.length);
    }
    members.end();
  } catch (error) {
    if (error instanceof SigningError) return undefined;
    throw error;
  }
  return raw;
}
