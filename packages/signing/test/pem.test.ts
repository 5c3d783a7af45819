import { toHex } from "@sextant/bytes";
import { seededRandom } from "@sextant/testkit";
import { describe, expect, test } from "vitest";
import { fromBase64, readPem, toBase64, writePem } from "../src/index.js";
import { codeOf, oracleCertificate } from "./oracle.js";

const text = new TextDecoder().decode(oracleCertificate);

describe("base64", () => {
  // RFC 4648 section 10.
  test.each([
    ["", ""],
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["fooba", "Zm9vYmE="],
    ["foobar", "Zm9vYmFy"],
  ])("%j", (plain, encoded) => {
    const bytes = new TextEncoder().encode(plain);
    expect(toBase64(bytes)).toBe(encoded);
    expect(fromBase64(encoded)).toEqual(bytes);
  });

  test("agrees with Node on every length", () => {
    const random = seededRandom(1);
    for (let length = 0; length < 100; length++) {
      const bytes = random.bytes(length);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    }
  });

  test("blanks and line ends are skipped", () => {
    expect(fromBase64(" Zm9v\r\n\tYmFy ")).toEqual(new TextEncoder().encode("foobar"));
  });

  test.each([
    ["no padding", "Zg"],
    ["too little padding", "Zg="],
    ["too much padding", "Zm8=="],
    ["padding alone", "="],
    ["padding of a whole group", "Zm9v===="],
    ["one character", "Z"],
    ["one character, padded", "Z==="],
    ["text behind the padding", "Zg==Zg=="],
    ["the alphabet for URLs", "-_-_"],
    ["bits that mean nothing", "Zh=="],
    ["not ASCII", "Zm9ü"],
  ])("%s is refused", async (_, encoded) => {
    expect(await codeOf(() => fromBase64(encoded))).toBe("MALFORMED_PEM");
  });
});

describe("PEM", () => {
  test("is written as OpenSSL writes it", () => {
    const [block] = readPem(text);
    expect(writePem("CERTIFICATE", block?.bytes ?? new Uint8Array())).toBe(text);
  });

  const expected = toHex(readPem(text)[0]?.bytes ?? new Uint8Array());
  test.each([
    ["CRLF", text.replaceAll("\n", "\r\n")],
    ["CR alone", text.replaceAll("\n", "\r")],
    ["trailing blanks", text.replaceAll("\n", " \t\n")],
    ["text around it", `Subject: probe\nkey: value\n\n${text}\nthe end`],
    ["no line end at the end", text.trimEnd()],
    ["lines of another length", text.replace(/\n(?=[A-Za-z0-9+/=])/g, "\n").replace(/([A-Za-z0-9+/]{20})/g, "$1\n")],
  ])("%s", (_, variant) => {
    expect(readPem(variant).map(({ label, bytes }) => [label, toHex(bytes)])).toEqual([["CERTIFICATE", expected]]);
  });

  test("several blocks keep their order, and headers are read", () => {
    const blocks = readPem(
      `${writePem("A", Uint8Array.of(1))}-----BEGIN B-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAg==\n-----END B-----\n`,
    );
    expect(blocks.map(({ label, bytes }) => [label, ...bytes])).toEqual([
      ["A", 1],
      ["B", 2],
    ]);
    expect([...(blocks[1]?.headers ?? [])]).toEqual([
      ["Proc-Type", "4,ENCRYPTED"],
      ["DEK-Info", "AES-256-CBC,00"],
    ]);
  });

  test("no block is no error", () => {
    expect(readPem("")).toEqual([]);
    expect(readPem(Uint8Array.of(0x30, 0x82, 0xff))).toEqual([]);
  });

  test.each([
    ["no end", "-----BEGIN A-----\nAQ==\n", "MALFORMED_PEM"],
    ["no begin", "-----END A-----\n", "MALFORMED_PEM"],
    ["another end", "-----BEGIN A-----\nAQ==\n-----END B-----\n", "MALFORMED_PEM"],
    ["a begin inside", "-----BEGIN A-----\n-----BEGIN A-----\nAQ==\n-----END A-----\n", "MALFORMED_PEM"],
    ["no base64", "-----BEGIN A-----\n!\n-----END A-----\n", "MALFORMED_PEM"],
    ["too much", "x".repeat((1 << 20) + 1), "LIMIT_DER"],
  ])("%s is refused", async (_, variant, code) => {
    expect(await codeOf(() => readPem(variant))).toBe(code);
  });
});
