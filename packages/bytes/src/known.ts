import { type ByteSource, checkRange } from "./source.js";

/** A source of which `[start, start + bytes.length)` is here already: reads within it cost no request. */
export function withKnown(source: ByteSource, start: number, bytes: Uint8Array): ByteSource {
  const end = start + bytes.length;
  const whole: ByteSource = {
    size: source.size,
    name: source.name,
    async read(from, to) {
      checkRange(whole, from, to);
      return from >= start && to <= end ? bytes.subarray(from - start, to - start) : source.read(from, to);
    },
  };
  return whole;
}
