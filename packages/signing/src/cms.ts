// CMS SignedData (RFC 5652) in its PKCS #7 1.5 shape (RFC 2315), as `openssl smime` and systemd-repart write it.
import {
  type AlgorithmIdentifier,
  type DigestAlgorithm,
  digestByOid,
  lacksParameters,
  oid,
  readAlgorithm,
  type SignatureAlgorithm,
  signatureIdentifiers,
} from "./algorithms.js";
import { parseCertificate } from "./certificate.js";
import {
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
import * as der from "./der-write.js";
import { SigningError } from "./errors.js";

/** The largest message we read: twice what the kernel takes as a signature (add_key's 32,767 bytes). */
export const maxSignatureBytes = 64 << 10;
/** Nobody signs an image with more keys than this; each costs a verification. */
const maxSigners = 16;

const sha256Identifier = der.sequence(der.oid(oid.sha256), der.nothing);

/** What `wrapSignature` puts into a message. */
export interface BareSignature {
  /** DER of the signer's certificate, which the message carries along. */
  readonly certificate: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** As `Signer.sign` gives it. */
  readonly signature: Uint8Array;
}

/**
 * The detached CMS message of one bare signature, without signed attributes: the bytes of `openssl smime -sign -noattr
 * -nosmimecap -binary -outform der`. Nothing is verified here.
 */
export function wrapSignature({ certificate, algorithm, signature }: BareSignature): Uint8Array {
  const { issuer, serial } = parseCertificate(certificate);
  const signerInfo = der.sequence(
    der.integer(1),
    der.sequence(issuer.der, der.value(derTag.integer, serial)),
    sha256Identifier,
    signatureIdentifiers[algorithm].signerInfo,
    der.octetString(signature),
  );
  const signedData = der.sequence(
    der.integer(1),
    der.setOf(sha256Identifier),
    der.sequence(der.oid(oid.data)),
    der.tagged(0, certificate),
    der.setOf(signerInfo),
  );
  return der.sequence(der.oid(oid.signedData), der.tagged(0, signedData));
}

/** One signature of a message and whom it names as its signer. */
export interface SignerInfo {
  /** DER of the issuer's name. */
  readonly issuer: Uint8Array;
  /** Content octets of the serial number. */
  readonly serial: Uint8Array;
  readonly digest: DigestAlgorithm;
  /** Object identifier of how it was signed. */
  readonly signatureAlgorithm: string;
  /** The signed attributes, where there are any: what is signed then is their DER as a SET. */
  readonly attributes: SignedAttributes | undefined;
  readonly signature: Uint8Array;
}

export interface SignedAttributes {
  /** The bytes that are signed. */
  readonly encoded: Uint8Array;
  readonly messageDigest: Uint8Array;
}

const malformed = (what: string, at: DerValue) =>
  new SigningError("MALFORMED_SIGNATURE", what, { path: at.path, offset: at.offset });
const unsupported = (what: string, at: DerValue) =>
  new SigningError("UNSUPPORTED_SIGNATURE", what, { path: at.path, offset: at.offset });

/**
 * The signatures of a detached message. Certificates and revocation lists inside are passed over, as systemd does.
 *
 * Throws `SigningError`: `UNSUPPORTED_SIGNATURE` for messages with content of their own, signers named by key
 * identifier (OpenSSL's PKCS #7 reads neither), digests other than SHA-2; `LIMIT_DER` above 64 KiB.
 */
export function readSignedData(cms: Uint8Array): readonly SignerInfo[] {
  if (cms.length > maxSignatureBytes) {
    const what = `the signature takes ${cms.length} bytes, more than ${maxSignatureBytes}`;
    throw new SigningError("LIMIT_DER", what, { path: "signature", offset: 0 });
  }
  const contentInfo = derChildren(readDer(cms, derTag.sequence, "signature"));
  const type = contentInfo.take(derTag.objectIdentifier, "contentType");
  if (objectIdentifier(type) !== oid.signedData) throw unsupported(`content type ${objectIdentifier(type)}`, type);
  const wrapped = derChildren(contentInfo.take(contextTag(0), "content"));
  contentInfo.end();
  const signedData = derChildren(wrapped.take(derTag.sequence, "signedData"));
  wrapped.end();

  const version = signedData.take(derTag.integer, "version");
  if (smallInteger(version) !== 1) throw unsupported(`version ${smallInteger(version)}, expected 1`, version);
  signedData.take(derTag.set, "digestAlgorithms");
  readContentType(derChildren(signedData.take(derTag.sequence, "encapContentInfo")));
  signedData.optional(contextTag(0), "certificates");
  signedData.optional(contextTag(1), "crls");
  const infos = signedData.take(derTag.set, "signerInfos");
  signedData.end();
  const list = derChildren(infos);
  const signers: SignerInfo[] = [];
  while (list.more) {
    if (signers.length === maxSigners) throw unsupported(`more than ${maxSigners} signers`, infos);
    signers.push(readSignerInfo(list.take(derTag.sequence, `[${signers.length}]`)));
  }
  return signers;
}

function readContentType(info: DerReader): void {
  const type = info.take(derTag.objectIdentifier, "eContentType");
  if (objectIdentifier(type) !== oid.data) throw unsupported(`signed content of type ${objectIdentifier(type)}`, type);
  if (info.more)
    throw unsupported("the message carries its content, a detached signature is expected", info.any("eContent"));
}

function readSignerInfo(value: DerValue): SignerInfo {
  const members = derChildren(value);
  const version = members.take(derTag.integer, "version");
  if (smallInteger(version) !== 1) throw unsupported(`signer version ${smallInteger(version)}, expected 1`, version);
  const id = derChildren(members.take(derTag.sequence, "issuerAndSerialNumber"));
  const issuer = id.take(derTag.sequence, "issuer").encoded;
  const serial = integerBytes(id.take(derTag.integer, "serialNumber"));
  id.end();
  const digest = digestOfIdentifier(readAlgorithm(members, "digestAlgorithm"), value);
  const attributes = members.optional(contextTag(0), "signedAttrs");
  const signatureAlgorithm = readAlgorithm(members, "signatureAlgorithm");
  const signature = members.take(derTag.octetString, "signature").content;
  members.optional(contextTag(1), "unsignedAttrs");
  members.end();
  if (!lacksParameters(signatureAlgorithm)) {
    throw unsupported(`signature algorithm ${signatureAlgorithm.oid} with parameters`, value);
  }
  return {
    issuer,
    serial,
    digest,
    signatureAlgorithm: signatureAlgorithm.oid,
    attributes: attributes && readAttributes(attributes),
    signature,
  };
}

function digestOfIdentifier(algorithm: AlgorithmIdentifier, at: DerValue): DigestAlgorithm {
  const digest = digestByOid.get(algorithm.oid);
  if (digest === undefined || !lacksParameters(algorithm)) throw unsupported(`digest algorithm ${algorithm.oid}`, at);
  return digest;
}

/** RFC 5652 section 5.3: contentType and messageDigest must be there, once, with one value; the rest does not matter. */
function readAttributes(value: DerValue): SignedAttributes {
  const found = new Map<string, DerValue>();
  const list = derChildren(value);
  while (list.more) {
    const attribute = derChildren(list.take(derTag.sequence, "attribute"));
    const type = objectIdentifier(attribute.take(derTag.objectIdentifier, "attrType"));
    const values = attribute.take(derTag.set, "attrValues");
    attribute.end();
    if (found.has(type)) throw malformed(`signed attribute ${type} stands twice`, values);
    found.set(type, values);
  }
  const only = (type: string, tag: number, name: string) => {
    const values = found.get(type);
    if (!values) throw malformed(`the signed attributes lack ${name}`, value);
    const inner = derChildren(values);
    const first = inner.take(tag, name);
    inner.end();
    return first;
  };
  const contentType = only(oid.contentType, derTag.objectIdentifier, "contentType");
  if (objectIdentifier(contentType) !== oid.data)
    throw malformed("contentType is not that of the content", contentType);
  // The signature covers the attributes as a SET, not as the [0] they stand in.
  const encoded = value.encoded.slice();
  encoded[0] = derTag.set;
  return { encoded, messageDigest: only(oid.messageDigest, derTag.octetString, "messageDigest").content };
}
