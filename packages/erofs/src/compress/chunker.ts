/**
 * Content-defined chunks: a boundary stands where the last 32 bytes say so, so equal content is cut alike wherever it is.
 * No chunk but a file's last one is smaller than a block, since no two extents of a file may begin in the same one.
 */
export const chunkLimits = { least: 4096, most: 64 << 10 } as const;
/** One position in 8192 is a boundary. */
const boundaryMask = 0xfff80000;

/** A number for each byte: the first output of a splitmix32 generator from that byte on. */
const gear = Int32Array.from({ length: 256 }, (_, byte) => {
  let mixed = Math.imul(byte + 1, 0x9e3779b9);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
});

/** Where the chunk that begins at `start` ends, `end` at the latest. */
export function chunkEnd(bytes: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + chunkLimits.most);
  let at = start + chunkLimits.least - 32;
  if (at >= last) return last;
  let hash = 0;
  for (const warm = Math.min(last, at + 32); at < warm; at++) hash = (hash << 1) + (gear[bytes[at] ?? 0] ?? 0);
  for (; at < last; at++) {
    if ((hash & boundaryMask) === 0) return at;
    hash = (hash << 1) + (gear[bytes[at] ?? 0] ?? 0);
  }
  return last;
}
