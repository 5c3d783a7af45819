// Private keys: PKCS #8 (RFC 5958), and the older PKCS #1 (RFC 8017) and SEC 1 (RFC 5915) forms wrapped into it.
import { CodedError } from "@sextant/bytes";
import {
  type AlgorithmIdentifier,
  type KeyKind,
  namedCurve,
  oid,
  readAlgorithm,
  sec1Parameters,
} from "./algorithms.js";
import { type DerValue, derChildren, derTag, readDer, smallInteger, unsignedBytes } from "./der.js";
import * as der from "./der-write.js";
import { SigningError } from "./errors.js";
import { type PemBlock, readPem } from "./pem.js";

/** RSA moduli below this are no longer trusted by anybody; above, OpenSSL refuses to verify (16384). */
const minRsaBits = 2048;
const maxRsaBits = 16384;

/** A private key without a passphrase. */
export interface PrivateKey {
  readonly kind: KeyKind;
  /** DER of the PKCS #8 PrivateKeyInfo: the secret itself. */
  readonly pkcs8: Uint8Array;
}

/**
 * The one private key of a PEM text: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`. Other blocks (certificates,
 * `EC PARAMETERS`) are passed over.
 *
 * Throws `SigningError` `UNSUPPORTED_ENCRYPTED_KEY` for keys with a passphrase, `UNSUPPORTED_KEY` for kinds other than
 * RSA from 2048 bits and ECDSA on P-256, P-384 and P-521, `MALFORMED_KEY` where there is not exactly one key.
 */
export function readPrivateKey(pem: string | Uint8Array): PrivateKey {
  const blocks = readPem(pem).filter((block) => block.label.endsWith("PRIVATE KEY"));
  const [block] = blocks;
  if (!block || blocks.length > 1) {
    throw new SigningError("MALFORMED_KEY", `${blocks.length} private keys in the text, expected one`, { path: "key" });
  }
  const pkcs8 = pkcs8Of(block);
  return { kind: describePkcs8(pkcs8), pkcs8 };
}

function pkcs8Of(block: PemBlock): Uint8Array {
  if (block.label === "ENCRYPTED PRIVATE KEY" || block.headers.get("Proc-Type")?.includes("ENCRYPTED")) {
    throw new SigningError("UNSUPPORTED_ENCRYPTED_KEY", "the private key is protected by a passphrase", {
      path: "key",
    });
  }
  const wrap = (algorithm: Uint8Array) => der.sequence(der.integer(0), algorithm, der.octetString(block.bytes));
  switch (block.label) {
    case "PRIVATE KEY":
      return block.bytes;
    case "RSA PRIVATE KEY":
      return wrap(der.sequence(der.oid(oid.rsaEncryption), der.nothing));
    case "EC PRIVATE KEY": {
      const curve = sec1Parameters(readDer(block.bytes, derTag.sequence, "key"));
      if (!curve) throw new SigningError("MALFORMED_KEY", "the EC key does not name its curve", { path: "key" });
      return wrap(der.sequence(der.oid(oid.ecPublicKey), curve));
    }
    default:
      throw new SigningError("UNSUPPORTED_KEY", `a ${block.label} is neither RSA nor ECDSA`, { path: "key" });
  }
}

function describePkcs8(pkcs8: Uint8Array): KeyKind {
  const info = derChildren(readDer(pkcs8, derTag.sequence, "key"));
  const version = smallInteger(info.take(derTag.integer, "version"));
  if (version > 1) throw new SigningError("UNSUPPORTED_KEY", `PKCS #8 version ${version}`, { path: "key.version" });
  const algorithm = readAlgorithm(info, "privateKeyAlgorithm");
  const inner = info.take(derTag.octetString, "privateKey");
  const innerOffset = inner.offset + inner.encoded.length - inner.content.length;
  return keyKind(algorithm, "key", () => {
    const rsa = derChildren(readDer(inner.content, derTag.sequence, "key.privateKey", innerOffset));
    rsa.take(derTag.integer, "version");
    return rsa.take(derTag.integer, "modulus");
  });
}

/** What an algorithm identifier and, for RSA, the modulus say about a key. Throws `UNSUPPORTED_KEY`. */
export function keyKind(algorithm: AlgorithmIdentifier, path: string, modulus: () => DerValue): KeyKind {
  const unsupported = (what: string) => new SigningError("UNSUPPORTED_KEY", what, { path });
  if (algorithm.oid === oid.rsaEncryption) {
    const bytes = unsignedBytes(modulus());
    const bits = bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24;
    if (bits < minRsaBits || bits > maxRsaBits) throw unsupported(`an RSA key of ${bits} bits`);
    return { family: "rsa", bits };
  }
  if (algorithm.oid === oid.ecPublicKey) {
    const curve = namedCurve(algorithm);
    if (!curve) throw unsupported("an EC key on a curve other than P-256, P-384 and P-521");
    return { family: "ecdsa", curve };
  }
  throw unsupported(`a key of algorithm ${algorithm.oid}, neither RSA nor ECDSA`);
}

/** `RSA-2048`, `ECDSA P-256`: a key's kind in words. */
export function describeKey(kind: KeyKind): string {
  return kind.family === "rsa" ? `RSA-${kind.bits}` : `ECDSA ${kind.curve}`;
}

/** Runs WebCrypto, whose `DOMException`s say little, and names what was refused. */
export async function withKeyErrors<T>(what: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new SigningError("MALFORMED_KEY", what, { path }, { cause });
  }
}
