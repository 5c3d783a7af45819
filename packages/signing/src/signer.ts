import type { SignatureAlgorithm } from "./algorithms.js";
import { type Certificate, certificateKey, readCertificates } from "./certificate.js";
import { SigningError } from "./errors.js";
import { describeKey, readPrivateKey } from "./keys.js";
import { importSigner, signatureAlgorithm, verifySignature } from "./webcrypto.js";

/**
 * Whoever can sign: a key in a file, a token, a service. It signs bytes and never hands out its key.
 *
 * `sign` resolves to the bare signature over SHA-256 of `bytes`: for `rsa-sha256` the PKCS #1 v1.5 signature, for
 * `ecdsa-sha256` the DER `ECDSA-Sig-Value`.
 */
export interface Signer {
  /** DER of the signer's certificate. */
  readonly certificate: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** What `pemSigner` takes. */
export interface PemSignerOptions {
  /** PEM of the private key (PKCS #8, PKCS #1 or SEC 1) without a passphrase. */
  readonly key: string | Uint8Array;
  /** The certificate, PEM or DER. Of several the first counts, as with OpenSSL; the others may be a chain. */
  readonly certificate: string | Uint8Array;
}

/**
 * A signer with its key in memory. Refuses a key that does not belong to the certificate (`MISMATCH_KEY`), which would
 * make signatures that nobody accepts.
 *
 * Throws `SigningError` for keys and certificates that are malformed or of an unsupported kind.
 */
export async function pemSigner(options: PemSignerOptions): Promise<Signer> {
  const key = readPrivateKey(options.key);
  const [certificate] = readCertificates(options.certificate);
  if (!certificate) throw new SigningError("MALFORMED_CERTIFICATE", "there is no certificate", { path: "certificate" });
  const certified = certificateKey(certificate);
  const mismatch = (what: string) =>
    new SigningError("MISMATCH_KEY", `the private key does not belong to the certificate: ${what}`, {
      path: "key",
      subject: certificate.subject.text,
    });
  if (describeKey(certified) !== describeKey(key.kind)) {
    throw mismatch(
      `it is ${describeKey(key.kind)}, the certificate of ${certificate.subject.text} is for ${describeKey(certified)}`,
    );
  }
  const sign = await importSigner(key);
  const algorithm = signatureAlgorithm(key.kind);
  // Signing once proves that the two belong together for every kind of key, without looking inside of either.
  const probe = new TextEncoder().encode("Does this key belong to this certificate?");
  if (!(await signedBy(certificate, await sign(probe), probe))) {
    throw mismatch(`it does not sign for ${certificate.subject.text}`);
  }
  return { certificate: certificate.der, algorithm, sign };
}

/** Whether a bare signature over SHA-256 of `bytes` was made by a certificate's key. */
export async function signedBy(certificate: Certificate, signature: Uint8Array, bytes: Uint8Array): Promise<boolean> {
  return await verifySignature(certificate.publicKeyInfo, certificateKey(certificate), "sha256", signature, bytes);
}
