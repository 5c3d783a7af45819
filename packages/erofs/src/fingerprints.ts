import { concatBytes, type Hasher, portableHasher, readChunks } from "@sextant/bytes";
import { type Directory, type FileContent, type Name, nameToBytes, nameToText, walkTree } from "@sextant/tree";
import { ErofsError } from "./errors.js";
import { maxNameBytes } from "./layout.js";

/** What `mkfs.erofs` calls it, unless told otherwise: in no namespace, so that nobody sees it but the kernel. */
export const defaultFingerprintName = "erofs.fingerprint.v1" as Name;

export interface FingerprintOptions {
  /**
   * The xattr's name, such as `trusted.erofs.fingerprint`; a name outside of the namespaces that Linux has is hidden. Images
   * share page cache only if theirs are the same. Default: `defaultFingerprintName`.
   */
  readonly name?: Name | undefined;
  /** Default: `portableHasher`; `nodeHasher` gives the same, faster. */
  readonly hasher?: Hasher | undefined;
}

/** Digests of files, for `plan`. */
export interface Fingerprints {
  readonly name: Name;
  /** Values of the xattr. Empty files have none. */
  readonly values: ReadonlyMap<FileContent, Uint8Array>;
}

/** What stands before the digest in the xattr's value. */
const valueHead = nameToBytes("sha256:" as Name);

/**
 * Reads every file and digests it, so that kernels can tell equal files of different images and keep their pages in memory
 * once (`ISHARE_XATTRS`). Files of equal identity are read once.
 *
 * Throws `RangeError` for a name that no xattr can have, `ErofsError` `MISMATCH_SIZE` with the path where a source does not
 * have the size the tree says, and whatever the sources throw.
 */
export async function fingerprintFiles(tree: Directory, options: FingerprintOptions = {}): Promise<Fingerprints> {
  const { name = defaultFingerprintName, hasher = portableHasher } = options;
  if (name.length < 1 || name.length > maxNameBytes || /[^\x01-\xff]/.test(name)) {
    throw new RangeError(`"${nameToText(name)}" cannot be an xattr's name`);
  }
  const values = new Map<FileContent, Uint8Array>();
  const byIdentity = new Map<string, Uint8Array>();
  for (const { node, path } of walkTree(tree)) {
    if (node.kind !== "file" || node.content.size === 0 || values.has(node.content)) continue;
    const { size, identity } = node.content;
    const key = identity === undefined ? undefined : `${size} ${identity}`;
    const known = key === undefined ? undefined : byIdentity.get(key);
    const value = known ?? concatBytes([valueHead, await digest(node.content, path, hasher)]);
    if (key !== undefined) byIdentity.set(key, value);
    values.set(node.content, value);
  }
  return { name, values };
}

async function digest(content: FileContent, path: Name, hasher: Hasher): Promise<Uint8Array> {
  const source = content.open();
  if (source.size !== content.size) {
    const message = `the tree says ${content.size} bytes, the source has ${source.size}`;
    throw new ErofsError("MISMATCH_SIZE", message, { path: `/${nameToText(path)}` });
  }
  const state = hasher.create("sha256");
  for await (const bytes of readChunks(source)) state.update(bytes);
  return state.digest();
}
