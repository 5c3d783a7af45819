export type { Curve, DigestAlgorithm, KeyKind, SignatureAlgorithm } from "./algorithms.js";
export { fromBase64, toBase64 } from "./base64.js";
export {
  type Certificate,
  certificateKey,
  type KeyUsage,
  parseCertificate,
  readCertificates,
} from "./certificate.js";
export { type BareSignature, maxSignatureBytes, wrapSignature } from "./cms.js";
export {
  type CertificateOptions,
  createCertificate,
  generateKey,
  generateKeyPair,
  type KeyAlgorithm,
  type KeyPair,
  keyAlgorithms,
} from "./create.js";
export { type RejectionReason, type SignatureVerdict, signDetached, verifyDetached } from "./detached.js";
export { SigningError, type SigningErrorCode } from "./errors.js";
export { describeKey, type PrivateKey, readPrivateKey } from "./keys.js";
export type { DistinguishedName } from "./name.js";
export { type PemBlock, readPem, writePem } from "./pem.js";
export { type PemSignerOptions, pemSigner, type Signer, signedBy } from "./signer.js";
