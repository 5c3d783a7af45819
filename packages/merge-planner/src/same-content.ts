import type { FileContent } from "@sextant/tree";

/** Bytes that are compared at a time. */
const pieceBytes = 1 << 20;

/**
 * Whether two files hold the same bytes. Sizes come first and identities next, so that data is read only of files that are
 * as large as one another and whose filesystem does not say that they are the same.
 */
export async function sameContent(a: FileContent, b: FileContent): Promise<boolean> {
  if (a.size !== b.size) return false;
  if (a.size === 0 || (a.identity !== undefined && a.identity === b.identity)) return true;
  const [left, right] = [a.open(), b.open()];
  for (let at = 0; at < a.size; at += pieceBytes) {
    const end = Math.min(at + pieceBytes, a.size);
    const [one, other] = await Promise.all([left.read(at, end), right.read(at, end)]);
    if (!equalBytes(one, other)) return false;
  }
  return true;
}

/** Whether two byte arrays are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
