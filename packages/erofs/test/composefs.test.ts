import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { collectChunks, fromBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { corpusPath } from "@sextant/testkit";
import type { LazyNode } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import {
  type ComposefsNode,
  type ComposefsOptions,
  ErofsError,
  emitComposefs,
  open,
  parseComposefsDump,
  planComposefs,
} from "../src/index.js";

const corpus = corpusPath("composefs");
const names = corpus === undefined ? [] : readdirSync(corpus);
const readRaw = (name: string): Uint8Array => readFileSync(join(corpus ?? "", name));
const readText = (name: string) => new TextDecoder().decode(readRaw(name)).trim();

/** One of them names another, as a symlink that was checked out as a file. */
function readDump(name: string): Uint8Array {
  const bytes = name.endsWith(".gz") ? gunzipSync(readRaw(name)) : readRaw(name);
  return bytes.length < 100 && names.includes(readText(name)) ? readDump(readText(name)) : bytes;
}

function optionsOf(name: string): ComposefsOptions {
  if (!names.includes(`${name}.version`)) return {};
  const version = Number(readText(`${name}.version`));
  return { leastVersion: version, mostVersion: version };
}

async function image(root: ComposefsNode, options: ComposefsOptions): Promise<Uint8Array> {
  const plan = planComposefs(root, options);
  return collectChunks(emitComposefs(plan), plan.sizeBytes);
}

const dumps = names.filter((name) => names.includes(`${name}.sha256`));
const refused = names.filter((name) => name.startsWith("should-fail-"));

describe.runIf(corpus !== undefined)("the dumps that composefs tests itself with", () => {
  test("are all there", () => {
    expect([dumps.length, refused.length]).toEqual([10, 7]);
  });

  test.each(dumps)("%s becomes the image that its digest names", async (name) => {
    const bytes = await image(parseComposefsDump(readDump(name)), optionsOf(name));
    expect(toHex(nodeHasher.hash("sha256", bytes))).toBe(readText(`${name}.sha256`));
  });

  test.each(refused)("%s is refused", (name) => {
    expect(() => planComposefs(parseComposefsDump(readDump(name)))).toThrow(ErofsError);
  });

  // Its chunks are not where EROFS looks for them: what composefs writes there shows zeros or nothing at all.
  test.each(dumps.filter((name) => name !== "bigfile-xattr.dump"))("what we read back of %s", async (name) => {
    const root = parseComposefsDump(readDump(name));
    const opened = await open(fromBytes(await image(root, optionsOf(name))));
    expect(await differences(root, await opened.root())).toEqual([]);
  });
});

/** What of the tree the image does not show, through what overlayfs makes of it. */
async function differences(root: ComposefsNode, opened: LazyNode): Promise<string[]> {
  const found: string[] = [];
  const ids = new Map<ComposefsNode, LazyNode["id"]>();
  const same = (path: string, left: unknown, right: unknown) => {
    const [told, read] = [left, right].map((value) => JSON.stringify(value));
    if (told !== read) found.push(`${path}: ${told} became ${read}`);
  };
  const compare = async (node: ComposefsNode, read: LazyNode, path: string): Promise<void> => {
    const known = ids.get(node);
    if (known !== undefined) return same(path, String(known), String(read.id));
    ids.set(node, read.id);
    same(path, statOf({ ...node, mode: node.mode % 0o10000 }), statOf(read));
    const xattrs = Object.fromEntries((await read.xattrs()).map(({ name, value }) => [name, toHex(value)]));
    for (const { name, value } of node.xattrs) {
      same(`${path} ${name}`, toHex(value), xattrs[name.replace(/^trusted\.overlay\./, "trusted.overlay.overlay.")]);
    }
    if (read.kind === "symlink") same(path, node.payload, await read.readlink());
    if (read.kind === "file") same(path, expectedFile(node), await fileOf(read, xattrs));
    if (node.entries === undefined) return;
    const entries = await read.entries();
    same(path, node.entries.size + (path === "" ? 256 : 0), entries.length);
    for (const entry of entries) {
      const child = node.entries.get(entry.name);
      if (child) await compare(child.node, await entry.node(), `${path}/${entry.name}`);
      else same(`${path}/${entry.name}`, "character-device", entry.kind);
    }
  };
  await compare(root, opened, "");
  same("inodes", ids.size, new Set(ids.values()).size);
  return found;
}

const statOf = ({ mode, uid, gid, mtimeSeconds, mtimeNanoseconds }: LazyNode | ComposefsNode) => [
  mode,
  uid,
  gid,
  mtimeSeconds,
  mtimeNanoseconds,
];

function expectedFile(node: ComposefsNode) {
  const isWhiteout = (node.mode & 0o170000) === 0o020000;
  const isElsewhere = !isWhiteout && node.size > 0 && node.content === undefined;
  return {
    size: isWhiteout ? 0 : node.size,
    isWhiteout,
    // A file without a block shows zeros; nobody sees them, since overlayfs goes on to the object.
    end: isElsewhere ? "00" : toHex(node.content?.subarray(-1) ?? new Uint8Array(0)),
    digest: isElsewhere ? (node.digest ? `00240001${toHex(node.digest)}` : "") : undefined,
    object: isElsewhere && node.payload ? toHex(new TextEncoder().encode(`/${node.payload}`)) : undefined,
  };
}

async function fileOf(read: LazyNode, xattrs: Readonly<Record<string, string>>) {
  return {
    size: read.size,
    isWhiteout: "user.overlay.whiteout" in xattrs,
    end: toHex(
      await read
        .content()
        .open()
        .read(Math.max(0, read.size - 1), read.size),
    ),
    digest: xattrs["trusted.overlay.metacopy"],
    object: xattrs["trusted.overlay.redirect"],
  };
}
