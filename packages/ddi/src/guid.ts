import { type Field, fromHex, toHex } from "@sextant/bytes";

/** A UUID as lower-case text: `4f68bce3-e8cd-4db1-96e7-fbcaf984b709`. */
export type Guid = string;

/** Bytes of a UUID. A type of zeros marks an unused entry. */
export const guidBytes = 16;

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** 16 bytes in the order of the text, as systemd's `sd_id128_t` and root hashes have them. Throws `RangeError`. */
export function formatGuid(bytes: Uint8Array): Guid {
  if (bytes.length !== guidBytes) throw new RangeError(`a UUID has ${guidBytes} bytes, not ${bytes.length}`);
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The 16 bytes of a UUID's text, in the order of the text. Throws `TypeError` for anything but lower-case UUIDs. */
export function parseGuid(text: Guid): Uint8Array {
  if (!form.test(text)) throw new TypeError(`not a lower-case UUID: ${text}`);
  return fromHex(text.replaceAll("-", ""));
}

/** The order of bytes on disk: the first three groups are little-endian numbers (UEFI appendix A). Its own inverse. */
const diskOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
const swapped = (bytes: Uint8Array) => Uint8Array.from(diskOrder, (from) => bytes[from] ?? 0);

/** An EFI_GUID on disk, as text. */
export const guidField: Field<Guid> = {
  size: guidBytes,
  get: (view, at) => formatGuid(swapped(new Uint8Array(view.buffer, view.byteOffset + at, guidBytes))),
  set(view, at, value) {
    new Uint8Array(view.buffer, view.byteOffset + at, guidBytes).set(swapped(parseGuid(value)));
  },
  show: (value) => value,
};
