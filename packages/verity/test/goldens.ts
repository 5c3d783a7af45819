import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { toHex } from "@sextant/bytes";

/** `CASE: root HEX, hash area HEX`: the root hash, and the SHA-256 of superblock and tree without zeros at the end. */
export function goldenLine(name: string, rootHash: Uint8Array, hashArea: Uint8Array): string {
  let end = hashArea.length;
  while (end > 0 && hashArea[end - 1] === 0) end--;
  const area = createHash("sha256").update(hashArea.subarray(0, end)).digest("hex");
  return `${name}: root ${toHex(rootHash)}, hash area ${area}`;
}

/** The recorded lines by case. */
export const goldens: ReadonlyMap<string, string> = new Map(
  readFileSync(new URL("./goldens/veritysetup-2.6.1.txt", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => [line.slice(0, line.indexOf(":")), line]),
);
