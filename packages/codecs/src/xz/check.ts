import { crc32, type Hasher } from "@sextant/bytes";
import { Crc64 } from "./crc64.js";
import { checkIds } from "./layout.js";

/** An integrity check in progress, whatever its kind. */
export interface Check {
  update(bytes: Uint8Array): void;
  /** The bytes of the check field. */
  digest(): Uint8Array;
}

/** Starts the check of that id (xz-file-format.txt, 2.1.1.2); undefined where we can't compute it. */
export function createCheck(id: number, hasher: Hasher): Check | undefined {
  switch (id) {
    case checkIds.none:
      return { update() {}, digest: () => new Uint8Array(0) };
    case checkIds.crc32:
      return crc32Check();
    case checkIds.crc64:
      return new Crc64();
    case checkIds.sha256:
      return hasher.create("sha256");
    default:
      return undefined;
  }
}

function crc32Check(): Check {
  let crc = 0;
  return {
    update(bytes) {
      crc = crc32(bytes, crc);
    },
    digest() {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, crc, true);
      return bytes;
    },
  };
}
