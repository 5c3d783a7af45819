import { crc32, crc32cRaw, digestBytes, type HashAlgorithm, portableHasher, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import fc from "fast-check";
import { expect, test } from "vitest";

const text = (value: string) => new TextEncoder().encode(value);
const crc32c = (bytes: Uint8Array) => ~crc32cRaw(0xffffffff, bytes) >>> 0;

// The check values of the catalogue of parametrised CRC algorithms, and the vectors of RFC 3720, B.4.
test.each<[string, (bytes: Uint8Array) => number, Uint8Array, number]>([
  ["CRC-32 of nothing", crc32, text(""), 0],
  ["CRC-32", crc32, text("123456789"), 0xcbf43926],
  ["CRC-32C of nothing", crc32c, text(""), 0],
  ["CRC-32C", crc32c, text("123456789"), 0xe3069283],
  ["CRC-32C of 32 zeros", crc32c, new Uint8Array(32), 0x8a9136aa],
  ["CRC-32C of 32 ones", crc32c, new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["CRC-32C of 0…31", crc32c, Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
])("%s", (_, sum, bytes, expected) => {
  expect(sum(bytes)).toBe(expected);
});

/** One bit at a time: slow and plainly right. */
function bitwise(polynomial: number, state: number, bytes: Uint8Array): number {
  let crc = state;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  }
  return crc >>> 0;
}

test("any bytes, at any alignment, from any state", () => {
  const parts = fc.tuple(fc.uint8Array({ maxLength: 70 }), fc.nat(9), fc.nat(0xffffffff));
  fc.assert(
    fc.property(parts, ([bytes, skip, state]) => {
      const part = bytes.subarray(skip);
      expect(crc32cRaw(state, part)).toBe(bitwise(0x82f63b78, state, part));
      expect(crc32(part)).toBe(~bitwise(0xedb88320, -1, part) >>> 0);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("a sum goes on over parts", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
  for (const cut of [0, 1, 7, 8, 9, 50, 99, 100]) {
    expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
    expect(crc32cRaw(crc32cRaw(5, bytes.subarray(0, cut)), bytes.subarray(cut))).toBe(crc32cRaw(5, bytes));
  }
});

// FIPS 180-4 examples.
test.each<[HashAlgorithm, string, string]>([
  ["sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "sha512",
    "abc",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ],
])("%s of %o, by both hashers, at once and in parts", (algorithm, input, hex) => {
  const bytes = text(input);
  for (const hasher of [portableHasher, nodeHasher]) {
    const state = hasher.create(algorithm);
    for (const byte of bytes) state.update(Uint8Array.of(byte));
    const digests = [hasher.hash(algorithm, bytes), state.digest()];
    for (const digest of digests) {
      expect(toHex(digest)).toBe(hex);
      expect(digest.length).toBe(digestBytes[algorithm]);
      // A Buffer's `slice` would not copy.
      expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype);
    }
  }
});

// NIST SP 800-38D's GCM specification, test case 1: key, nonce and data of nothing but zeros.
test("the fingerprint of nothing is GCM's first test vector", async () => {
  for (const hasher of [portableHasher, nodeHasher]) {
    expect(toHex(await hasher.fingerprint(new Uint8Array(0)))).toBe("58e2fccefa7e3061367f1d57a4e7455a");
  }
});

test("both hashers give the same fingerprints, and another one for every other content", async () => {
  const seen = new Set<string>();
  for (const size of [1, 15, 16, 17, 4095, 4096, 65_536]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7) & 0xff);
    for (let flipped = 0; flipped < 3; flipped++) {
      const text = toHex(await nodeHasher.fingerprint(bytes));
      expect(toHex(await portableHasher.fingerprint(bytes))).toBe(text);
      expect(seen.has(text)).toBe(false);
      seen.add(text);
      bytes[(flipped * size) >> 2] = (bytes[(flipped * size) >> 2] ?? 0) ^ (1 << flipped);
    }
  }
});
