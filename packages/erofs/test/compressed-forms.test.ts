import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { withLoopMount } from "@sextant/peers";
import { compareTreeWithDirectory, withTemporaryDirectory } from "@sextant/testkit";
import type { Name } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { check, dump, formatSpans, open } from "../src/index.js";
import { blockOf, type Crafted, craft, full, header, lz4Run, run } from "./craft.js";
import { forms } from "./forms.js";
import { mountsHere } from "./running-kernel.js";

const legacy: Crafted = {
  layout: "compressedFull",
  size: 7000,
  map: full(header(), [
    { head: "head1", block: 1 },
    { head: "plain", at: 2904, block: 0 },
  ]),
  // Such writers also put more into a cluster than its extent has.
  blocks: [blockOf(lz4Run(97, 9000))],
  legacy: true,
};

async function readFile(image: Uint8Array): Promise<Uint8Array> {
  const root = await (await open(fromBytes(image))).root();
  const content = (await root.lookup("f" as Name))?.content().open();
  if (content === undefined) throw new Error("there is no /f");
  return content.read(0, content.size);
}

describe("what indexes can say", () => {
  test.each(forms)("%s", async (_, crafted, expected) => {
    const image = craft(crafted);
    expect(await readFile(image)).toEqual(expected);
    expect((await check(fromBytes(image))).findings).toEqual([]);
    const opened = await open(fromBytes(image));
    if (!mountsHere(opened)) return;
    await withTemporaryDirectory(async (folder) => {
      const path = join(folder, "image");
      writeFileSync(path, image);
      const root = await opened.root();
      await withLoopMount(path, "erofs", async (mounted) => {
        expect(await compareTreeWithDirectory(root, mounted)).toEqual([]);
      });
    });
  });

  test("LZ4 without padding, as before Linux 5.4", async () => {
    const image = craft(legacy);
    expect(await readFile(image)).toEqual(run("a", 7000));
    expect((await check(fromBytes(image))).findings).toEqual([]);
  });

  test.each(forms)("%s: any part of it", async (_, crafted, expected) => {
    const root = await (await open(fromBytes(craft(crafted)), { clusterCacheBytes: 5000 })).root();
    const content = (await root.lookup("f" as Name))?.content().open();
    for (let start = 0; start < expected.length; start += 997) {
      for (const length of [1, 900, 4096, 12_345]) {
        const end = Math.min(expected.length, start + length);
        expect(await content?.read(start, end)).toEqual(expected.subarray(start, end));
      }
    }
  });

  test("dumps name all of it", async () => {
    const lines: string[] = [];
    for (const [what, crafted] of forms) {
      lines.push("", `# ${what}`);
      for await (const line of formatSpans(dump(fromBytes(craft(crafted))))) {
        if (/\(\/f\)\.(map|lcluster|extent|data)|^[^=]*compression/.test(line)) lines.push(line);
      }
    }
    await expect(`${lines.join("\n").trim()}\n`).toMatchFileSnapshot("golden/compressed.txt");
  });
});
