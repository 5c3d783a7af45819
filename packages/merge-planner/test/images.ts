import { emit, plan } from "@sextant/erofs";
import type { Directory } from "@sextant/tree";

/** An EROFS image of a tree. */
export async function imageOf(tree: Directory): Promise<Uint8Array> {
  const planned = await plan(tree, {});
  const image = new Uint8Array(planned.sizeBytes);
  for await (const { offset, bytes } of emit(planned)) image.set(bytes, offset);
  return image;
}
