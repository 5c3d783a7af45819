import { randomBytes } from "node:crypto";
import { closeSync, constants, linkSync, lstatSync, mkdirSync, openSync, readdirSync, symlinkSync } from "node:fs";
import { errnoCode } from "@sextant/bytes/node";
import { checkName } from "../build.js";
import { TreeError } from "../errors.js";
import { type Name, nameToText } from "../name.js";
import type { LazyNode } from "../types.js";
import { checkDepth, joinPath } from "../walk.js";
import { type AttributeRules, applyToDescriptor, applyToPath, moveInto } from "./extract-attributes.js";
import type { BegunContent, ContentWriter, Unfinished } from "./extract-contents.js";
import { writeContent } from "./extract-file.js";
import {
  closePlace,
  entryPath,
  keepPlace,
  openBelow,
  ownPath,
  type Place,
  unwritable,
  withParent,
  writing,
} from "./extract-place.js";
import { skip } from "./extract-report.js";
import { makeSpecials, removeSpecial, type WantedSpecial } from "./extract-special.js";
import { diskPath, kindOf, textPath } from "./path.js";

/** What all of one extraction shares. */
export interface Extraction extends AttributeRules {
  readonly devices: boolean;
  readonly findZeros: boolean;
  readonly maxEntries: number;
  readonly signal: AbortSignal | undefined;
  /** Where each inode but directories was made, or undefined where it was skipped. */
  readonly names: Map<LazyNode["id"], { readonly kind: LazyNode["kind"]; readonly path: Name | undefined }>;
  /** Every directory so far: one that comes again contains itself, or would be copied over and over. */
  readonly directories: Set<LazyNode["id"]>;
  entryCount: number;
  readonly contents: ContentWriter | undefined;
  readonly unfinished: Unfinished;
}

interface Rooted extends Extraction {
  readonly root: Place;
}

/** Makes all entries of a directory, and what is below them. */
export async function extractEntries(run: Rooted, directory: LazyNode, place: Place, depth: number): Promise<void> {
  checkDepth(depth, place.path);
  const entries = await directory.entries();
  countEntries(run, entries.length, place.path);
  const specials: WantedSpecial[] = [];
  const seen = new Set<Name>();
  for (const entry of entries) {
    run.signal?.throwIfAborted();
    run.unfinished.check();
    const path = joinPath(place.path, entry.name);
    checkName(entry.name, () => nameToText(path));
    if (seen.has(entry.name)) throw malformed(path, "the name stands twice in its directory");
    seen.add(entry.name);
    const node = await entry.node();
    if (node.kind !== entry.kind) throw malformed(path, `the directory says ${entry.kind}, the inode ${node.kind}`);
    if (node.kind === "directory") await extractDirectory(run, node, place, entry.name, path, depth + 1);
    else if (!linkToKnown(run, node, place, entry.name, path)) {
      if (node.kind === "file") await extractFile(run, node, place, entry.name, path);
      else if (node.kind === "symlink") await extractSymlink(run, node, place, entry.name, path);
      else if (wantsSpecial(run, node, path)) specials.push({ name: entry.name, path, node });
    }
  }
  if (specials.length > 0) await extractSpecials(run, place, specials);
}

function countEntries(run: Extraction, count: number, path: Name): void {
  run.entryCount += count;
  if (run.entryCount <= run.maxEntries) return;
  throw new TreeError("LIMIT_ENTRIES", `the tree has more than ${run.maxEntries} names`, { path: nameToText(path) });
}

async function extractDirectory(
  run: Rooted,
  node: LazyNode,
  parent: Place,
  name: Name,
  path: Name,
  depth: number,
): Promise<void> {
  if (run.directories.has(node.id)) {
    throw malformed(path, "the directory stands under more than one name, or in itself");
  }
  run.directories.add(node.id);
  const made = makeDirectory(parent, name, path);
  if (!made) checkRealDirectory(parent, name, path);
  const place = openBelow(parent, name, path, made);
  try {
    await extractEntries(run, node, place, depth);
    run.report.directories += 1;
    // Last, because every entry made in it changes its time, and its mode may forbid to make any.
    if (made) await applyToDescriptor(run, place.fd, ownPath(place), node, path);
  } finally {
    closePlace(place);
  }
}

/** False where the directory is there already and may be: this name, and not one that the target takes for it. */
function makeDirectory(parent: Place, name: Name, path: Name): boolean {
  try {
    mkdirSync(diskPath(entryPath(parent, name)), 0o700);
    return true;
  } catch (cause) {
    if (errnoCode(cause) !== "EEXIST") throw unwritable(path, cause);
    if (parent.made || !hasName(parent, name)) throw taken(parent, path, cause);
    return false;
  }
}

/** Says what is wrong with what stands there already. That nobody exchanges it afterwards is seen to when it is opened. */
function checkRealDirectory(parent: Place, name: Name, path: Name): void {
  const kind = kindOf(writing(path, () => lstatSync(diskPath(entryPath(parent, name)), { bigint: true })));
  const context = { path: nameToText(path) };
  if (kind === "symlink") {
    throw new TreeError("MISMATCH_ESCAPE", "a symlink in the target stands where the tree has a directory", context);
  }
  if (kind !== "directory")
    throw new TreeError("MISMATCH_KIND", `the target has a ${kind} in place of a directory`, context);
}

const hasName = (place: Place, name: Name) =>
  writing(place.path, () => readdirSync(diskPath(place.base), "latin1").includes(name));

/** A name that is taken in a directory which nobody else has put anything into is taken by another name of the tree. */
function taken(parent: Place, path: Name, cause: unknown): TreeError {
  if (!parent.made && hasName(parent, path.slice(path.lastIndexOf("/") + 1) as Name)) return unwritable(path, cause);
  const message = "the target takes the name for another one in the same directory";
  return new TreeError("MISMATCH_NAME", message, { path: nameToText(path) }, { cause });
}

/** Makes one node; a name that is taken is told apart from other failures. */
function making<T>(parent: Place, path: Name, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw errnoCode(cause) === "EEXIST" ? taken(parent, path, cause) : unwritable(path, cause);
  }
}

const { O_WRONLY, O_CREAT, O_EXCL } = constants;
/** A new file or nothing: O_EXCL follows no symlink either. */
const newFileFlags = O_WRONLY | O_CREAT | O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** The name to make a node under: xattrs can be set at names that are UTF-8 only, so others come last. */
const firstName = (name: Name) =>
  textPath(name) === undefined ? (`.${randomBytes(6).toString("hex")}.tmp` as Name) : name;

async function extractFile(run: Rooted, node: LazyNode, parent: Place, name: Name, path: Name): Promise<void> {
  const [disk, final] = [entryPath(parent, firstName(name)), entryPath(parent, name)];
  const fd = making(parent, path, () => openSync(diskPath(disk), newFileFlags, 0o600));
  run.names.set(node.id, { kind: node.kind, path });
  const finish = async (bytes: number) => {
    run.report.bytes += bytes;
    await applyToDescriptor(run, fd, disk, node, path);
    run.report.files += 1;
  };
  // What is renamed must be so before its directory is complete.
  const begun = disk === final ? await orClosed(fd, path, () => beginContent(run, node, fd)) : undefined;
  if (begun !== undefined) {
    keepPlace(parent);
    const finished = orClosed(fd, path, async () => finish(await begun.written)).then(() => closeSync(fd));
    run.unfinished.add(finished.finally(() => closePlace(parent)));
    return;
  }
  await orClosed(fd, path, async () => finish(await writeContent(fd, node.content(), path, run.findZeros)));
  closeSync(fd);
  if (disk !== final) making(parent, path, () => moveInto(disk, final));
}

/** Has somebody else write the content, if there is somebody. */
async function beginContent(run: Rooted, node: LazyNode, fd: number): Promise<BegunContent | undefined> {
  return run.findZeros || node.size === 0 ? undefined : run.contents?.begin(node.content(), fd);
}

/** Does something with an open file, and closes it where that fails. */
async function orClosed<T>(fd: number, path: Name, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    closeSync(fd);
    throw errnoCode(cause) === undefined ? cause : unwritable(path, cause);
  }
}

async function extractSymlink(run: Rooted, node: LazyNode, parent: Place, name: Name, path: Name): Promise<void> {
  const [disk, final] = [entryPath(parent, firstName(name)), entryPath(parent, name)];
  const target = await node.readlink();
  making(parent, path, () => symlinkSync(diskPath(target), diskPath(disk)));
  await applied(path, applyToPath(run, disk, node, path));
  if (disk !== final) making(parent, path, () => moveInto(disk, final));
  run.report.symlinks += 1;
  run.names.set(node.id, { kind: node.kind, path });
}

function wantsSpecial(run: Rooted, node: LazyNode, path: Name): boolean {
  const isDevice = node.kind === "character-device" || node.kind === "block-device";
  if (node.kind !== "socket" && (!isDevice || run.devices)) return true;
  if (isDevice) skip(run.report, path, "device", "devices are not made without root, unless asked for");
  else skip(run.report, path, "socket", "a socket means nothing without the process that listens");
  run.names.set(node.id, { kind: node.kind, path: undefined });
  return false;
}

async function extractSpecials(run: Rooted, place: Place, wanted: readonly WantedSpecial[]): Promise<void> {
  const made = writing(place.path, () => makeSpecials(place, wanted));
  for (const [i, { name, path, node }] of wanted.entries()) {
    const one = made[i];
    if (one === undefined) continue;
    if (typeof one === "object") {
      skip(run.report, path, node.kind === "fifo" ? "fifo" : "device", one.why);
      run.names.set(node.id, { kind: node.kind, path: undefined });
      continue;
    }
    if (run.names.has(node.id)) {
      // Two names of one device in one directory: the first one's node is linked.
      removeSpecial(place, one);
      linkToKnown(run, node, place, name, path);
      continue;
    }
    await applied(path, applyToPath(run, entryPath(place, one), node, path));
    making(place, path, () => moveInto(entryPath(place, one), entryPath(place, name)));
    run.report.specials += 1;
    run.names.set(node.id, { kind: node.kind, path });
  }
}

/** True where the inode was made (or skipped) before, and this name is dealt with. */
function linkToKnown(run: Rooted, node: LazyNode, parent: Place, name: Name, path: Name): boolean {
  const known = run.names.get(node.id);
  if (known === undefined) return false;
  if (known.kind !== node.kind) {
    throw malformed(path, `the inode is a ${known.kind} under another name and a ${node.kind} here`);
  }
  const first = known.path;
  if (first === undefined) {
    skip(run.report, path, "link", "the node that it is another name of was skipped");
    return true;
  }
  withParent(run.root, first, (place, firstName) => {
    making(parent, path, () => linkSync(diskPath(entryPath(place, firstName)), diskPath(entryPath(parent, name))));
  });
  run.report.links += 1;
  return true;
}

async function applied(path: Name, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw errnoCode(cause) === undefined ? cause : unwritable(path, cause);
  }
}

const malformed = (path: Name, message: string) => new TreeError("MALFORMED_TREE", message, { path: nameToText(path) });
