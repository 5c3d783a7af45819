import { type ByteSource, readChunks } from "@sextant/bytes";
import {
  type Attributes,
  device,
  directory,
  file,
  type Name,
  nameFromBytes,
  nameToText,
  special,
  symlink,
  type TreeBuilder,
  type TreeNode,
} from "@sextant/tree";
import { plainContent } from "../content.js";
import { ArchiveError, placing } from "../errors.js";
import { fileTypeMask, fileTypes, pathLimitBytes } from "./layout.js";
import type { CpioMember } from "./members.js";

/** An inode that several members of an archive name. */
interface Linked {
  node: TreeNode;
  readonly paths: Name[];
}

/** Puts the members of one archive into a tree. Inode numbers mean something within an archive only. */
export class Placer {
  private readonly links = new Map<string, Linked>();

  constructor(
    private readonly source: ByteSource,
    private readonly builder: TreeBuilder,
  ) {}

  async place(member: CpioMember): Promise<void> {
    const { fields, path, offset } = member;
    const node = await this.nodeOf(member);
    if (member.hasChecksum && node.kind === "file") await this.verify(member);
    const context = () => ({ member: nameToText(path), offset, source: this.source.name });
    const isLinked = fields.nlink > 1 && node.kind !== "directory" && node.kind !== "symlink";
    placing(context, () => {
      if (isLinked) this.placeLink(member, node);
      else this.builder.put(path, node);
    });
  }

  /** One of the names of an inode. Its data comes with one of them, mostly the last, and the others have none. */
  private placeLink({ fields, path }: CpioMember, node: TreeNode): void {
    const key = `${fields.devmajor}:${fields.devminor}:${fields.ino}:${fields.mode & fileTypeMask}`;
    const linked = this.links.get(key);
    if (linked === undefined) {
      this.links.set(key, { node, paths: [path] });
      this.builder.put(path, node);
      return;
    }
    if (fields.filesize > 0) {
      const before = linked.node;
      linked.node = node;
      for (const other of linked.paths) if (this.builder.get(other) === before) this.builder.put(other, node);
    }
    linked.paths.push(path);
    this.builder.put(path, linked.node);
  }

  private async nodeOf(member: CpioMember): Promise<TreeNode> {
    const { fields, dataStart } = member;
    const attributes: Partial<Attributes> = {
      mode: fields.mode & 0o7777,
      uid: fields.uid,
      gid: fields.gid,
      mtimeSeconds: fields.mtime,
    };
    switch (fields.mode & fileTypeMask) {
      case fileTypes.directory:
        return directory(attributes);
      case fileTypes.file:
        return file(plainContent(this.source, dataStart, fields.filesize), attributes);
      case fileTypes.symlink:
        return symlink(await this.targetOf(member), attributes);
      case fileTypes["character-device"]:
        return device("character-device", ...deviceOf(member), attributes);
      case fileTypes["block-device"]:
        return device("block-device", ...deviceOf(member), attributes);
      case fileTypes.fifo:
        return special("fifo", attributes);
      case fileTypes.socket:
        return special("socket", attributes);
      default:
        throw malformed(member, "mode", `0${fields.mode.toString(8)} is the mode of no kind of file`);
    }
  }

  private async targetOf(member: CpioMember): Promise<Name> {
    const { fields, dataStart } = member;
    if (fields.filesize === 0 || fields.filesize > pathLimitBytes) {
      throw malformed(member, "filesize", `the symlink's target has ${fields.filesize} bytes`);
    }
    const bytes = await this.source.read(dataStart, dataStart + fields.filesize);
    const end = bytes.indexOf(0);
    return nameFromBytes(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** The crc format's check is no CRC: the sum of all bytes of a regular file, modulo 2^32. */
  private async verify(member: CpioMember): Promise<void> {
    const { fields, dataStart, offset, path } = member;
    let sum = 0;
    for await (const bytes of readChunks(this.source, dataStart, dataStart + fields.filesize)) {
      for (let i = 0; i < bytes.length; i++) sum = (sum + (bytes[i] as number)) | 0;
    }
    if (sum >>> 0 === fields.check) return;
    throw new ArchiveError("MISMATCH_CHECKSUM", "the checksum of the member's data differs", {
      path: "cpio.header.check",
      offset,
      member: nameToText(path),
    });
  }
}

function malformed({ offset, path }: CpioMember, field: string, what: string): ArchiveError {
  const context = { path: `cpio.header.${field}`, offset, member: nameToText(path) };
  return new ArchiveError("MALFORMED_FIELD", what, context);
}

function deviceOf(member: CpioMember): [major: number, minor: number] {
  const { rdevmajor, rdevminor } = member.fields;
  if (rdevmajor < 1 << 12 && rdevminor < 1 << 20) return [rdevmajor, rdevminor];
  throw malformed(member, "rdevmajor", `${rdevmajor}:${rdevminor} is no device number of Linux`);
}
