// What opening and matching read, pinned: the promise is at most 3 requests and 64 KiB for a disk image of any size.
import { type ByteSource, counted, fromBytes, fromUrl, type ReadCount } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { type RangeServer, rangeServer } from "@sextant/testkit";
import { type Directory, nameFromText, resolvePath } from "@sextant/tree";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ImageOptions, openImage, readExtension } from "../src/index.js";
import {
  codeOf,
  debian13,
  packDisk,
  packErofs,
  recordedCertificates,
  recordedImage,
  smallFiles,
  smallTree,
  sparseDisk,
  treeOf,
  utf8,
} from "./support.js";

/** What a match reads of an image. */
async function matchReads(image: ByteSource, options: ImageOptions = {}, name = "foo"): Promise<ReadCount> {
  const source = counted(image);
  const opened = await openImage(source, { hasher: nodeHasher, ...options });
  const { release } = await readExtension(await opened.root(), { name });
  expect(release?.fields?.get("ID")).toBeDefined();
  return source.count;
}

/** An extension with so many entries in usr/lib, besides 200 MB of data. */
function large(entries: number): Directory {
  const libraries = Array.from({ length: entries }, (_, index) => [`usr/lib/library-${index}.so.1`, "x"] as const);
  return treeOf({ ...smallFiles, ...Object.fromEntries(libraries), "usr/share/data": { zeros: 200_000_000 } });
}

const head = 32_768;

describe("a disk image of 200 MB", () => {
  let image: ByteSource;
  beforeAll(async () => {
    image = await sparseDisk(large(60));
  });

  test("costs one request of 32 KiB", async () => {
    expect(image.size).toBeGreaterThan(200_000_000);
    expect(await matchReads(image)).toEqual({ requests: 1, bytes: head });
  });

  test("and the signature, the verity superblock and a block of each level where it is verified", async () => {
    const count = await matchReads(image, { certificates: recordedCertificates });
    // 200 MB of 4096-byte blocks are 3 levels of 128 hashes a block.
    expect(count).toEqual({ requests: 1 + 1 + 1 + 3, bytes: head + 16_384 + 512 + 3 * 4096 });
  });

  test("over HTTP the same", async () => {
    const bytes = await image.read(0, image.size);
    await using server = await rangeServer(bytes);
    const source = await fromUrl(server.url);
    await readExtension(await (await openImage(source)).root(), { name: "foo" });
    expect(source.count).toEqual({ requests: 1, bytes: head });
    expect([server.requests.length, server.bytesSent()]).toEqual([1, head]);
  });
});

describe("other images", () => {
  test.each<[string, () => Promise<Uint8Array>, string, ReadCount]>([
    ["a small bare file system", () => packErofs(smallTree), "foo", { requests: 1, bytes: 4096 }],
    ["a small disk image", () => packDisk(smallTree), "foo", { requests: 1, bytes: head }],
    [
      "one with sectors of 4096 bytes",
      () => packDisk(smallTree, { sectorBytes: 4096 }),
      "foo",
      { requests: 1, bytes: head },
    ],
    ["one by systemd-repart", async () => recordedImage("probe-sysext"), "probe", { requests: 1, bytes: head }],
    ["another by systemd-repart", async () => recordedImage("p4k"), "probe", { requests: 1, bytes: head }],
  ])("%s", async (_what, make, name, expected) => {
    expect(await matchReads(fromBytes(await make()), {}, name)).toEqual(expected);
  });

  // Whether usr/lib/os-release is there takes a search in usr/lib: a block for each halving of a directory beyond the head.
  test.each([
    [100, { requests: 1, bytes: head }],
    [300, { requests: 3, bytes: head + 2 * 4096 }],
    [3000, { requests: 5, bytes: head + 4 * 4096 }],
  ])("with %i entries in usr/lib", async (entries, expected) => {
    const libraries = Array.from({ length: entries }, (_, index) => [`usr/lib/library-${index}.so.1`, "x"] as const);
    const disk = await packDisk(treeOf({ ...smallFiles, ...Object.fromEntries(libraries) }), { verity: "none" });
    expect(await matchReads(fromBytes(disk))).toEqual(expected);
  });
});

describe("over HTTP", () => {
  let server: RangeServer;
  let bytes: Uint8Array;
  beforeAll(async () => {
    bytes = await packDisk(treeOf({ ...smallFiles, "usr/share/data": new Uint8Array(500_000).fill(1) }));
    server = await rangeServer(bytes);
  });
  afterAll(() => server.close());

  test("reading a file costs its blocks", async () => {
    const source = await fromUrl(server.url);
    const found = await resolvePath(await (await openImage(source)).root(), nameFromText("usr/share/data"));
    expect(source.count).toEqual({ requests: 1, bytes: head });
    expect(await found?.node.content().open().read(100_000, 100_100)).toEqual(new Uint8Array(100).fill(1));
    expect(source.count).toEqual({ requests: 2, bytes: head + 100 });
  });

  test("a server without ranges is read from the start, once", async () => {
    await using whole = await rangeServer(bytes, { ignoreRange: true });
    const source = await fromUrl(whole.url);
    const { release } = await readExtension(await (await openImage(source)).root(), { name: "foo" });
    expect(release?.bytes).toEqual(utf8(debian13));
    expect(source.count.requests).toBe(1);
  });

  test("an image that changes in between is an error", async () => {
    await using changing = await rangeServer(bytes, { changeAfterRequests: 1 });
    const source = await fromUrl(changing.url);
    const found = await resolvePath(await (await openImage(source)).root(), nameFromText("usr/share/data"));
    const content = found?.node.content().open();
    expect(await codeOf(() => content?.read(100_000, 100_100))).toBe("BytesError MISMATCH_CHANGED");
  });
});
