import { viewOf } from "@sextant/bytes";
import { type Name, nameFromBytes, nameToText } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import { nidText } from "./inode.js";
import { direntRecord, maxNameBytes, metaboxNids } from "./layout.js";

/** An entry of a directory block, `.` and `..` included. */
export interface Dirent {
  readonly name: Name;
  readonly nid: number;
  /** `fileType` */
  readonly type: number;
  /** Within the block, in bytes. */
  readonly at: number;
  readonly nameAt: number;
}

/** What errors say about a block. */
export interface BlockPlace {
  readonly nid: number;
  /** Number of the block within the directory. */
  readonly block: number;
  /** Where the block stands in the image; undefined where nobody knows. */
  readonly offset?: number | undefined;
}

/**
 * Decodes one directory block, of which `bytes` is the part within the directory's size. Checks offsets, names and
 * their order. Throws `MALFORMED_DIRECTORY`.
 */
export function decodeDirentBlock(bytes: Uint8Array, place: BlockPlace): Dirent[] {
  const fail = (message: string, at: number) => malformedDirectory(place, message, at);
  const { size, offsets } = direntRecord;
  if (bytes.length < size) throw fail(`${bytes.length} bytes hold no entry`, 0);
  const view = viewOf(bytes);
  const namesAt = view.getUint16(offsets.nameOffset, true);
  if (namesAt < size || namesAt > bytes.length || namesAt % size !== 0) {
    throw fail(`the first name begins at byte ${namesAt} of ${bytes.length}`, offsets.nameOffset);
  }
  const names = nameFromBytes(bytes.subarray(namesAt));
  const count = namesAt / size;
  const dirents: Dirent[] = [];
  let nameAt = namesAt;
  for (let index = 0; index < count; index++) {
    const at = index * size;
    const end =
      index + 1 < count ? view.getUint16(at + size + offsets.nameOffset, true) : lastNameEnd(names, nameAt, namesAt);
    if (end <= nameAt || end > bytes.length || end - nameAt > maxNameBytes) {
      throw fail(`entry ${index} has a name from byte ${nameAt} to ${end} of ${bytes.length}`, at + offsets.nameOffset);
    }
    const name = names.slice(nameAt - namesAt, end - namesAt) as Name;
    const previous = dirents.at(-1);
    if (name.includes("/") || name.includes("\0")) throw fail(`entry ${index} has a slash or NUL in its name`, nameAt);
    if (previous && previous.name >= name) {
      throw fail(`"${nameToText(name)}" follows "${nameToText(previous.name)}", which is not byte order`, nameAt);
    }
    const nid = nidAt(view, at);
    if (nid === undefined) throw fail(`"${nameToText(name)}" leads to inode ${view.getBigUint64(at, true)}`, at);
    dirents.push({ name, nid, type: view.getUint8(at + offsets.fileType), at, nameAt });
    nameAt = end;
  }
  return dirents;
}

/** An inode number; undefined where it is too large for this program. */
function nidAt(view: DataView, at: number): number | undefined {
  const high = view.getUint32(at + 4, true);
  const boxed = high >= 2 ** 31;
  const nid = view.getUint32(at, true) + (boxed ? high - 2 ** 31 : high) * 2 ** 32;
  if (nid >= metaboxNids) return undefined;
  return boxed ? metaboxNids + nid : nid;
}

/** The last name of a block ends with its first NUL, or with the block. */
function lastNameEnd(names: string, nameAt: number, namesAt: number): number {
  const end = names.indexOf("\0", nameAt - namesAt);
  return end < 0 ? namesAt + names.length : namesAt + end;
}

export function malformedDirectory(place: BlockPlace, message: string, at = 0): ErofsError {
  return new ErofsError("MALFORMED_DIRECTORY", message, {
    path: `inode ${nidText(place.nid)}.block ${place.block}`,
    offset: place.offset === undefined ? undefined : place.offset + at,
    nid: place.nid,
  });
}
