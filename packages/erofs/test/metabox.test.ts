import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { concatBytes, fromBytes, viewOf } from "@sextant/bytes";
import { withLoopMount } from "@sextant/peers";
import { compareTreeWithDirectory, withTemporaryDirectory } from "@sextant/testkit";
import { describe, expect, test } from "vitest";
import { featureCompat, featureIncompat } from "../src/features.js";
import { check, dump, formatSpans, open } from "../src/index.js";
import {
  compactInodeRecord,
  dataLayout,
  direntRecord,
  fileType,
  modeType,
  superblockRecord,
  superblockSlotRecord,
  superOffset,
  xattrEntryRecord,
  xattrHeaderRecord,
} from "../src/layout.js";
import { craft } from "./craft.js";
import { mountsHere } from "./running-kernel.js";

/** Slots of 32 bytes in the metabox: the root with its entries, `/f` with its content, and shared xattrs. */
const rootSlot = 0;
const fileSlot = 4;
const prefixOffset = 256;
const sharedOffset = 320;

const inode = (fields: {
  mode: number;
  nlink: number;
  size: number;
  xattrCount?: number;
  layout: number;
  address?: number;
}) =>
  compactInodeRecord.encode({
    ...{ mtime: 0, serial: 1, uid: 0, gid: 0, reserved: 0, address: 0, xattrCount: 0, ...fields },
    format: fields.layout << 1,
    nlinkOrHigh: fields.nlink,
  });

const text = (value: string) => new TextEncoder().encode(value);
const boxed = (slot: number) => (1n << 63n) + BigInt(slot);
const metaboxNid = 50;

/** An image all of whose named inodes are in the metabox, whose data is block 1; `/f` has one shared xattr with a long prefix. */
function image(change: (box: DataView, image: DataView) => void = () => {}): Uint8Array {
  const box = new Uint8Array(4096);
  const put = (bytes: Uint8Array, at: number) => box.set(bytes, at);
  const dirent = (slot: number, nameOffset: number, type: number) =>
    direntRecord.encode({ nid: boxed(slot), nameOffset, fileType: type, reserved: 0 });
  const entries = concatBytes([
    dirent(rootSlot, 36, fileType.directory),
    dirent(rootSlot, 37, fileType.directory),
    dirent(fileSlot, 39, fileType.file),
    text("...f"),
  ]);
  const content = text("content of f");
  const flatInline = dataLayout.flatInline;
  put(inode({ mode: modeType.directory + 0o755, nlink: 2, size: entries.length, layout: flatInline }), 32 * rootSlot);
  put(entries, 32 * rootSlot + 32);
  put(
    inode({ mode: modeType.file + 0o644, nlink: 1, size: content.length, xattrCount: 2, layout: flatInline }),
    32 * fileSlot,
  );
  put(xattrHeaderRecord.encode({ nameFilter: 0, sharedCount: 1, reserved: new Uint8Array(7) }), 32 * fileSlot + 32);
  viewOf(box).setUint32(32 * fileSlot + 32 + 12, sharedOffset / 4, true);
  put(content, 32 * fileSlot + 32 + 16);
  put(concatBytes([Uint8Array.of(6, 0, 1), text("long.")]), prefixOffset);
  put(
    concatBytes([xattrEntryRecord.encode({ nameLength: 4, nameIndex: 0x80, valueSize: 5 }), text("namevalue")]),
    sharedOffset,
  );

  const whole = craft({ layout: "compressedFull", size: 0, map: new Uint8Array(0), blocks: [box] });
  const metabox = inode({
    mode: modeType.file + 0o600,
    nlink: 1,
    size: 4096,
    layout: dataLayout.flatPlain,
    address: 1,
  });
  whole.set(metabox, 32 * metaboxNid);
  whole.set(
    superblockSlotRecord.encode({ metaboxNid: BigInt(metaboxNid), reserved3: 0n }),
    superOffset + superblockRecord.size,
  );
  const { offsets } = superblockRecord;
  const view = viewOf(whole.subarray(superOffset));
  view.setUint8(offsets.extensionSlots, 1);
  view.setUint16(offsets.rootNid16, 0, true);
  view.setBigUint64(offsets.rootNid64, boxed(rootSlot), true);
  view.setBigUint64(offsets.inodes, 3n, true);
  view.setUint8(offsets.xattrPrefixCount, 1);
  view.setUint32(offsets.xattrPrefixStart, prefixOffset / 4, true);
  view.setUint32(offsets.featureCompat, featureCompat.sharedXattrsInMetabox, true);
  const { layout48, lz4ZeroPadding, metabox: bit, xattrPrefixes } = featureIncompat;
  view.setUint32(offsets.featureIncompat, layout48 | lz4ZeroPadding | bit | xattrPrefixes, true);
  change(viewOf(whole.subarray(4096)), view);
  return whole;
}

describe("inodes in a metabox", () => {
  test("are read with their entries, content and shared xattrs, as the kernel does", async () => {
    const opened = await open(fromBytes(image()));
    const root = await opened.root();
    const [entry] = await root.entries();
    const node = await entry?.node();
    expect(entry?.name).toBe("f");
    expect(await node?.content().open().read(0, 12)).toEqual(text("content of f"));
    expect(await node?.xattrs()).toEqual([{ name: "user.long.name", value: text("value") }]);
    expect((await check(fromBytes(image()))).findings).toEqual([]);
    if (!mountsHere(opened)) return;
    await withTemporaryDirectory(async (folder) => {
      writeFileSync(join(folder, "image"), image());
      await withLoopMount(join(folder, "image"), "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(root, mounted)).toEqual([]);
      });
    });
  });

  test("are dumped by their places there", async () => {
    const lines: string[] = [];
    for await (const line of formatSpans(dump(fromBytes(image())))) lines.push(line);
    expect(lines.filter((line) => /\.(size|name|value|data) = /.test(line)).map((line) => line.trim())).toEqual([
      "00000008      4  inode 0 of the metabox (/).size = 40",
      "00000024      1  inode 0 of the metabox (/).block 0.dirent 0.name = .",
      "00000025      2  inode 0 of the metabox (/).block 0.dirent 1.name = ..",
      "00000027      1  inode 0 of the metabox (/).block 0.dirent 2.name = f",
      "00000088      4  inode 4 of the metabox (/f).size = 12",
      "00000144      4  shared xattr 80.name = user.long.name",
      "00000148      5  shared xattr 80.value = 76616c7565",
      "000000b0     12  inode 4 of the metabox (/f).data = bytes 0…12, inline",
      "00000648      4  inode 50 (metabox).size = 4096",
      "00001000   4096  inode 50 (metabox).data = bytes 0…4096, in blocks",
    ]);
  });

  test.each<readonly [string, Parameters<typeof image>[0], string, RegExp]>([
    [
      "behind its end",
      (box) => box.setUint32(32 + 24, 4096 / 32, true),
      "MALFORMED_INODE",
      /128 of the metabox would stand at byte 4096 of 4096/,
    ],
    ["of nobody", (box) => box.setUint16(32 * fileSlot + 4, 0, true), "MALFORMED_INODE", /no file type/],
    [
      "with shared xattrs behind its end",
      (box) => box.setUint32(32 * fileSlot + 44, 2000, true),
      "MALFORMED_TRUNCATED",
      /ends at byte 8004 of 4096/,
    ],
    [
      "with content behind its end",
      (box) => box.setUint32(32 * fileSlot + 8, 4000, true),
      "MALFORMED_DATA",
      /crosses a block/,
    ],
  ])("an inode %s is refused", async (_, change, code, message) => {
    const opened = await open(fromBytes(image(change)));
    const read = async () => {
      const node = await (await (await opened.root()).entries())[0]?.node();
      await node?.xattrs();
      await node?.content().open().read(0, 1);
    };
    await expect(read()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    const { findings } = await check(fromBytes(image(change)));
    expect(findings.map((finding) => finding.code)).toContain(code);
  });
});
