import { viewOf } from "@sextant/bytes";

const primes = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;
const [prime1, prime2, prime3, prime4, prime5] = primes;
const stripeBytes = 16;

const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));
const round = (lane: number, word: number) => Math.imul(rotate((lane + Math.imul(word, prime2)) | 0, 13), prime1);

/** XXH32 of a few bytes (xxHash specification 0.1.1, "XXH32 Algorithm Description"), as an unsigned number. */
export function xxh32(bytes: Uint8Array, seed: number): number {
  const view = viewOf(bytes);
  let at = 0;
  let hash = (seed + prime5) | 0;
  if (bytes.length >= stripeBytes) {
    const lanes = [seed + prime1 + prime2, seed + prime2, seed, seed - prime1].map((lane) => lane | 0);
    for (; at + stripeBytes <= bytes.length; at += stripeBytes) {
      for (const [index, lane] of lanes.entries()) lanes[index] = round(lane, view.getUint32(at + 4 * index, true));
    }
    const [a = 0, b = 0, c = 0, d = 0] = lanes;
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), prime3)) | 0, 17), prime4);
  }
  for (; at < bytes.length; at++) {
    hash = Math.imul(rotate((hash + Math.imul(view.getUint8(at), prime5)) | 0, 11), prime1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), prime2);
  hash = Math.imul(hash ^ (hash >>> 13), prime3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
