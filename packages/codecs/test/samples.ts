import { readFileSync } from "node:fs";
import { concatBytes } from "@sextant/bytes";
import { type CompressionFormat, type DecompressEnd, type DecompressOptions, decompress } from "@sextant/codecs";

/** A small generator with a seed (mulberry32): the same numbers everywhere. */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  };
}

/** Bytes with everything that compressors look for: text, runs, records with a step, copies from far back, noise. */
export function sample(size: number, seed = 1): Uint8Array {
  const next = random(seed);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + (next() % 3000));
    const kind = next() % 5;
    const base = next();
    for (let i = 0; i < length; i++) {
      if (kind === 0) bytes[at + i] = 97 + (next() % 9);
      else if (kind === 1) bytes[at + i] = base & 0xff;
      else if (kind === 2) bytes[at + i] = i % 4 === 0 ? i >> 2 : i % 4;
      else if (kind === 3 && at > 0) bytes[at + i] = bytes[(base % at) + (i % (at - (base % at)))] ?? 0;
      else bytes[at + i] = next();
    }
    at += length;
  }
  return bytes;
}

/** Machine code: this very program's. */
export function machineCode(size: number): Uint8Array {
  const program = readFileSync(process.execPath);
  const start = Math.floor(program.length / 2);
  return new Uint8Array(program.subarray(start, start + size));
}

/** Cuts bytes into chunks of `step`. */
export function* inSteps(bytes: Uint8Array, step = 65536): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

/** All that comes out, and how it ended. */
export async function decompressAll(
  format: CompressionFormat,
  bytes: Uint8Array,
  options: DecompressOptions = {},
  step = 65536,
): Promise<{ readonly bytes: Uint8Array; readonly end: DecompressEnd }> {
  const parts: Uint8Array[] = [];
  const output = decompress(format, inSteps(bytes, step), options);
  for (;;) {
    const { done, value } = await output.next();
    if (done) return { bytes: concatBytes(parts), end: value };
    parts.push(value);
  }
}
