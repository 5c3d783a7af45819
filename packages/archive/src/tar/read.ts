import type { ByteSource } from "@sextant/bytes";
import {
  type Directory,
  device,
  directory,
  file,
  type Name,
  nameToText,
  special,
  symlink,
  type TreeBuilder,
  type TreeNode,
  treeBuilder,
} from "@sextant/tree";
import { ArchiveError, placing } from "../errors.js";
import type { TreeOptions } from "../options.js";
import type { TarMember } from "./member.js";
import { type TarMembersOptions, tarMembers } from "./members.js";

/** How a tar archive is read as a tree. */
export interface TarOptions extends TarMembersOptions, TreeOptions {
  /**
   * `oci`: members `.wh.NAME` become overlayfs whiteouts of NAME, and `.wh..wh..opq` makes its directory opaque, as OCI image
   * layers mean them (image-spec, "Whiteouts"). Default `none`: they are files like others.
   */
  readonly whiteouts?: "none" | "oci" | undefined;
}

/**
 * Reads an uncompressed tar archive as a tree. Contents are parts of `source` and are read when somebody reads them; here
 * only headers are, as in `tarMembers`. A later member of the same path replaces the earlier one; hard links are one node;
 * `/`, `./` and trailing slashes mean nothing.
 *
 * Throws `ArchiveError` with the offset and the member: among others `MISMATCH_ESCAPE` for `..` and for paths through symlinks,
 * `MISMATCH_LINK` for hard links to what is not there before them.
 */
export async function readTar(source: ByteSource, options: TarOptions = {}): Promise<Directory> {
  const { parents, parentSymlinks, whiteouts = "none" } = options;
  const builder = treeBuilder({ ...(parents && { parents }), ...(parentSymlinks && { parentSymlinks }) });
  const marks = new Map<Name, TarMember>();
  for await (const member of tarMembers(source, options)) {
    if (whiteouts === "oci" && isMark(member.path)) marks.set(member.path, member);
    else placing(contextOf(member, source), () => place(builder, member));
  }
  // Last, so that it does not matter where in the layer they stand.
  for (const member of marks.values()) placing(contextOf(member, source), () => applyMark(builder, member, options));
  return builder.build();
}

/** Made when it is needed: showing a name takes longer than placing it. */
const contextOf =
  ({ path, offset }: TarMember, source: ByteSource) =>
  () => ({
    member: nameToText(path),
    offset,
    source: source.name,
  });

function place(builder: TreeBuilder, member: TarMember): void {
  if (member.kind === "hard-link") builder.link(member.path, member.linkPath);
  else builder.put(member.path, nodeOf(member));
}

function nodeOf({ kind, attributes, content, device: numbers, linkPath, offset }: TarMember): TreeNode {
  switch (kind) {
    case "directory":
      return directory(attributes);
    case "symlink":
      if (linkPath === "") {
        const context = { path: "tar.header.linkname", offset };
        throw new ArchiveError("MALFORMED_FIELD", "the symlink has no target", context);
      }
      return symlink(linkPath, attributes);
    case "fifo":
      return special("fifo", attributes);
    case "character-device":
    case "block-device":
      return device(kind, numbers?.major ?? 0, numbers?.minor ?? 0, attributes);
    default:
      return file(content ?? new Uint8Array(0), attributes);
  }
}

// OCI image-spec, layer.md, "Whiteouts".
const markPrefix = ".wh.";
const opaqueMark = ".wh..wh..opq";
/** Names that aufs, where the marks come from, keeps to itself. */
const aufsPrefix = ".wh..wh.";

function lastName(path: Name): { readonly parent: Name; readonly name: string } {
  const slash = path.lastIndexOf("/");
  return { parent: path.slice(0, slash + 1) as Name, name: path.slice(slash + 1) };
}

const isMark = (path: Name) => lastName(path).name.startsWith(markPrefix);

function applyMark(builder: TreeBuilder, member: TarMember, options: TarOptions): void {
  const { parent, name } = lastName(member.path);
  if (name === opaqueMark) {
    builder.opaque(parent);
    return;
  }
  if (name.startsWith(aufsPrefix) || name === markPrefix) {
    const message = "this name of aufs means nothing in a layer and is left out";
    options.onWarning?.({ code: "IGNORED_MEMBER", message, member: nameToText(member.path), offset: member.offset });
    return;
  }
  const hidden = `${parent}${name.slice(markPrefix.length)}` as Name;
  const there = builder.get(hidden);
  // What the layer itself has stays, yet a directory must not merge with the one that is hidden.
  if (there === undefined) builder.whiteout(hidden);
  else if (there.kind === "directory") builder.opaque(hidden);
}
