// Signing and verifying content with a detached CMS message.
import { equalBytes, toHex } from "@sextant/bytes";
import { signatureByOid } from "./algorithms.js";
import { type Certificate, certificateKey, parseCertificate } from "./certificate.js";
import { readSignedData, type SignerInfo, wrapSignature } from "./cms.js";
import { SigningError } from "./errors.js";
import { type Signer, signedBy } from "./signer.js";
import { digestOf, verifySignature } from "./webcrypto.js";

/**
 * Signs content and wraps the signature into a detached CMS message without signed attributes, with the signer's
 * certificate in it: byte for byte what systemd-repart and `openssl smime -sign -noattr -nosmimecap -binary` write.
 *
 * The signature is verified under the signer's certificate before it is handed out: `MISMATCH_SIGNATURE` where a signer
 * holds another key than its certificate says.
 */
export async function signDetached(signer: Signer, content: Uint8Array): Promise<Uint8Array> {
  const { certificate, algorithm } = signer;
  const signature = await signer.sign(content);
  const parsed = parseCertificate(certificate);
  if (!(await signedBy(parsed, signature, content))) {
    throw new SigningError(
      "MISMATCH_SIGNATURE",
      `the signer's signature is not one of its certificate (${parsed.subject.text})`,
      { path: "signature", subject: parsed.subject.text },
    );
  }
  return wrapSignature({ certificate, algorithm, signature });
}

/** Why a signature is not accepted. */
export type RejectionReason =
  /** The message holds no signature at all. */
  | "no-signer"
  /** Nobody in the list made it: no listed certificate has the signer's issuer and serial number. */
  | "unknown-signer"
  /** The signed attributes speak of other content. */
  | "other-content"
  /** The named signer's key did not make this signature over this content. */
  | "wrong-signature";

/** Whether a detached signature is valid, and who made it or why not. */
export type SignatureVerdict =
  | {
      readonly valid: true;
      /** The certificate of the first signer, which is the only one as a rule. */
      readonly certificate: Certificate;
    }
  | { readonly valid: false; readonly reason: RejectionReason; readonly message: string };

/**
 * Whether listed certificates made a detached signature over `content`, as systemd decides it (OpenSSL's `PKCS7_verify`
 * with NOINTERN and NOVERIFY): each signer must be listed, certificates inside the message are ignored, and neither
 * chain, dates, usage nor revocation count. Of several listed certificates with the same issuer and serial number the
 * first counts.
 *
 * Throws `SigningError` for messages that are malformed or of a shape that systemd would not read, and `UNSUPPORTED_KEY`
 * where the signer's key is of a kind that we cannot verify.
 */
export async function verifyDetached(
  cms: Uint8Array,
  content: Uint8Array,
  certificates: readonly Certificate[],
): Promise<SignatureVerdict> {
  const infos = readSignedData(cms);
  let first: Certificate | undefined;
  for (const info of infos) {
    const verdict = await verifySigner(info, content, certificates);
    if (!verdict.valid) return verdict;
    first ??= verdict.certificate;
  }
  if (!first) return reject("no-signer", "the message holds no signature");
  return { valid: true, certificate: first };
}

const reject = (reason: RejectionReason, message: string): SignatureVerdict => ({ valid: false, reason, message });

async function verifySigner(
  info: SignerInfo,
  content: Uint8Array,
  certificates: readonly Certificate[],
): Promise<SignatureVerdict> {
  const certificate = certificates.find(
    ({ issuer, serial }) => equalBytes(serial, info.serial) && equalBytes(issuer.der, info.issuer),
  );
  if (!certificate) {
    return reject("unknown-signer", `no listed certificate has the signer's serial number ${toHex(info.serial)}`);
  }
  const kind = certificateKey(certificate);
  const named = signatureByOid.get(info.signatureAlgorithm);
  if (!named) {
    throw new SigningError("UNSUPPORTED_SIGNATURE", `signature algorithm ${info.signatureAlgorithm}`, {
      path: "signature",
    });
  }
  const who = certificate.subject.text;
  if (named.family !== kind.family || (named.digest ?? info.digest) !== info.digest) {
    return reject("wrong-signature", `the signature's algorithm does not fit the key of ${who}`);
  }
  const { attributes } = info;
  if (attributes && !equalBytes(attributes.messageDigest, await digestOf(info.digest, content))) {
    return reject("other-content", `the signature of ${who} is over other content`);
  }
  const signed = attributes?.encoded ?? content;
  const valid = await verifySignature(certificate.publicKeyInfo, kind, info.digest, info.signature, signed);
  return valid
    ? { valid, certificate }
    : reject("wrong-signature", `the signature is not one of ${who} over this content`);
}
