import type { ByteSource } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { DdiError, decodeSignature, encodeSignature, readSignature } from "../src/index.js";

describe("signature partitions", () => {
  const good = { rootHash: "ab".repeat(32), signature: "AQID" };
  const text = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  const padded = (bytes: Uint8Array, size = 4096) => {
    const whole = new Uint8Array(size);
    whole.set(bytes);
    return whole;
  };

  test.each([
    ["compact", text(good)],
    ["with blanks and line ends", text(JSON.stringify(good, undefined, 2))],
    ["in another order, with more members", text({ signature: "AQID", more: { deep: [1] }, rootHash: good.rootHash })],
    ["with upper-case digits", text({ ...good, rootHash: good.rootHash.toUpperCase() })],
    ["with line ends in the base64", text({ ...good, signature: "AQ\nID" })],
    ["a fingerprint that is no text", text({ ...good, certificateFingerprint: 5 })],
  ])("%s is read", (_, bytes) => {
    const expected = { rootHash: new Uint8Array(32).fill(0xab), signature: Uint8Array.of(1, 2, 3) };
    expect(decodeSignature(padded(bytes))).toEqual({ ...expected, certificateFingerprint: undefined });
    expect(decodeSignature(bytes)).toMatchObject(expected);
  });

  test.each([
    ["nothing", new Uint8Array(0), "signature", 100],
    ["zeros", new Uint8Array(64), "signature", 100],
    ["bytes behind the NUL", padded(text(good), 160).with(79 + 60, 1), "signature", 239],
    ["not UTF-8", text(good).with(3, 0xff), "signature", 100],
    ["a byte order mark", text(`\ufeff${JSON.stringify(good)}`), "signature", 100],
    ["no JSON", text("{"), "signature", 100],
    ["an array", text([good]), "signature", 100],
    ["null", text("null"), "signature", 100],
    ["JSON twice", text(JSON.stringify(good).repeat(2)), "signature", 100],
    ["100,000 brackets", text("[".repeat(100_000)), "signature", 100],
    ["no rootHash", text({ signature: "AQID" }), "signature.rootHash", 100],
    ["a rootHash that is no text", text({ ...good, rootHash: 5 }), "signature.rootHash", 100],
    ["a rootHash of odd length", text({ ...good, rootHash: "abc" }), "signature.rootHash", 100],
    ["a rootHash of 15 bytes", text({ ...good, rootHash: "ab".repeat(15) }), "signature.rootHash", 100],
    ["a rootHash of other digits", text({ ...good, rootHash: "xy".repeat(32) }), "signature.rootHash", 100],
    ["no signature", text({ rootHash: good.rootHash }), "signature.signature", 100],
    ["an empty signature", text({ ...good, signature: "" }), "signature.signature", 100],
    ["a signature that is no base64", text({ ...good, signature: "A" }), "signature.signature", 100],
    [
      "two root hashes",
      text(`{"rootHash":"${"cd".repeat(32)}",${JSON.stringify(good).slice(1)}`),
      "signature.rootHash",
      100,
    ],
    [
      "two, one in disguise",
      text(`{"root\\u0048ash":"${"cd".repeat(32)}",${JSON.stringify(good).slice(1)}`),
      "signature",
      100,
    ],
  ])("%s is refused", (_, bytes, path, offset) => {
    let thrown: unknown;
    try {
      decodeSignature(bytes, 100, "x.raw");
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DdiError);
    expect(thrown).toMatchObject({ code: "MALFORMED_SIGNATURE_PARTITION", context: { path, offset, source: "x.raw" } });
  });

  test("more than 4 MiB is refused before it is read", async () => {
    const source: ByteSource = { size: (4 << 20) + 1, read: () => Promise.reject(new Error("read")) };
    await expect(readSignature({ source, start: 7 })).rejects.toMatchObject({ code: "LIMIT_SIGNATURE_PARTITION" });
  });

  test("a signature needs room for itself and one NUL", () => {
    const signed = { rootHash: new Uint8Array(32), signature: new Uint8Array(12_000) };
    const { length } = encodeSignature(signed, 1 << 20);
    expect(encodeSignature(signed, length + 1).length).toBe(length);
    expect(() => encodeSignature(signed, length)).toThrow(expect.objectContaining({ code: "LIMIT_SIGNATURE" }));
  });
});
