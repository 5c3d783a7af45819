import { concatBytes, fromBytes } from "@sextant/bytes";
import { describe, expect, test } from "vitest";
import { open } from "../src/index.js";
import { makeImage } from "./oracle.js";
import { patchTable } from "./patch.js";

describe("oddities are warnings", () => {
  const codes = async (image: Uint8Array) =>
    (await open(fromBytes(image))).warnings.map(({ code, path, offset }) => [code, path, offset]);
  const changed = async (at: number, value = 1) => {
    const image = await makeImage();
    image[at] = value;
    return image;
  };

  test("none in our own", async () => {
    expect(await codes(await makeImage())).toEqual([]);
    expect(await codes(await makeImage({ sectorBytes: 4096 }))).toEqual([]);
  });

  test.each([
    ["boot code", 3, "unusual-mbr", "protectiveMbr.bootCode", 0],
    ["a disk signature", 441, "unusual-mbr", "protectiveMbr.diskSignature", 440],
    ["an active partition", 446, "unusual-mbr", "protectiveMbr.partition1.bootIndicator", 446],
    ["another size", 459, "unusual-mbr", "protectiveMbr.partition1.sizeInLba", 458],
    ["a hybrid MBR", 466, "unusual-mbr", "protectiveMbr.partition2.osType", 466],
    ["bytes behind the header", 700, "reserved-bytes", "header", 700],
  ])("%s", async (_, at, code, path, offset) => {
    expect(await codes(await changed(at, 0x55))).toEqual([[code, path, offset]]);
  });

  test("bytes behind the MBR of large sectors", async () => {
    const image = await makeImage({ sectorBytes: 4096 });
    image[2000] = 1;
    expect(await codes(image)).toEqual([["reserved-bytes", "protectiveMbr", 2000]]);
  });

  test("a reserved field of the header", async () => {
    const image = patchTable(await makeImage(), { header: { reserved: 1 } });
    expect(await codes(image)).toEqual([["reserved-bytes", "header.reserved", 532]]);
  });

  test("bytes behind the image", async () => {
    const image = await makeImage();
    expect(await codes(concatBytes([image, new Uint8Array(512)]))).toEqual([["trailing-data", "image", image.length]]);
  });

  test("an image without its backup", async () => {
    const image = await makeImage();
    expect(await codes(image.subarray(0, image.length - 512))).toEqual([["no-backup", "header.alternateLba", 544]]);
  });
});
