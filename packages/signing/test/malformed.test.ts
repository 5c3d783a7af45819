import { mutations } from "@sextant/testkit";
import { describe, expect, test } from "vitest";
import { derChildren, derTag, readDer } from "../src/der.js";
import {
  certificateKey,
  parseCertificate,
  pemSigner,
  readCertificates,
  readPem,
  readPrivateKey,
  SigningError,
  signDetached,
  verifyDetached,
  writePem,
} from "../src/index.js";
import { codeOf, oracleCertificate, oracleKey, oracleSignature, rootHashText } from "./oracle.js";

const certificates = readCertificates(oracleCertificate);
const certificate = certificates[0]?.der ?? new Uint8Array();
const keyBytes = readPem(oracleKey)[0]?.bytes ?? new Uint8Array();

/** Runs it; anything but a result or a `SigningError` fails the test with what was done to the bytes. */
async function survives(what: string, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof SigningError)) throw new Error(`${what}: ${String(error)}`, { cause: error });
  }
}

describe("damaged input gives an error with a code or is read, and nothing else", () => {
  test("signatures", async () => {
    for (const { bytes, what } of mutations(oracleSignature, { seed: 1, count: 1500, headBytes: 64 })) {
      await survives(what, () => verifyDetached(bytes, rootHashText, certificates));
    }
  });

  test("certificates", async () => {
    for (const { bytes, what } of mutations(certificate, { seed: 2, count: 1500, headBytes: 300 })) {
      await survives(what, () => certificateKey(parseCertificate(bytes)));
      await survives(what, () => verifyDetached(oracleSignature, rootHashText, [parseCertificate(bytes)]));
    }
  });

  test("keys, down to signing with them", async () => {
    for (const { bytes, what } of mutations(keyBytes, { seed: 3, count: 300, headBytes: 64 })) {
      const key = writePem("PRIVATE KEY", bytes);
      await survives(what, () => readPrivateKey(key));
      await survives(what, () => pemSigner({ key, certificate: oracleCertificate }));
    }
  });

  test("PEM texts", async () => {
    for (const { bytes, what } of mutations(oracleCertificate, { seed: 4, count: 1500, headBytes: 64 })) {
      await survives(what, () => readCertificates(bytes));
    }
  });

  test("every truncation of a signature and a certificate", async () => {
    for (let size = 0; size < oracleSignature.length; size++) {
      expect(await codeOf(() => verifyDetached(oracleSignature.subarray(0, size), rootHashText, certificates))).toBe(
        "MALFORMED_DER",
      );
    }
    for (let size = 0; size < certificate.length; size++) {
      expect(await codeOf(() => parseCertificate(certificate.subarray(0, size)))).toBe("MALFORMED_DER");
    }
  });
});

describe("nothing that is signed can be changed", () => {
  /** The signer info: whom the message names, how it was signed, and the signature. */
  const signerInfoStart = (() => {
    const info = derChildren(readDer(oracleSignature, derTag.sequence, "cms"));
    info.any("type");
    const data = derChildren(derChildren(info.any("content")).any("signedData"));
    let last = data.any("member");
    while (data.more) last = data.any("member");
    return last.offset;
  })();

  test("no bit of the signer info", async () => {
    for (let bit = 8 * signerInfoStart; bit < 8 * oracleSignature.length; bit += 1) {
      const bytes = oracleSignature.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const verdict = await verifyDetached(bytes, rootHashText, certificates).catch((error: unknown) => error);
      if (verdict instanceof SigningError) continue;
      expect({ bit, verdict }).toMatchObject({ bit, verdict: { valid: false } });
    }
  });

  test("no bit of the content", async () => {
    for (let bit = 0; bit < 8 * rootHashText.length; bit++) {
      const content = rootHashText.slice();
      content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect((await verifyDetached(oracleSignature, content, certificates)).valid).toBe(false);
    }
  });

  test("no byte of an ECDSA signature", async () => {
    const { generateKeyPair } = await import("../src/index.js");
    const pair = await generateKeyPair("ecdsa-p256", { commonName: "x", notBefore: 0, notAfter: 1 });
    const cms = await signDetached(await pemSigner(pair), rootHashText);
    const listed = readCertificates(pair.certificate);
    for (let at = cms.length - 72; at < cms.length; at++) {
      const bytes = cms.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x41;
      const verdict = await verifyDetached(bytes, rootHashText, listed).catch(() => ({ valid: false }));
      expect(verdict.valid).toBe(false);
    }
  });
});

describe("certificates", () => {
  test.each([
    ["nothing", ""],
    ["an empty sequence", "3000"],
    ["a sequence of nulls", "30060500050005 00".replace(" ", "")],
  ])("%s", async (_, hex) => {
    const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    expect(await codeOf(() => parseCertificate(bytes))).toBe("MALFORMED_DER");
  });
});

describe("keys", () => {
  const text = new TextDecoder().decode(oracleKey);
  test.each([
    ["nothing", "", "MALFORMED_KEY"],
    ["a certificate", new TextDecoder().decode(oracleCertificate), "MALFORMED_KEY"],
    ["two keys", text + text, "MALFORMED_KEY"],
    ["an empty key", writePem("PRIVATE KEY", new Uint8Array(0)), "MALFORMED_DER"],
    ["PKCS #8 labelled as PKCS #1", text.replaceAll("PRIVATE", "RSA PRIVATE"), "MALFORMED_DER"],
    ["an OpenSSH key", writePem("OPENSSH PRIVATE KEY", new Uint8Array(16)), "UNSUPPORTED_KEY"],
    ["PKCS #8 with a passphrase", writePem("ENCRYPTED PRIVATE KEY", new Uint8Array(16)), "UNSUPPORTED_ENCRYPTED_KEY"],
  ])("%s", async (_, pem, code) => {
    expect(await codeOf(() => readPrivateKey(pem))).toBe(code);
  });
});
