import { type ByteSource, slice } from "@sextant/bytes";
import type { FileContent } from "@sextant/tree";

/** Content that lies in one piece in the archive: nothing is read or copied until somebody reads it. */
export function plainContent(source: ByteSource, start: number, size: number): FileContent {
  return { size, open: () => slice(source, start, start + size) };
}
