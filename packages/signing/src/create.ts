// New keys, and the self-signed certificates that hosts list to trust them.
import { portableHasher } from "@sextant/bytes";
import { type Curve, type KeyKind, oid, signatureIdentifiers } from "./algorithms.js";
import { bitStringBytes, contextTag, derChildren, derTag, readDer } from "./der.js";
import * as der from "./der-write.js";
import { type PrivateKey, readPrivateKey } from "./keys.js";
import { writeCommonName } from "./name.js";
import { writePem } from "./pem.js";
import { writeTime } from "./time.js";
import { generatePkcs8, importSigner, publicKeyInfo, sha1, signatureAlgorithm } from "./webcrypto.js";

/** RFC 5280 section 4.1.2.2. */
const maxSerialBytes = 20;

/** The kinds of key that `generateKey` makes. */
export type KeyAlgorithm = "rsa-2048" | "rsa-3072" | "rsa-4096" | "ecdsa-p256" | "ecdsa-p384";

const rsa = (bits: number): KeyKind => ({ family: "rsa", bits });
const ecdsa = (curve: Curve): KeyKind => ({ family: "ecdsa", curve });
/** Every algorithm of `generateKey` and the key it makes. */
export const keyAlgorithms: Readonly<Record<KeyAlgorithm, KeyKind>> = {
  "rsa-2048": rsa(2048),
  "rsa-3072": rsa(3072),
  "rsa-4096": rsa(4096),
  "ecdsa-p256": ecdsa("P-256"),
  "ecdsa-p384": ecdsa("P-384"),
};

/** What a new certificate says; times and serial number are arguments, so that the result can be repeated. */
export interface CertificateOptions {
  /** Who the signer is, for people; 1 to 64 characters. */
  readonly commonName: string;
  /** Seconds since 1970, from which the certificate is valid. systemd and the kernel do not look at it. */
  readonly notBefore: number;
  /** Seconds since 1970, until which it is valid. */
  readonly notAfter: number;
  /**
   * The serial number, big-endian; 1 to 20 bytes, not zero. Together with the common name it is how a signature names
   * its signer, so it should be random. Default: the first 16 bytes of SHA-256 of the public key.
   */
  readonly serial?: Uint8Array;
}

/** A private key and the certificate that belongs to it, both PEM. */
export interface KeyPair {
  /** PKCS #8, without a passphrase. */
  readonly key: string;
  readonly certificate: string;
}

/** A new private key as PKCS #8 PEM. The only thing in this package that is random on purpose. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<string> {
  const kind = keyAlgorithms[algorithm];
  if (kind === undefined) throw new TypeError(`unknown key algorithm ${JSON.stringify(algorithm)}`);
  return writePem("PRIVATE KEY", await generatePkcs8(kind));
}

/** A new key with a self-signed certificate. */
export async function generateKeyPair(algorithm: KeyAlgorithm, options: CertificateOptions): Promise<KeyPair> {
  const key = await generateKey(algorithm);
  return { key, certificate: await createCertificate(key, options) };
}

/**
 * The self-signed certificate of a private key, PEM. With an RSA key the same arguments give the same bytes; ECDSA
 * signatures carry a random number.
 *
 * It is an end-entity certificate for signatures and nothing else: `basicConstraints` CA:FALSE, `keyUsage`
 * digitalSignature (both critical), key identifiers, no extended key usage. Who trusts images by it lists exactly it:
 * systemd in `verity.d`, where neither chain nor usage count, the kernel in a keyring, where a signer is found by issuer
 * and serial. A kernel that takes only certificate authorities into `.machine` (`INTEGRITY_CA_MACHINE_KEYRING`) needs
 * one that is issued by such an authority instead.
 *
 * Throws `RangeError` for options out of range and `SigningError` for keys that cannot be used.
 */
export async function createCertificate(keyPem: string | Uint8Array, options: CertificateOptions): Promise<string> {
  const key = readPrivateKey(keyPem);
  const spki = await publicKeyInfo(key);
  if (options.notAfter < options.notBefore) throw new RangeError("the certificate would end before it begins");
  const name = writeCommonName(options.commonName);
  const algorithm = signatureIdentifiers[signatureAlgorithm(key.kind)].certificate;
  const toBeSigned = der.sequence(
    der.tagged(0, der.integer(2)),
    serialNumber(options.serial ?? portableHasher.hash("sha256", spki).subarray(0, 16)),
    algorithm,
    name,
    der.sequence(writeTime(options.notBefore), writeTime(options.notAfter)),
    name,
    spki,
    der.tagged(3, await extensions(spki)),
  );
  return writePem("CERTIFICATE", der.sequence(toBeSigned, algorithm, der.bitString(await sign(key, toBeSigned))));
}

const sign = async (key: PrivateKey, bytes: Uint8Array) => (await importSigner(key))(bytes);

function serialNumber(serial: Uint8Array): Uint8Array {
  const encoded = der.integer(serial);
  // 2: the header of the INTEGER.
  if (serial.every((byte) => byte === 0) || encoded.length - 2 > maxSerialBytes) {
    throw new RangeError(`a serial number is above 0 and takes at most ${maxSerialBytes} bytes`);
  }
  return encoded;
}

async function extensions(spki: Uint8Array): Promise<Uint8Array> {
  const info = derChildren(readDer(spki, derTag.sequence, "subjectPublicKeyInfo"));
  info.take(derTag.sequence, "algorithm");
  const publicKey = bitStringBytes(info.take(derTag.bitString, "subjectPublicKey"));
  // RFC 5280 section 4.2.1.2, method (1), as OpenSSL does it.
  const identifier = await sha1(publicKey);
  const extension = (id: string, value: Uint8Array, critical: boolean) =>
    der.sequence(der.oid(id), ...(critical ? [der.yes] : []), der.octetString(value));
  const digitalSignature = der.bitString(Uint8Array.of(0x80), 7);
  return der.sequence(
    extension(oid.subjectKeyIdentifier, der.octetString(identifier), false),
    extension(oid.authorityKeyIdentifier, der.sequence(der.value(contextTag(0, "primitive"), identifier)), false),
    extension(oid.basicConstraints, der.sequence(), true),
    extension(oid.keyUsage, digitalSignature, true),
  );
}
