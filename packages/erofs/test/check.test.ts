import { fromBytes, viewOf } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { check } from "../src/index.js";
import { type Damage, inDirent, inInode, inodeBytes, inodeField, inSuper, sample, seal } from "./damage.js";
import { pack } from "./helpers.js";
import { zoo } from "./zoo.js";

describe("what only a check finds", () => {
  test.each<readonly [string, Damage, string, string]>([
    ["a link count", inInode("f", "nlinkOrHigh", 16, 3), "MISMATCH_LINKS", "/d/f"],
    ["a directory's link count", inInode("root", "nlinkOrHigh", 16, 2), "MISMATCH_LINKS", "/"],
    ["the count of inodes", inSuper("inodes", 32, 8), "MISMATCH_COUNT", "superblock.inodes"],
    ["the type in an entry", inDirent(2, "fileType", 8, 7), "MISMATCH_TYPE", "/d/f"],
    ["an undefined type in an entry", inDirent(2, "fileType", 8, 9), "MISMATCH_TYPE", "/d/f"],
    [
      "a dot that leads elsewhere",
      (view, at) => view.setUint32(at.d + inodeBytes, at.root / 32, true),
      "MISMATCH_PARENT",
      "/d",
    ],
    [
      "a parent that is none",
      (view, at) => view.setUint32(at.d + inodeBytes + 12, at.d / 32, true),
      "MISMATCH_PARENT",
      "/d",
    ],
    ["no parent", (view, at) => view.setUint8(at.d + inodeBytes + 4 * 12 + 2, 0x61), "MISMATCH_PARENT", "/d"],
    [
      "two files in the same blocks",
      (view, at) =>
        view.setUint32(at.f + inodeField.address, view.getUint32(at.f + inodeField.address, true) + 1, true),
      "MALFORMED_OVERLAP",
      "/d/g",
    ],
    ["a file in the metadata", inInode("f", "address", 32, 0), "MALFORMED_OVERLAP", "/"],
    [
      "a directory within itself",
      (view, at) => {
        view.setUint32(at.d + inodeBytes + 2 * 12, at.d / 32, true);
        view.setUint8(at.d + inodeBytes + 2 * 12 + 10, 2);
      },
      "MALFORMED_CYCLE",
      "/d/f",
    ],
    ["fewer blocks than are in use", inSuper("blocksLow", 32, 1), "MALFORMED_DATA", "/d/f"],
  ])("%s", async (_, damage, code, path) => {
    const { image, at } = await sample();
    damage(viewOf(image), at, image);
    const { findings } = await check(fromBytes(seal(image)));
    expect(findings.map((finding) => [finding.code, finding.path])).toContainEqual([code, path]);
  });

  test("findings are bounded", async () => {
    const image = await pack(zoo());
    const broken = image.slice();
    for (let at = 4096; at < broken.length; at += 32) broken[at] = 0xff;
    const all = await check(fromBytes(broken));
    expect(all.findings.length).toBeGreaterThan(3);
    const few = await check(fromBytes(broken), { maxFindings: 2 });
    expect(few.findings).toEqual(all.findings.slice(0, 2));
    expect([few.truncated, all.truncated]).toEqual([true, false]);
  });
});
