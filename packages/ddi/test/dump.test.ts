import { fromBytes } from "@sextant/bytes";
import { expect, test } from "vitest";
import { dump } from "../src/index.js";
import { imageNames, makeImage, oracleImage } from "./oracle.js";
import { flipBit } from "./patch.js";

const text = async (image: Uint8Array) =>
  `${(await dump(fromBytes(image)))
    .map(
      ({ start, end, path, value }) =>
        `${String(start).padStart(8)} ${String(end - start).padStart(6)}  ${path} = ${value}`,
    )
    .join("\n")}\n`;

test.each(imageNames)("%s", async (name) => {
  await expect(await text(oracleImage(name))).toMatchFileSnapshot(`./goldens/${name}.txt`);
});

test("fields lie in order, and fields of records side by side", async () => {
  const spans = await dump(fromBytes(await makeImage({ sectorBytes: 4096 })));
  for (const [index, { start, end }] of spans.entries()) {
    expect(end).toBeGreaterThan(start);
    const before = spans[index - 1];
    if (before) expect(start).toBeGreaterThanOrEqual(before.end);
  }
});

test("a damaged header is shown as it is", async () => {
  const damaged = await text(flipBit(await makeImage(), 8 * 512));
  expect(damaged).toContain('primary.header.signature = "DFI PART"');
  expect(damaged).toContain("backup.entries[1].label");
  expect(damaged).not.toContain("primary.entries");
});

test("so are a verity superblock and a signature that are none", async () => {
  const image = oracleImage("probe-sysext");
  expect(await text(flipBit(image, 8 * 688128))).toContain("partitions[1].superblock.version = 1");
  expect(await text(flipBit(image, 8 * 1359872))).toContain("partitions[2].signature = it is not JSON");
});
