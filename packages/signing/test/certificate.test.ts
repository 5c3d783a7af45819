import { toHex } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { oid } from "../src/algorithms.js";
import { readDer } from "../src/der.js";
import * as der from "../src/der-write.js";
import {
  certificateKey,
  createCertificate,
  describeKey,
  generateKeyPair,
  type KeyAlgorithm,
  keyAlgorithms,
  pemSigner,
  readCertificates,
  writePem,
} from "../src/index.js";
import { readName, writeCommonName } from "../src/name.js";
import { codeOf, oracleCertificate, oracleKey } from "./oracle.js";

const year = 365 * 86400;
const options = {
  commonName: "sextant test",
  notBefore: Date.UTC(2026, 0) / 1000,
  notAfter: Date.UTC(2026, 0) / 1000 + 10 * year,
};

describe("the certificate of the oracle", () => {
  const [certificate] = readCertificates(oracleCertificate);

  test("reads as openssl prints it", () => {
    expect(certificate).toMatchObject({
      fingerprint: "55f368f7c8e564d47ed895f460961542aa926c06baee5682102bcdb3e951d336",
      notBefore: Date.UTC(2026, 10, 23, 20, 14, 4) / 1000,
      notAfter: Date.UTC(2036, 10, 20, 20, 14, 4) / 1000,
      subject: { text: "CN=probe" },
      issuer: { text: "CN=probe" },
      keyUsage: undefined,
      isCertificateAuthority: true,
    });
    expect(toHex(certificate?.serial ?? new Uint8Array())).toBe("688e7289e427479e3dae62b85c095e012a435a70");
    expect(toHex(certificate?.subjectKeyIdentifier ?? new Uint8Array())).toBe(
      "9416db75effe3be5589cc2bc5619b4b101ceda95",
    );
    expect(certificate && describeKey(certificateKey(certificate))).toBe("RSA-2048");
  });

  test("DER and PEM bundles are read too", () => {
    const bytes = certificate?.der ?? new Uint8Array();
    expect(readCertificates(bytes)[0]?.fingerprint).toBe(certificate?.fingerprint);
    const bundle = `${writePem("PRIVATE KEY", Uint8Array.of(0))}${writePem("CERTIFICATE", bytes).repeat(3)}`;
    expect(readCertificates(bundle).map(({ fingerprint }) => fingerprint)).toEqual(
      Array(3).fill(certificate?.fingerprint),
    );
  });

  test("a text without one is refused", async () => {
    expect(await codeOf(() => readCertificates(oracleKey))).toBe("MALFORMED_CERTIFICATE");
  });
});

describe("names", () => {
  const attribute = (type: string, value: Uint8Array) => der.sequence(der.oid(type), value);
  const text = (...sets: Uint8Array[]) => readName(readDer(der.sequence(...sets), 0x30, "name")).text;
  test.each([
    [
      "several parts",
      text(
        der.setOf(attribute("2.5.4.6", der.value(0x13, Uint8Array.of(0x44, 0x45)))),
        der.setOf(attribute(oid.commonName, der.utf8String("ä"))),
      ),
      "C=DE, CN=ä",
    ],
    ["an unknown type", text(der.setOf(attribute("1.2.3", der.utf8String("x")))), "1.2.3=x"],
    ["a value that is no text", text(der.setOf(attribute(oid.commonName, der.integer(5)))), "CN=#020105"],
    ["separators", text(der.setOf(attribute(oid.commonName, der.utf8String("a, O=b")))), "CN=a\\, O\\=b"],
    [
      "what would confuse a terminal",
      text(der.setOf(attribute(oid.commonName, der.utf8String("a\u001b[2J\u202e")))),
      "CN=a\\1B[2J\\E280AE",
    ],
    [
      "two at once",
      text(der.setOf(attribute(oid.commonName, der.utf8String("a")), attribute("2.5.4.11", der.utf8String("b")))),
      "CN=a+OU=b",
    ],
    [
      "a name of a BMP string",
      text(der.setOf(attribute(oid.commonName, der.value(0x1e, Uint8Array.of(0, 0x41))))),
      "CN=A",
    ],
    ["none", text(), ""],
  ])("%s", (_, found, expected) => {
    expect(found).toBe(expected);
  });

  test("a common name has 1 to 64 characters", () => {
    expect(() => writeCommonName("")).toThrow(RangeError);
    expect(() => writeCommonName("ä".repeat(65))).toThrow(RangeError);
    expect(writeCommonName("ä".repeat(64)).length).toBeGreaterThan(128);
  });
});

describe("new certificates", () => {
  test.each(Object.keys(keyAlgorithms) as KeyAlgorithm[])("%s signs and reads back", async (algorithm) => {
    const pair = await generateKeyPair(algorithm, options);
    expect(pair.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    const [certificate] = readCertificates(pair.certificate);
    expect(certificate).toMatchObject({
      subject: { text: "CN=sextant test" },
      notBefore: options.notBefore,
      notAfter: options.notAfter,
      keyUsage: ["digitalSignature"],
      isCertificateAuthority: false,
    });
    expect(certificate && certificateKey(certificate)).toEqual(keyAlgorithms[algorithm]);
    const signer = await pemSigner(pair);
    expect(signer.algorithm).toBe(algorithm.startsWith("rsa") ? "rsa-sha256" : "ecdsa-sha256");
  });

  test("the same RSA key and options give the same bytes", async () => {
    const once = await createCertificate(oracleKey, options);
    expect(await createCertificate(oracleKey, options)).toBe(once);
    expect(await createCertificate(oracleKey, { ...options, serial: Uint8Array.of(1) })).not.toBe(once);
  });

  test.each([
    ["a serial number of zero", { serial: new Uint8Array(4) }],
    ["no serial number", { serial: new Uint8Array(0) }],
    ["a serial number of 21 bytes", { serial: new Uint8Array(20).fill(0xff) }],
    ["an end before the beginning", { notAfter: options.notBefore - 1 }],
    ["a time with fractions", { notBefore: 0.5 }],
    ["no name", { commonName: "" }],
  ])("%s is the caller's error", async (_, change) => {
    await expect(createCertificate(oracleKey, { ...options, ...change })).rejects.toThrow(RangeError);
  });

  test("so is an unknown algorithm", async () => {
    await expect(generateKeyPair("dsa" as KeyAlgorithm, options)).rejects.toThrow(TypeError);
  });
});
