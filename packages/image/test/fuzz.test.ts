// Damaged images of every kind, opened and read to the end as the command does: whatever is wrong with one is told by an
// error of a package, never by a crash, a hang, or memory that a size field asked for.
import { gzipSync } from "node:zlib";
import { writeCpio, writeTar } from "@sextant/archive";
import { type ByteSource, CodedError, concatBytes, fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { check as checkDdi, dump as dumpDdi, looksLikeDdi, readSignature } from "@sextant/ddi";
import { check as checkErofs, dump as dumpErofs } from "@sextant/erofs";
import { judgeImage } from "@sextant/extension-release";
import { mutations } from "@sextant/testkit";
import { type Directory, loadTree, type TreeNode } from "@sextant/tree";
import { openHashArea } from "@sextant/verity";
import { describe, expect, test } from "vitest";
import { openImage, readExtension } from "../src/index.js";
import {
  confextPath,
  debian13,
  packDisk,
  packErofs,
  recordedCertificates,
  recordedImage,
  sysextPath,
  treeOf,
  utf8,
} from "./support.js";

const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`opt/many/entry-${index}`, `${index}`]));
const tree = treeOf({
  [`${sysextPath}foo`]: debian13,
  [`${sysextPath}bar`]: { text: "ID=_any\n", strict: "0" },
  [`${confextPath}foo`]: "ID=_any\n",
  "usr/bin/foo": "#!/bin/sh\n",
  "usr/lib/large": new Uint8Array(20_000).map((_, index) => index),
  "usr/lib/link": { link: "../bin/foo" },
  "usr/lib/none": { whiteout: true },
  ...many,
});
const small = treeOf({ [`${sysextPath}foo`]: debian13, "usr/bin/foo": "x", "usr/lib/link": { link: "../bin/foo" } });

/** The most that is read of one file: what it claims to hold may be anything. */
const maxFileBytes = 65_536;

async function readFiles(root: Directory): Promise<void> {
  const pending: TreeNode[] = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.kind === "directory") pending.push(...node.entries.values());
    if (node.kind !== "file") continue;
    const { size } = node.content;
    const content = node.content.open();
    await content.read(0, Math.min(size, maxFileBytes));
    await content.read(Math.max(0, size - maxFileBytes), size);
  }
}

/** Everything that the command does with an image, each step for itself so that one that fails hides no other. */
function stepsOf(source: ByteSource): readonly (() => Promise<unknown>)[] {
  const open = () => openImage(source, { hasher: nodeHasher });
  return [
    async () => readFiles(await loadTree(await (await open()).root(), { maxEntries: 10_000 })),
    async () => {
      const root = await (await open()).root();
      for (const name of ["foo", "foo_1", "other"]) {
        const { facts } = await readExtension(root, { name });
        judgeImage({ host: new Map([["ID", "debian"]]), image: facts, scope: "system", architecture: "x86-64" });
      }
    },
    async () => {
      for (const { set, source: filesystem } of (await open()).filesystems) {
        if (set?.verity) await openHashArea(set.verity.source);
        if (set?.signature) await readSignature(set.signature);
        for await (const _ of dumpErofs(filesystem));
        await checkErofs(filesystem);
      }
    },
    async () => {
      const trusted = await openImage(source, { hasher: nodeHasher, certificates: recordedCertificates });
      await readFiles(await loadTree(await trusted.root(), { maxEntries: 10_000 }));
    },
    async () => {
      const head = await source.read(0, Math.min(source.size, 8192));
      if (!looksLikeDdi(head)) return;
      await dumpDdi(source);
      await checkDdi(source, { certificates: recordedCertificates, hasher: nodeHasher });
    },
  ];
}

/** Reads far beyond what an image of this size needs are a loop that the image drives. */
function budgeted(source: ByteSource): ByteSource {
  let left = 64 * source.size + (1 << 22);
  return {
    ...source,
    read(start, end) {
      left -= end - start + 512;
      if (left < 0) throw new Error("the image is read over and over");
      return source.read(start, end);
    },
  };
}

/** What no image of these sizes needs, in bytes. */
const memoryLimitBytes = 300 * 2 ** 20;

/** Runs every step; all that may come out is a result or an error with a code. */
async function survives(bytes: Uint8Array, what: string): Promise<number> {
  let failures = 0;
  for (const [index, step] of stepsOf(budgeted(fromBytes(bytes, "damaged.raw"))).entries()) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof CodedError)) throw new Error(`step ${index}, ${what}: ${String(error)}`, { cause: error });
      failures += 1;
    }
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers > memoryLimitBytes) throw new Error(`step ${index}, ${what}: ${arrayBuffers} bytes are held`);
  }
  return failures;
}

/** The feature that has the first block's checksum: without it, damage there goes on to what reads the fields. */
function withoutChecksum(image: Uint8Array, start = 0): Uint8Array {
  const copy = image.slice();
  copy[start + 1024 + 8] = (copy[start + 1024 + 8] ?? 0) & ~1;
  return copy;
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part.slice());
  return concatBytes(all);
}

/** A Debian package (deb(5)): an ar archive of three members. */
async function debOf(content: Directory): Promise<Uint8Array> {
  const member = (name: string, bytes: Uint8Array) => {
    const fields = [name.padEnd(16), "0".padEnd(12), "0".padEnd(6), "0".padEnd(6), "100644".padEnd(8)];
    const header = utf8(`${fields.join("")}${String(bytes.length).padEnd(10)}\`\n`);
    return concatBytes([header, bytes, utf8(bytes.length % 2 === 0 ? "" : "\n")]);
  };
  const about = treeOf({ control: "Package: foo\nVersion: 1\nArchitecture: all\n" });
  return concatBytes([
    utf8("!<arch>\n"),
    member("debian-binary", utf8("2.0\n")),
    member("control.tar.gz", gzipSync(await collect(writeTar(about)))),
    member("data.tar.gz", gzipSync(await collect(writeTar(content)))),
  ]);
}

const dataStart = 20_480;

interface Row {
  readonly what: string;
  readonly make: () => Promise<Uint8Array>;
  readonly count: number;
  readonly headBytes: number;
  /** Damage goes between these bytes only, 0 and the end by default. */
  readonly from?: number;
  readonly to?: (image: Uint8Array) => number;
}

const rows: readonly Row[] = [
  { what: "EROFS", make: () => packErofs(tree), count: 60, headBytes: 4096 },
  {
    what: "EROFS without a checksum",
    make: async () => withoutChecksum(await packErofs(tree)),
    count: 150,
    headBytes: 4096,
  },
  {
    what: "a small EROFS without a checksum",
    make: async () => withoutChecksum(await packErofs(small)),
    count: 500,
    headBytes: 2048,
  },
  { what: "a disk image", make: () => packDisk(small), count: 150, headBytes: 2048 },
  {
    what: "the file system of a disk image",
    make: async () => withoutChecksum(await packDisk(tree, { verity: "none" }), dataStart),
    count: 150,
    headBytes: 4096,
    from: dataStart,
  },
  {
    what: "the hashes and the signature of a disk image",
    make: () => packDisk(small),
    count: 200,
    headBytes: 8192,
    from: dataStart + 4096,
  },
  {
    what: "a disk image by systemd-repart",
    make: async () => withoutChecksum(recordedImage("probe-confext"), dataStart),
    count: 60,
    headBytes: 8192,
    from: dataStart,
  },
  { what: "tar", make: () => collect(writeTar(tree)), count: 200, headBytes: 8192 },
  { what: "a small tar", make: () => collect(writeTar(small)), count: 300, headBytes: 4096 },
  { what: "a gzipped tar", make: async () => gzipSync(await collect(writeTar(small))), count: 150, headBytes: 64 },
  { what: "a Debian package", make: () => debOf(small), count: 200, headBytes: 256 },
  { what: "cpio", make: () => collect(writeCpio(small)), count: 300, headBytes: 2048 },
  { what: "a gzipped cpio", make: async () => gzipSync(await collect(writeCpio(small))), count: 150, headBytes: 64 },
];

describe("damaged images", () => {
  test.each(rows.map((row) => [row.what, row] as const))("%s", async (_what, row) => {
    const image = await row.make();
    const { from = 0 } = row;
    // Unharmed it is an image of that kind, of which all that does not ask for trust can be read.
    expect(await survives(image, "nothing")).toBeLessThanOrEqual(1);
    let refused = 0;
    for (const { bytes, what } of mutations(image.subarray(from), {
      seed: 7,
      count: row.count,
      headBytes: row.headBytes,
    })) {
      const damaged = from === 0 ? bytes : concatBytes([image.subarray(0, from), bytes]);
      if ((await survives(damaged, what)) > 1) refused += 1;
    }
    // The damage does reach what is read.
    expect(refused).toBeGreaterThan(row.count / 20);
  });

  test("nothing, and noise", async () => {
    await survives(new Uint8Array(0), "nothing at all");
    for (const { bytes, what } of mutations(new Uint8Array(70_000), { seed: 3, count: 20 }))
      await survives(bytes, what);
  });
});
