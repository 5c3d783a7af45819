// X.509 certificates (RFC 5280), read for what identifies a signer. Nothing here decides whether one is trusted.
import { portableHasher, toHex } from "@sextant/bytes";
import { type KeyKind, oid, readAlgorithm } from "./algorithms.js";
import {
  bitStringBytes,
  bitStringFlags,
  booleanValue,
  contextTag,
  type DerReader,
  type DerValue,
  derChildren,
  derTag,
  integerBytes,
  objectIdentifier,
  readDer,
  smallInteger,
} from "./der.js";
import { SigningError } from "./errors.js";
import { keyKind } from "./keys.js";
import { type DistinguishedName, readName } from "./name.js";
import { readPem } from "./pem.js";
import { timeSeconds } from "./time.js";

/** The bits of the key usage extension (RFC 5280 section 4.2.1.3), by their position. */
const keyUsageNames = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

/** What a certificate allows its key to be used for. */
export type KeyUsage = (typeof keyUsageNames)[number];

/** A certificate, as far as signatures need it. */
export interface Certificate {
  readonly der: Uint8Array;
  /** Lower-case hexadecimal SHA-256 of the DER: what systemd writes as `certificateFingerprint`. */
  readonly fingerprint: string;
  /** The serial number's content octets, big-endian; with the issuer it is how a CMS signer is named. */
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Seconds since 1970. */
  readonly notBefore: number;
  /** Seconds since 1970. */
  readonly notAfter: number;
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array;
  /** Undefined where the certificate does not restrict its use. */
  readonly keyUsage: readonly KeyUsage[] | undefined;
  readonly isCertificateAuthority: boolean;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
}

/** Reads one DER certificate. Its own signature is not verified. Throws `SigningError`. */
export function parseCertificate(der: Uint8Array): Certificate {
  const outer = derChildren(readDer(der, derTag.sequence, "certificate"));
  const tbs = derChildren(outer.take(derTag.sequence, "tbsCertificate"));
  readAlgorithm(outer, "signatureAlgorithm");
  outer.take(derTag.bitString, "signatureValue");
  outer.end();

  const version = tbs.optional(contextTag(0), "version");
  if (version && smallInteger(derChildren(version).take(derTag.integer, "number")) > 2) {
    throw new SigningError("MALFORMED_CERTIFICATE", "the version is above 3", {
      path: version.path,
      offset: version.offset,
    });
  }
  const serial = integerBytes(tbs.take(derTag.integer, "serialNumber"));
  readAlgorithm(tbs, "signature");
  const issuer = readName(tbs.take(derTag.sequence, "issuer"));
  const validity = derChildren(tbs.take(derTag.sequence, "validity"));
  const notBefore = timeSeconds(validity.any("notBefore"));
  const notAfter = timeSeconds(validity.any("notAfter"));
  validity.end();
  const subject = readName(tbs.take(derTag.sequence, "subject"));
  const publicKeyInfo = tbs.take(derTag.sequence, "subjectPublicKeyInfo").encoded;
  const extensions = readExtensions(tbs);
  return {
    der,
    fingerprint: toHex(portableHasher.hash("sha256", der)),
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKeyInfo,
    ...extensions,
  };
}

type Extensions = Pick<Certificate, "keyUsage" | "isCertificateAuthority" | "subjectKeyIdentifier">;

function readExtensions(tbs: DerReader): Extensions {
  tbs.optional(contextTag(1, "primitive"), "issuerUniqueID");
  tbs.optional(contextTag(2, "primitive"), "subjectUniqueID");
  const wrapper = tbs.optional(contextTag(3), "extensions");
  tbs.end();
  const values = new Map<string, DerValue>();
  const list = wrapper && derChildren(derChildren(wrapper).take(derTag.sequence, "list"));
  while (list?.more) {
    const extension = derChildren(list.take(derTag.sequence, "extension"));
    const id = objectIdentifier(extension.take(derTag.objectIdentifier, "extnID"));
    const critical = extension.optional(derTag.boolean, "critical");
    if (critical) booleanValue(critical);
    const value = extension.take(derTag.octetString, "extnValue");
    extension.end();
    if (values.has(id)) {
      throw new SigningError("MALFORMED_CERTIFICATE", `extension ${id} stands twice`, {
        path: value.path,
        offset: value.offset,
      });
    }
    values.set(id, value);
  }
  const content = (id: string, tag: number, name: string) => {
    const value = values.get(id);
    const offset = value && value.offset + value.encoded.length - value.content.length;
    return value && readDer(value.content, tag, `certificate.${name}`, offset);
  };
  const usage = content(oid.keyUsage, derTag.bitString, "keyUsage");
  const flags = usage && bitStringFlags(usage);
  const constraints = content(oid.basicConstraints, derTag.sequence, "basicConstraints");
  const authority = constraints && derChildren(constraints).optional(derTag.boolean, "cA");
  return {
    keyUsage: flags && keyUsageNames.filter((_, bit) => flags.has(bit)),
    isCertificateAuthority: authority !== undefined && booleanValue(authority),
    subjectKeyIdentifier: content(oid.subjectKeyIdentifier, derTag.octetString, "subjectKeyIdentifier")?.content,
  };
}

/**
 * The certificates of a file: every `CERTIFICATE` block of a PEM text in order, or one DER certificate.
 * Throws `SigningError`, `MALFORMED_CERTIFICATE` where there is none.
 */
export function readCertificates(input: string | Uint8Array): readonly Certificate[] {
  if (typeof input !== "string" && input[0] === derTag.sequence) return [parseCertificate(input)];
  const blocks = readPem(input).filter((block) => block.label === "CERTIFICATE" || block.label === "X509 CERTIFICATE");
  if (blocks.length === 0) {
    throw new SigningError("MALFORMED_CERTIFICATE", "there is no certificate in the text", { path: "certificate" });
  }
  return blocks.map((block) => parseCertificate(block.bytes));
}

/** What kind of key a certificate is for. Throws `SigningError` `UNSUPPORTED_KEY` for those that we cannot verify with. */
export function certificateKey(certificate: Certificate): KeyKind {
  const path = "certificate.subjectPublicKeyInfo";
  const info = derChildren(readDer(certificate.publicKeyInfo, derTag.sequence, path));
  const algorithm = readAlgorithm(info, "algorithm");
  const bits = info.take(derTag.bitString, "subjectPublicKey");
  info.end();
  return keyKind(algorithm, path, () =>
    derChildren(readDer(bitStringBytes(bits), derTag.sequence, `${path}.rsaPublicKey`, bits.offset + 1)).take(
      derTag.integer,
      "modulus",
    ),
  );
}
