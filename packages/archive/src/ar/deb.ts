import type { ByteSource } from "@sextant/bytes";
import { type CompressionFormat, detect, detectBytes } from "@sextant/codecs";
import { type Directory, type Name, nameFromBytes, nameToText } from "@sextant/tree";
import { ArchiveError } from "../errors.js";
import type { UnpackOptions } from "../options.js";
import { type Spill, withSpill } from "../spill.js";
import { readTar, type TarOptions } from "../tar/read.js";
import { unpack } from "../unpack.js";
import { type DebControl, parseControl } from "./control.js";
import { type ArMember, readAr } from "./read.js";

/** How a Debian package is read. */
export interface DebOptions extends TarOptions, UnpackOptions {}

/** A Debian package. Dispose of it when the tree's contents are no longer read. */
export interface DebPackage extends AsyncDisposable {
  readonly control: DebControl;
  /** What it installs. */
  readonly tree: Directory;
  /** How `data.tar` was compressed. */
  readonly compression: CompressionFormat | undefined;
}

const versionMember = "debian-binary";
const controlLimitBytes = 1 << 20;

/** Whether the members of an ar archive are a package's. */
export const isDeb = (members: readonly ArMember[]) => members[0]?.name === versionMember;

/**
 * Reads a Debian package (deb(5), format 2): what it installs as a tree, and what it says about itself. `data.tar` may be
 * plain, gzip, xz or zstd; unless it is plain, it is unpacked into `spill`.
 *
 * Throws `ArchiveError`, and `CodecError` for compressed data.
 */
export function readDeb(source: ByteSource, options: DebOptions = {}): Promise<DebPackage> {
  return withSpill(options.spill, async (spill) => {
    const members = await readAr(source);
    if (!isDeb(members)) throw missing(versionMember, "MALFORMED_HEADER", "the archive does not start with");
    await checkVersion(members[0] as ArMember);
    const control = await readControl(memberOf(members, "control.tar"), { ...options, spill });
    const data = await unpacked(memberOf(members, "data.tar"), spill, options);
    return { control, tree: await readTar(data.source, options), compression: data.compression };
  });
}

function missing(name: string, code: "MALFORMED_HEADER" | "MISSING_MEMBER", what: string): ArchiveError {
  return new ArchiveError(code, `${what} the member ${name}`, { path: "deb" });
}

async function checkVersion({ data, offset }: ArMember): Promise<void> {
  const text = nameFromBytes(await data.read(0, Math.min(data.size, 16)));
  if (/^2\.\d+\n/.test(text)) return;
  const what = `the format is "${nameToText(text).trim()}", not 2.x`;
  throw new ArchiveError("UNSUPPORTED_FORMAT", what, { path: "deb.debian-binary", offset });
}

/** The member of that name, whatever its compression adds to it. */
function memberOf(members: readonly ArMember[], name: string): ArMember {
  const found = members.find((member) => member.name === name || member.name.startsWith(`${name}.`));
  if (found === undefined) throw missing(name, "MISSING_MEMBER", "the package has not");
  return found;
}

/** By what the data is, not what its name says. */
async function unpacked(
  { data }: ArMember,
  spill: Spill,
  options: UnpackOptions,
): Promise<{ readonly source: ByteSource; readonly compression: CompressionFormat | undefined }> {
  const compression = detect(await data.read(0, Math.min(data.size, detectBytes)));
  if (compression === undefined) return { source: data, compression };
  return { source: (await unpack(data, compression, 0, { ...options, spill }, "all")).source, compression };
}

async function readControl(member: ArMember, options: UnpackOptions & { readonly spill: Spill }): Promise<DebControl> {
  const { source } = await unpacked(member, options.spill, options);
  const tree = await readTar(source);
  const node = tree.entries.get("control" as Name);
  if (node?.kind !== "file") throw missing("control", "MISSING_MEMBER", "control.tar has not");
  const { size } = node.content;
  if (size > controlLimitBytes) {
    const what = `the control file has ${size} bytes, more than ${controlLimitBytes}`;
    throw new ArchiveError("LIMIT_CONTENT", what, { path: "deb.control" });
  }
  return parseControl(new TextDecoder().decode(await node.content.open().read(0, size)));
}
