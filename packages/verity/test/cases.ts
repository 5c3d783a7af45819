import { fromHex, type HashAlgorithm } from "@sextant/bytes";
import type { HashType, VerityOptions } from "@sextant/verity";

/** Data that repeat nowhere within a block or from block to block, the same everywhere. */
export function pattern(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1) ^ (i >>> 7);
  return new Uint8Array(words.buffer, 0, size);
}

export const uuidText = "00112233-4455-6677-8899-aabbccddeeff";
export const uuid = fromHex(uuidText.replaceAll("-", ""));

export interface Case {
  readonly name: string;
  readonly blocks: number;
  readonly options: VerityOptions & {
    readonly algorithm: HashAlgorithm;
    readonly hashType: HashType;
    readonly dataBlockBytes: number;
    readonly hashBlockBytes: number;
    readonly salt: Uint8Array;
  };
}

type Row = readonly [
  algorithm: HashAlgorithm,
  hashType: HashType,
  dataBlockBytes: number,
  hashBlockBytes: number,
  saltBytes: number,
  blocks: readonly number[],
];

/** Block counts stand around the places where a level, or a block of it, is full. */
const rows: readonly Row[] = [
  ["sha256", 1, 4096, 4096, 32, [1, 2, 127, 128, 129, 255, 256, 257]],
  ["sha256", 1, 512, 4096, 32, [128 * 128 - 1, 128 * 128, 128 * 128 + 1]],
  ["sha256", 1, 512, 512, 0, [1, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097]],
  ["sha512", 1, 512, 512, 16, [1, 7, 8, 9, 63, 64, 65, 511, 512, 513]],
  ["sha512", 1, 4096, 4096, 0, [1, 63, 64, 65, 129]],
  ["sha256", 1, 1024, 4096, 1, [1, 129]],
  ["sha256", 1, 4096, 1024, 255, [1, 33, 1024, 1025]],
  ["sha256", 1, 512, 65536, 256, [1, 2048, 2049]],
  ["sha256", 1, 65536, 512, 256, [1, 17]],
  ["sha256", 1, 65536, 65536, 32, [1, 3]],
  ["sha256", 0, 4096, 4096, 0, [1, 129]],
  ["sha256", 0, 4096, 4096, 32, [1, 2, 128, 129, 300]],
  ["sha512", 0, 512, 1024, 256, [1, 16, 17, 257]],
];

export const cases: readonly Case[] = rows.flatMap(
  ([algorithm, hashType, dataBlockBytes, hashBlockBytes, salt, counts]) =>
    counts.map((blocks) => ({
      name: `${algorithm} type ${hashType} ${dataBlockBytes}/${hashBlockBytes} salt ${salt} blocks ${blocks}`,
      blocks,
      options: { algorithm, hashType, dataBlockBytes, hashBlockBytes, salt: pattern(4096).subarray(7, 7 + salt) },
    })),
);
