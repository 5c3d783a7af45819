import { concatBytes, fromHex, toHex } from "@sextant/bytes";
import { CodecError, type CodecErrorCode, clusterDecoder, decodeBlock, lz4Encoder } from "@sextant/codecs";
import { describe, expect, test } from "vitest";
import { fast, isEqual, mutations } from "./decoders.js";
import { sample } from "./samples.js";

const hexOf = (text: string) => toHex(new TextEncoder().encode(text));
const letters = (count: number) => "abcdefghijklmnopqrstuvwxyz".repeat(40).slice(0, count);

function decode(block: Uint8Array, outputBytes: number, partial = false): Uint8Array {
  const output = new Uint8Array(outputBytes);
  return output.subarray(0, decodeBlock("lz4", block, output, { partial }));
}

const rows: readonly (readonly [name: string, block: string, content: string])[] = [
  ["nothing", "00", ""],
  ["one literal", "1061", "61"],
  ["fourteen literals", `e0${hexOf(letters(14))}`, hexOf(letters(14))],
  ["fifteen literals", `f000${hexOf(letters(15))}`, hexOf(letters(15))],
  ["269 literals", `f0fe${hexOf(letters(269))}`, hexOf(letters(269))],
  ["270 literals", `f0ff00${hexOf(letters(270))}`, hexOf(letters(270))],
  ["a match of one byte over and over", "1f61010001506162636465", hexOf(`${"a".repeat(21)}abcde`)],
  ["a match that overlaps itself", "336162630300503132333435", hexOf(`${"abc".repeat(3)}a12345`)],
  ["a match without an overlap", "40616263640400506162636465", hexOf("abcdabcdabcde")],
  ["two matches without literals between", "10610100000500506162636465", hexOf(`${"a".repeat(9)}abcde`)],
  ["a match of 18 bytes", "1e610100506162636465", hexOf(`${"a".repeat(19)}abcde`)],
  ["a match of 19 bytes", "1f61010000506162636465", hexOf(`${"a".repeat(20)}abcde`)],
  ["a match of 274 bytes", "1f610100ff00506162636465", hexOf(`${"a".repeat(275)}abcde`)],
  ["a match to the start, and one literal", "20616202001078", hexOf("abababx")],
];

describe("blocks", () => {
  test.each(rows)("%s", (_name, block, content) => {
    const input = fromHex(block);
    const bytes = content.length / 2;
    expect(toHex(decode(input, bytes))).toBe(content);
    expect(toHex(decode(input, bytes + 100))).toBe(content);
    for (let part = 0; part <= bytes; part++) {
      expect(toHex(decode(input, part, true))).toBe(content.slice(0, 2 * part));
      if (part < bytes) expect(() => decode(input, part)).toThrow(`the content has more than ${part} bytes`);
    }
  });
});

type Row = readonly [name: string, block: string, code: CodecErrorCode, path: string, offset: number];
const malformed: readonly Row[] = [
  ["nothing at all", "", "MALFORMED_TRUNCATED", "lz4.token", 0],
  ["literals that don't come", "50616263", "MALFORMED_TRUNCATED", "lz4.literals", 4],
  ["a literals' length that doesn't end", "f0ffff", "MALFORMED_TRUNCATED", "lz4.literals", 3],
  ["a length of a gigabyte", `f0${"ff".repeat(4096)}00`, "MALFORMED_TRUNCATED", "lz4.literals", 4098],
  ["half a distance", "106101", "MALFORMED_TRUNCATED", "lz4.distance", 3],
  ["the distance 0", "10610000506162636465", "MALFORMED_DATA", "lz4.distance", 2],
  ["a distance to before the start", "10610200506162636465", "MALFORMED_DATA", "lz4.distance", 2],
  ["a match before any literal", "000100506162636465", "MALFORMED_DATA", "lz4.distance", 1],
  ["a match's length that doesn't end", "1f610100ff", "MALFORMED_TRUNCATED", "lz4.match", 5],
  ["no literals behind the last match", "10610100", "MALFORMED_TRUNCATED", "lz4.token", 4],
  ["more literals than there is room for", `f0f5${hexOf(letters(260))}`, "LIMIT_OUTPUT", "lz4", 0],
  ["a longer match than there is room for", "1f610100ffff00506162636465", "LIMIT_OUTPUT", "lz4", 0],
];

describe("malformed blocks", () => {
  test.each(malformed)("%s", (_name, block, code, path, offset) => {
    const refused = { constructor: CodecError, code, context: { path, offset } };
    const caught = (run: () => unknown) => {
      try {
        return run();
      } catch (error) {
        return error;
      }
    };
    expect(caught(() => decode(fromHex(block), 200))).toMatchObject(refused);
    // The fast decoder refuses them as well, and leaves it to this one to say why.
    expect(caught(() => clusterDecoder().decode("lz4", fromHex(block), new Uint8Array(200)))).toMatchObject(refused);
  });

  test("a block with something behind", () => {
    const block = concatBytes([fromHex("1061"), fromHex("00")]);
    expect(() => decode(block, 10)).toThrow(CodecError);
    expect(toHex(decode(block, 1, true))).toBe("61");
  });
});

test("both decoders take and refuse the same", () => {
  const encoder = lz4Encoder({ level: 3 });
  const content = sample(3000, 9);
  encoder.input(content.length).set(content);
  const block = encoder.fill(0, content.length, 4096)?.bytes.slice() ?? new Uint8Array(0);
  for (const mutation of mutations(block, 4, 6000)) {
    for (const partial of [false, true]) {
      let expected: Uint8Array | undefined;
      try {
        expected = decode(mutation, 4000, partial);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
      if (!isEqual(fast("lz4", mutation, 4000, partial), expected)) {
        throw new Error(`they differ over ${toHex(mutation)}`);
      }
    }
  }
});
