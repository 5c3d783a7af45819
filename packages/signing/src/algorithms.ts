// Object identifiers and the table of keys and signatures that everything else looks up.
import { contextTag, type DerReader, type DerValue, derChildren, derTag, objectIdentifier } from "./der.js";
import * as der from "./der-write.js";

export const oid = {
  rsaEncryption: "1.2.840.113549.1.1.1",
  rsaWithSha256: "1.2.840.113549.1.1.11",
  rsaWithSha384: "1.2.840.113549.1.1.12",
  rsaWithSha512: "1.2.840.113549.1.1.13",
  ecPublicKey: "1.2.840.10045.2.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
  ecdsaWithSha512: "1.2.840.10045.4.3.4",
  p256: "1.2.840.10045.3.1.7",
  p384: "1.3.132.0.34",
  p521: "1.3.132.0.35",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
} as const;

/** The digests that signatures may use. SHA-1 is refused: OpenSSL 3 and current kernels refuse it too. */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

/** The curves of ECDSA keys that we sign and verify with, under their names in WebCrypto. */
export type Curve = "P-256" | "P-384" | "P-521";

/** What a key is, as far as it decides how signatures look. `bits` is the length of the modulus. */
export type KeyKind =
  | { readonly family: "rsa"; readonly bits: number }
  | { readonly family: "ecdsa"; readonly curve: Curve };

/**
 * How a signer signs: PKCS #1 v1.5 or ECDSA, always over SHA-256, which is what `systemd-repart` and OpenSSL take for
 * every size of key unless told otherwise.
 */
export type SignatureAlgorithm = "rsa-sha256" | "ecdsa-sha256";

/** For each signature algorithm the identifier in certificates and the one that OpenSSL's PKCS #7 writes in a signer info. */
export const signatureIdentifiers: Readonly<
  Record<SignatureAlgorithm, { readonly certificate: Uint8Array; readonly signerInfo: Uint8Array }>
> = {
  "rsa-sha256": {
    certificate: der.sequence(der.oid(oid.rsaWithSha256), der.nothing),
    signerInfo: der.sequence(der.oid(oid.rsaEncryption), der.nothing),
  },
  "ecdsa-sha256": {
    certificate: der.sequence(der.oid(oid.ecdsaWithSha256)),
    signerInfo: der.sequence(der.oid(oid.ecdsaWithSha256)),
  },
};

export const digestByOid: ReadonlyMap<string, DigestAlgorithm> = new Map([
  [oid.sha256, "sha256"],
  [oid.sha384, "sha384"],
  [oid.sha512, "sha512"],
]);

/** What a signature algorithm identifier promises: the family of the key, and the digest where it names one. */
export const signatureByOid: ReadonlyMap<
  string,
  { readonly family: KeyKind["family"]; readonly digest?: DigestAlgorithm }
> = new Map([
  [oid.rsaEncryption, { family: "rsa" }],
  [oid.rsaWithSha256, { family: "rsa", digest: "sha256" }],
  [oid.rsaWithSha384, { family: "rsa", digest: "sha384" }],
  [oid.rsaWithSha512, { family: "rsa", digest: "sha512" }],
  [oid.ecPublicKey, { family: "ecdsa" }],
  [oid.ecdsaWithSha256, { family: "ecdsa", digest: "sha256" }],
  [oid.ecdsaWithSha384, { family: "ecdsa", digest: "sha384" }],
  [oid.ecdsaWithSha512, { family: "ecdsa", digest: "sha512" }],
]);

const curveByOid: ReadonlyMap<string, Curve> = new Map([
  [oid.p256, "P-256"],
  [oid.p384, "P-384"],
  [oid.p521, "P-521"],
]);

/** Bytes of one coordinate of each curve, which is also the length of r and of s. */
export const curveBytes: Readonly<Record<Curve, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };

/** An AlgorithmIdentifier (RFC 5280 section 4.1.1.2): its identifier, and its parameters where there are any. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters: DerValue | undefined;
}

/** Reads the AlgorithmIdentifier that comes next. */
export function readAlgorithm(from: DerReader, name: string): AlgorithmIdentifier {
  const members = derChildren(from.take(derTag.sequence, name));
  const identifier = objectIdentifier(members.take(derTag.objectIdentifier, "algorithm"));
  const parameters = members.more ? members.any("parameters") : undefined;
  members.end();
  return { oid: identifier, parameters };
}

/** Whether there are no parameters, which is written as NULL or as nothing. */
export function lacksParameters({ parameters }: AlgorithmIdentifier): boolean {
  return parameters === undefined || (parameters.tag === derTag.null && parameters.content.length === 0);
}

/** The named curve of an EC key's algorithm identifier; undefined for curves we do not know and explicit ones. */
export function namedCurve(algorithm: AlgorithmIdentifier): Curve | undefined {
  const { parameters } = algorithm;
  return parameters?.tag === derTag.objectIdentifier ? curveByOid.get(objectIdentifier(parameters)) : undefined;
}

/** The parameters that an SEC 1 private key carries itself (RFC 5915, `[0] parameters`), encoded: its named curve. */
export function sec1Parameters(ecPrivateKey: DerValue): Uint8Array | undefined {
  const members = derChildren(ecPrivateKey);
  members.take(derTag.integer, "version");
  members.take(derTag.octetString, "privateKey");
  const parameters = members.optional(contextTag(0), "parameters");
  return parameters && derChildren(parameters).any("ecParameters").encoded;
}
