import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { equalBytes } from "@sextant/bytes";
import { describeWithPeers } from "@sextant/peers";
import { temporaryDirectory } from "@sextant/testkit";
import { afterAll, describe, expect, test } from "vitest";
import {
  createCertificate,
  describeKey,
  generateKeyPair,
  type KeyAlgorithm,
  keyAlgorithms,
  pemSigner,
  readCertificates,
  readPrivateKey,
  signDetached,
  verifyDetached,
} from "../src/index.js";
import { codeOf, oracle, rootHashText } from "./oracle.js";

const now = Math.floor(Date.now() / 1000);
const options = { commonName: "sextant test", notBefore: now - 86400, notAfter: now + 3650 * 86400 };

describeWithPeers("openssl", ["openssl"], ({ openssl }) => {
  const folder = temporaryDirectory();
  afterAll(() => folder.remove());
  const at = (name: string) => join(folder.path, name);
  const run = async (...args: string[]) => {
    const result = await openssl.run(args, { cwd: folder.path });
    return `${result.exitCode} ${result.stderr}${result.text}`;
  };
  const sign = ([tool = "", ...how]: readonly string[], name: string) => {
    const key = ["-signer", at(`${name}.crt`), "-inkey", at(`${name}.key`)];
    const files = ["-in", at("content"), "-outform", "der", "-out", at(`${name}.made`)];
    return run(tool, "-sign", "-binary", ...files, ...key, ...how);
  };
  writeFileSync(at("content"), rootHashText);

  describe.each(Object.keys(keyAlgorithms) as KeyAlgorithm[])("our %s", (algorithm) => {
    test("key, certificate and signature are accepted", async () => {
      const pair = await generateKeyPair(algorithm, options);
      writeFileSync(at(`${algorithm}.key`), pair.key);
      writeFileSync(at(`${algorithm}.crt`), pair.certificate);
      writeFileSync(at(`${algorithm}.p7s`), await signDetached(await pemSigner(pair), rootHashText));
      const certificate = at(`${algorithm}.crt`);
      const text = await run("x509", "-in", certificate, "-noout", "-text", "-fingerprint", "-sha256");
      expect(text).toMatch(/^0 /);
      expect(text).toContain("X509v3 Key Usage: critical\n                Digital Signature\n");
      expect(text).toContain("X509v3 Basic Constraints: critical\n                CA:FALSE\n");
      expect(text.replaceAll(":", "").toLowerCase()).toContain(
        readCertificates(pair.certificate)[0]?.fingerprint ?? "?",
      );
      expect(await run("verify", "-x509_strict", "-check_ss_sig", "-CAfile", certificate, certificate)).toMatch(
        /^0 .*: OK/,
      );
      expect(await run("pkey", "-in", at(`${algorithm}.key`), "-check", "-noout")).toMatch(/^0 .*Key is valid/);
      const message = [
        "-verify",
        "-inform",
        "der",
        "-in",
        at(`${algorithm}.p7s`),
        "-content",
        at("content"),
        "-binary",
        "-out",
        at("out"),
      ];
      const listed = ["-certfile", certificate, "-nointern", "-noverify"];
      for (const tool of ["cms", "smime"]) {
        expect(await run(tool, ...message, "-CAfile", certificate)).toMatch(/^0 (CMS )?Verification successful/);
        // As systemd asks: the listed certificates only, no chain.
        expect(
          await run(tool, ...message, ...(tool === "cms" ? ["-certfile", certificate, "-noverify"] : listed)),
        ).toMatch(/^0 /);
      }
      writeFileSync(at("other"), "other content");
      const other = message.map((word) => (word === at("content") ? at("other") : word));
      expect(await run("cms", ...other, "-CAfile", certificate)).not.toMatch(/^0 /);
    });

    test("openssl's signatures of every shape are valid", async () => {
      const listed = readCertificates(new Uint8Array(readFileSync(at(`${algorithm}.crt`))));
      const shapes: readonly (readonly string[])[] = [
        ["smime", "-noattr", "-nosmimecap"],
        ["smime"],
        ["smime", "-nocerts"],
        ["smime", "-md", "sha512"],
        ["cms", "-noattr"],
        ["cms"],
        ["cms", "-md", "sha384"],
        ["cms", "-cades"],
      ];
      for (const how of shapes) {
        expect(await sign(how, algorithm)).toMatch(/^0 /);
        const cms = new Uint8Array(readFileSync(at(`${algorithm}.made`)));
        expect({ how, ...(await verifyDetached(cms, rootHashText, listed)) }).toMatchObject({ how, valid: true });
        expect((await verifyDetached(cms, rootHashText.subarray(1), listed)).valid).toBe(false);
      }
    });
  });

  test("an RSA signature is the very bytes of openssl smime", async () => {
    expect(await sign(["smime", "-noattr", "-nosmimecap"], "rsa-4096")).toMatch(/^0 /);
    const ours = new Uint8Array(readFileSync(at("rsa-4096.p7s")));
    expect(equalBytes(new Uint8Array(readFileSync(at("rsa-4096.made"))), ours)).toBe(true);
  });

  test("shapes that PKCS #7 does not have are refused", async () => {
    for (const how of [
      ["cms", "-keyid"],
      ["cms", "-nodetach"],
      ["cms", "-keyopt", "rsa_padding_mode:pss"],
    ]) {
      expect(await sign(how, "rsa-2048")).toMatch(/^0 /);
      const cms = new Uint8Array(readFileSync(at("rsa-2048.made")));
      const listed = readCertificates(new Uint8Array(readFileSync(at("rsa-2048.crt"))));
      expect(await codeOf(() => verifyDetached(cms, rootHashText, listed))).toBe("UNSUPPORTED_SIGNATURE");
    }
  });

  test.each([
    ["RSA, PKCS #8", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "RSA-2048"],
    ["RSA, PKCS #1", ["genrsa", "-traditional", "2048"], "RSA-2048"],
    ["an RSA key of an odd size", ["genrsa", "2056"], "RSA-2056"],
    ["EC, SEC 1, with its parameters before it", ["ecparam", "-genkey", "-name", "secp384r1"], "ECDSA P-384"],
    ["EC, PKCS #8", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "ECDSA P-521"],
  ])("a key of openssl: %s", async (_, args, kind) => {
    const result = await openssl.run(args);
    const key = result.stdout;
    expect(describeKey(readPrivateKey(key).kind)).toBe(kind);
    const certificate = await createCertificate(key, options);
    writeFileSync(at("made.crt"), certificate);
    expect(await run("verify", "-CAfile", at("made.crt"), at("made.crt"))).toMatch(/^0 /);
    const cms = await signDetached(await pemSigner({ key, certificate }), rootHashText);
    expect((await verifyDetached(cms, rootHashText, readCertificates(certificate))).valid).toBe(true);
  });

  test.each([
    ["RSA of 1024 bits", ["genrsa", "1024"], "UNSUPPORTED_KEY"],
    ["another curve", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "UNSUPPORTED_KEY"],
    [
      "explicit parameters",
      ["ecparam", "-genkey", "-name", "prime256v1", "-param_enc", "explicit", "-noout"],
      "UNSUPPORTED_KEY",
    ],
    ["Ed25519", ["genpkey", "-algorithm", "ed25519"], "UNSUPPORTED_KEY"],
    [
      "PKCS #8 with a passphrase",
      ["genpkey", "-algorithm", "RSA", "-aes256", "-pass", "pass:secret"],
      "UNSUPPORTED_ENCRYPTED_KEY",
    ],
    [
      "PKCS #1 with a passphrase",
      ["genrsa", "-traditional", "-aes256", "-passout", "pass:secret", "2048"],
      "UNSUPPORTED_ENCRYPTED_KEY",
    ],
  ])("a key that we refuse: %s", async (_, args, code) => {
    const { stdout } = await openssl.run(args);
    expect(await codeOf(() => readPrivateKey(stdout))).toBe(code);
  });

  test("a SEC 1 key without its public half still signs", async () => {
    const key = oracle("throwaway-key.pem");
    expect(describeKey(readPrivateKey(key).kind)).toBe("RSA-2048");
    const made = await openssl.run(["ecparam", "-genkey", "-name", "prime256v1", "-noout"]);
    writeFileSync(at("sec1.key"), made.stdout);
    const bare = await openssl.run(["ec", "-in", at("sec1.key"), "-no_public"]);
    const certificate = await createCertificate(bare.stdout, options);
    const cms = await signDetached(await pemSigner({ key: bare.stdout, certificate }), rootHashText);
    expect((await verifyDetached(cms, rootHashText, readCertificates(certificate))).valid).toBe(true);
  });
});
