import { toHex } from "@sextant/bytes";
import { beforeAll, describe, expect, test } from "vitest";
import * as der from "../src/der-write.js";
import {
  createCertificate,
  generateKeyPair,
  type KeyPair,
  pemSigner,
  readCertificates,
  type Signer,
  signDetached,
  verifyDetached,
  wrapSignature,
  writePem,
} from "../src/index.js";
import { codeOf, oracleCertificate, oracleKey, oracleSignature, rootHashText } from "./oracle.js";

const validity = { notBefore: 1_700_000_000, notAfter: 1_900_000_000 };
const certificates = readCertificates(oracleCertificate);

describe("against the oracle", () => {
  test("the throw-away key gives the bytes that openssl gave", async () => {
    const signer = await pemSigner({ key: oracleKey, certificate: oracleCertificate });
    expect(toHex(await signDetached(signer, rootHashText))).toBe(toHex(oracleSignature));
  });

  test("openssl's signature is valid for the listed certificate", async () => {
    const verdict = await verifyDetached(oracleSignature, rootHashText, certificates);
    expect(verdict).toMatchObject({ valid: true, certificate: { subject: { text: "CN=probe" } } });
  });
});

describe("verdicts", () => {
  let other: KeyPair;
  let twin: string;
  beforeAll(async () => {
    other = await generateKeyPair("ecdsa-p256", { commonName: "other", ...validity });
    // Another key under the very issuer and serial number of the oracle's certificate.
    const serial = certificates[0]?.serial ?? new Uint8Array();
    twin = await createCertificate(other.key, { commonName: "probe", serial, ...validity });
  });

  test("other content", async () => {
    const content = rootHashText.slice();
    content[0] = (content[0] ?? 0) ^ 1;
    expect(await verifyDetached(oracleSignature, content, certificates)).toMatchObject({ reason: "wrong-signature" });
  });

  test("nobody listed: the certificate inside the message does not count", async () => {
    expect(await verifyDetached(oracleSignature, rootHashText, [])).toMatchObject({ reason: "unknown-signer" });
    const listed = readCertificates(other.certificate);
    expect(await verifyDetached(oracleSignature, rootHashText, listed)).toMatchObject({ reason: "unknown-signer" });
  });

  test("one of several", async () => {
    const listed = [...readCertificates(other.certificate), ...certificates];
    const verdict = await verifyDetached(oracleSignature, rootHashText, listed);
    expect(verdict).toMatchObject({ valid: true, certificate: { fingerprint: certificates[0]?.fingerprint } });
  });

  test("the same issuer and serial number with another key", async () => {
    const [impostor] = readCertificates(twin);
    const listed = impostor ? [impostor] : [];
    expect(await verifyDetached(oracleSignature, rootHashText, listed)).toMatchObject({ reason: "wrong-signature" });
  });

  test("a message without any signature", async () => {
    const empty = der.sequence(
      der.oid("1.2.840.113549.1.7.2"),
      der.tagged(
        0,
        der.sequence(der.integer(1), der.setOf(), der.sequence(der.oid("1.2.840.113549.1.7.1")), der.setOf()),
      ),
    );
    expect(await verifyDetached(empty, rootHashText, certificates)).toMatchObject({ reason: "no-signer" });
  });

  test("two signers, of whom one is not listed", async () => {
    const both = await countersign(other);
    expect(await verifyDetached(both, rootHashText, certificates)).toMatchObject({ reason: "unknown-signer" });
    const listed = [...certificates, ...readCertificates(other.certificate)];
    expect(await verifyDetached(both, rootHashText, listed)).toMatchObject({ valid: true });
  });

  test.each(["ecdsa-p256", "ecdsa-p384"] as const)("%s", async (algorithm) => {
    const pair = await generateKeyPair(algorithm, { commonName: algorithm, ...validity });
    const cms = await signDetached(await pemSigner(pair), rootHashText);
    const listed = readCertificates(pair.certificate);
    expect(await verifyDetached(cms, rootHashText, listed)).toMatchObject({ valid: true });
    expect(await verifyDetached(cms, oracleKey, listed)).toMatchObject({ valid: false, reason: "wrong-signature" });
  });
});

/** The oracle's message with a second signer info. */
async function countersign(pair: KeyPair): Promise<Uint8Array> {
  const { derChildren, readDer } = await import("../src/der.js");
  const parts = async (cms: Uint8Array) => {
    const info = derChildren(readDer(cms, 0x30, "cms"));
    info.any("type");
    const data = derChildren(derChildren(info.any("content")).any("signedData"));
    const members = [];
    while (data.more) members.push(data.any("member"));
    return members;
  };
  const first = await parts(oracleSignature);
  const second = await parts(await signDetached(await pemSigner(pair), rootHashText));
  const infos = [first.at(-1), second.at(-1)].map((set) => set?.content ?? new Uint8Array());
  return der.sequence(
    der.oid("1.2.840.113549.1.7.2"),
    der.tagged(0, der.sequence(...first.slice(0, -1).map(({ encoded }) => encoded), der.setOf(...infos))),
  );
}

describe("signers", () => {
  test("a key of another certificate is refused", async () => {
    const { key } = await generateKeyPair("rsa-2048", { commonName: "other", ...validity });
    expect(await codeOf(() => pemSigner({ key, certificate: oracleCertificate }))).toBe("MISMATCH_KEY");
  });

  test("a key of another kind is refused, and the message says both", async () => {
    const { key } = await generateKeyPair("ecdsa-p384", { commonName: "other", ...validity });
    await expect(pemSigner({ key, certificate: oracleCertificate })).rejects.toThrow(
      "the private key does not belong to the certificate: it is ECDSA P-384, the certificate of CN=probe is for RSA-2048",
    );
  });

  test("a token that signs with another key than it says is found out", async () => {
    const honest = await pemSigner({ key: oracleKey, certificate: oracleCertificate });
    const wrong: Signer = { ...honest, sign: async (bytes) => honest.sign(bytes.subarray(1)) };
    expect(await codeOf(() => signDetached(wrong, rootHashText))).toBe("MISMATCH_SIGNATURE");
  });

  test("a bare signature from elsewhere is wrapped as systemd-keyutil does", async () => {
    const { sign, algorithm, certificate } = await pemSigner({ key: oracleKey, certificate: oracleCertificate });
    const signature = await sign(rootHashText);
    expect(toHex(wrapSignature({ certificate, algorithm, signature }))).toBe(toHex(oracleSignature));
  });
});

describe("shapes that systemd would not read", () => {
  const [certificate] = certificates;
  const issuerAndSerial = der.sequence(
    certificate?.issuer.der ?? der.nothing,
    der.value(2, certificate?.serial ?? new Uint8Array()),
  );
  const sha256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.nothing);
  const sha1 = der.sequence(der.oid("1.3.14.3.2.26"), der.nothing);
  const rsa = der.sequence(der.oid("1.2.840.113549.1.1.1"), der.nothing);
  const pss = der.sequence(der.oid("1.2.840.113549.1.1.10"), der.sequence());
  const ecdsa = der.sequence(der.oid("1.2.840.10045.4.3.2"));
  const data = der.sequence(der.oid("1.2.840.113549.1.7.1"));
  const signature = der.octetString(new Uint8Array(256));
  const message = (...members: Uint8Array[]) =>
    der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tagged(0, der.sequence(...members)));
  const signedBy = (...members: Uint8Array[]) =>
    message(der.integer(1), der.setOf(sha256), data, der.setOf(der.sequence(...members)));
  const attribute = (type: string, ...values: Uint8Array[]) => der.sequence(der.oid(type), der.setOf(...values));
  const contentType = attribute("1.2.840.113549.1.9.3", der.oid("1.2.840.113549.1.7.1"));
  const messageDigest = attribute("1.2.840.113549.1.9.4", der.octetString(new Uint8Array(32)));
  const withAttributes = (...attributes: Uint8Array[]) =>
    signedBy(der.integer(1), issuerAndSerial, sha256, der.tagged(0, ...attributes), rsa, signature);

  test.each([
    [
      "another content type",
      der.sequence(der.oid("1.2.840.113549.1.7.3"), der.tagged(0, der.sequence())),
      "UNSUPPORTED_SIGNATURE",
    ],
    ["version 3", message(der.integer(3), der.setOf(sha256), data, der.setOf()), "UNSUPPORTED_SIGNATURE"],
    [
      "content inside",
      message(
        der.integer(1),
        der.setOf(sha256),
        der.sequence(der.oid("1.2.840.113549.1.7.1"), der.tagged(0, der.octetString(rootHashText))),
        der.setOf(),
      ),
      "UNSUPPORTED_SIGNATURE",
    ],
    [
      "content of another type",
      message(der.integer(1), der.setOf(sha256), der.sequence(der.oid("1.2.3")), der.setOf()),
      "UNSUPPORTED_SIGNATURE",
    ],
    [
      "a signer by key identifier",
      signedBy(der.integer(3), der.value(0x80, new Uint8Array(20)), sha256, rsa, signature),
      "UNSUPPORTED_SIGNATURE",
    ],
    ["SHA-1", signedBy(der.integer(1), issuerAndSerial, sha1, rsa, signature), "UNSUPPORTED_SIGNATURE"],
    ["RSA-PSS", signedBy(der.integer(1), issuerAndSerial, sha256, pss, signature), "UNSUPPORTED_SIGNATURE"],
    [
      "17 signers",
      message(
        der.integer(1),
        der.setOf(sha256),
        data,
        der.setOf(...Array(17).fill(der.sequence(der.integer(1), issuerAndSerial, sha256, rsa, signature))),
      ),
      "UNSUPPORTED_SIGNATURE",
    ],
    ["attributes without messageDigest", withAttributes(contentType), "MALFORMED_SIGNATURE"],
    ["attributes without contentType", withAttributes(messageDigest), "MALFORMED_SIGNATURE"],
    ["no attributes at all", withAttributes(), "MALFORMED_SIGNATURE"],
    ["messageDigest twice", withAttributes(contentType, messageDigest, messageDigest), "MALFORMED_SIGNATURE"],
    [
      "two digests in one",
      withAttributes(
        contentType,
        attribute("1.2.840.113549.1.9.4", der.octetString(new Uint8Array(32)), der.octetString(new Uint8Array(31))),
      ),
      "MALFORMED_DER",
    ],
    [
      "contentType of something else",
      withAttributes(attribute("1.2.840.113549.1.9.3", der.oid("1.2.3")), messageDigest),
      "MALFORMED_SIGNATURE",
    ],
    ["PEM", new TextEncoder().encode(writePem("PKCS7", oracleSignature)), "MALFORMED_DER"],
    ["more than 64 KiB", new Uint8Array(65537), "LIMIT_DER"],
    ["nothing", new Uint8Array(0), "MALFORMED_DER"],
  ])("%s", async (_, cms, code) => {
    expect(await codeOf(() => verifyDetached(cms, rootHashText, certificates))).toBe(code);
  });

  test("an algorithm of another family is a wrong signature, not an error", async () => {
    const cms = signedBy(der.integer(1), issuerAndSerial, sha256, ecdsa, signature);
    expect(await verifyDetached(cms, rootHashText, certificates)).toMatchObject({ reason: "wrong-signature" });
  });

  test("signed attributes over other content", async () => {
    const cms = withAttributes(contentType, messageDigest);
    expect(await verifyDetached(cms, rootHashText, certificates)).toMatchObject({ reason: "other-content" });
  });
});
