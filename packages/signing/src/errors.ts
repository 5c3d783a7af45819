import { CodedError } from "@sextant/bytes";

/** The ways in which keys, certificates and signatures are wrong. */
export type SigningErrorCode =
  /** The bytes are not DER (X.690): a bad length, a value that is not in its one allowed form, or missing parts. */
  | "MALFORMED_DER"
  /** The text is not PEM (RFC 7468), or not base64. */
  | "MALFORMED_PEM"
  | "MALFORMED_KEY"
  | "MALFORMED_CERTIFICATE"
  | "MALFORMED_SIGNATURE"
  /** Legal BER that DER forbids, or a tag form that no format here uses. */
  | "UNSUPPORTED_DER"
  /** A kind, size or curve of key that we do not sign or verify with. */
  | "UNSUPPORTED_KEY"
  /** The private key needs a passphrase. */
  | "UNSUPPORTED_ENCRYPTED_KEY"
  /** A valid CMS message that is not a detached signature as systemd takes it. */
  | "UNSUPPORTED_SIGNATURE"
  /** The private key does not belong to the certificate. */
  | "MISMATCH_KEY"
  /** A signer returned something that its own certificate does not verify. */
  | "MISMATCH_SIGNATURE"
  /** Larger or nested deeper than anything we accept. */
  | "LIMIT_DER";

/** What is wrong with a key, a certificate or a signature. */
export class SigningError extends CodedError<SigningErrorCode> {}
