// The Zstandard format, RFC 8878.

export const frameMagic = 0xfd2fb528;
/** 0x184D2A50…5F: frames to skip (3.1.2). */
export const skippableMagic = 0x184d2a50;
export const skippableMask = 0xfffffff0;

/** Frame header descriptor (3.1.1.1.1). */
export const descriptor = {
  contentSizeShift: 6,
  singleSegment: 0x20,
  reserved: 0x08,
  checksum: 0x04,
  dictionaryMask: 0x03,
} as const;
/** Bytes of the dictionary id and of the content size by their flags. */
export const dictionaryIdBytes = [0, 1, 2, 4] as const;
export const contentSizeBytes = [0, 2, 4, 8] as const;

export const blockTypes = { raw: 0, rle: 1, compressed: 2, reserved: 3 } as const;
export const blockHeaderBytes = 3;
/** Block_Maximum_Size is this or the window's size, if that is less (3.1.1.2.4). */
export const largestBlockBytes = 128 * 1024;

export const literalTypes = { raw: 0, rle: 1, compressed: 2, treeless: 3 } as const;
export const sequenceModes = { predefined: 0, rle: 1, fse: 2, repeat: 3 } as const;

/** Longest Huffman code (4.2.1). */
export const huffmanLongestBits = 11;
export const weightsLargestLog = 6;

/** What one of the three kinds of sequence codes stands for (3.1.1.3.2.1.1) and how it is coded by default (3.1.1.3.2.2). */
export interface SequenceCodes {
  readonly name: string;
  readonly largestLog: number;
  /** For each code: the smallest value, and how many bits are added to it. */
  readonly bases: Int32Array;
  readonly extraBits: Uint8Array;
  readonly defaultLog: number;
  readonly defaultCounts: Int16Array;
}

/** Values that grow from code to code by `1 << extra`. */
function codes(first: number, extraBits: readonly number[]): Pick<SequenceCodes, "bases" | "extraBits"> {
  let base = first;
  const bases = extraBits.map((extra) => {
    const value = base;
    base += 2 ** extra;
    return value;
  });
  return { bases: Int32Array.from(bases), extraBits: Uint8Array.from(extraBits) };
}

const zeros = (count: number) => new Array<number>(count).fill(0);

export const literalLengths: SequenceCodes = {
  name: "literal lengths",
  largestLog: 9,
  ...codes(0, [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
  defaultLog: 6,
  defaultCounts: Int16Array.of(
    ...[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1],
    ...[-1, -1, -1, -1],
  ),
};

export const matchLengths: SequenceCodes = {
  name: "match lengths",
  largestLog: 9,
  ...codes(3, [...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
  defaultLog: 6,
  defaultCounts: Int16Array.of(
    ...[1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ...[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1],
  ),
};

/** Code n adds n bits to `1 << n`. Codes above 30 lead beyond any window that memory has. */
export const offsets: SequenceCodes = {
  name: "offsets",
  largestLog: 8,
  ...codes(
    1,
    Array.from({ length: 31 }, (_, code) => code),
  ),
  defaultLog: 5,
  defaultCounts: Int16Array.of(
    ...[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  ),
};
