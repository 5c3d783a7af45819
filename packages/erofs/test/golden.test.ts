import { fromBytes, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { type Directory, device, directory, file, nameFromText, symlink } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { dump, formatSpans, type PlanOptions } from "../src/index.js";
import { openBytes, pack } from "./helpers.js";
import { extension, fill, pattern, xattr, zoo } from "./zoo.js";

/** Every form that the writer has, in an image that a person can read. */
function sample(): Directory {
  const label = xattr("security.selinux", "label");
  return fill(directory({ xattrs: [label] }), {
    large: file(pattern(4100), {
      uid: 70_000,
      mtimeSeconds: -2,
      mtimeNanoseconds: 5,
      xattrs: [xattr("user.a", "b"), label],
    }),
    link: symlink(nameFromText("large")),
    null: device("character-device", 1, 3),
  });
}

async function dumpText(bytes: Uint8Array): Promise<string> {
  const lines: string[] = [];
  for await (const line of formatSpans(dump(fromBytes(bytes)))) lines.push(line);
  return `${lines.join("\n")}\n`;
}

test("the dump of a small image", async () => {
  await expect(await dumpText(await pack(sample(), { label: "sample" }))).toMatchFileSnapshot("golden/sample.txt");
});

describe("bytes that must not change by chance", () => {
  test.each<readonly [string, Directory, PlanOptions, string]>([
    ["the sample", sample(), {}, "13beedf58e9581fde6e25c092f4b15a93488fb9fbc0719cb13f4a1aa4ea6fe5e"],
    ["the zoo", zoo(), {}, "9e1931222a91085842f2ff271074ad37bbc83e87b74c34209beddf48ef63adb4"],
    [
      "the zoo at time 0",
      zoo(),
      { epochSeconds: 0, label: "zoo" },
      "41373beda4c1dd41f4d2b73fedda440a7273ec86ce26e52fbf62d505d09a84f5",
    ],
    [
      "an extension",
      extension(),
      { uuid: new Uint8Array(16).fill(7) },
      "54799dd5c8d4fb2244728625ed9978e3c210a6d17358d12d7e4ccf37bd635289",
    ],
    ["an empty directory", directory(), {}, "9d79d24c06c325c67fa907682d305e4666509fac99b166c80bc0ddbaa01ad345"],
  ])("%s", async (_, tree, options, digest) => {
    expect(toHex(nodeHasher.hash("sha256", await pack(tree, options)))).toBe(digest);
  });
});

describe("options", () => {
  test("an epoch clamps later times and leaves earlier ones", async () => {
    const tree = fill(directory({ mtimeSeconds: 2000 }), {
      early: file(pattern(1), { mtimeSeconds: 999, mtimeNanoseconds: 7 }),
      same: file(pattern(1), { mtimeSeconds: 1000 }),
      late: file(pattern(1), { mtimeSeconds: 1000, mtimeNanoseconds: 1 }),
    });
    const times = async (options: PlanOptions) => {
      const root = await (await openBytes(await pack(tree, options))).root();
      const nodes = [root, ...(await Promise.all((await root.entries()).map((entry) => entry.node())))];
      return nodes.map((node) => `${node.mtimeSeconds}.${node.mtimeNanoseconds}`);
    };
    expect(await times({ epochSeconds: 1000 })).toEqual(["1000.0", "999.7", "1000.0", "1000.0"]);
    expect(await times({})).toEqual(["2000.0", "999.7", "1000.1", "1000.0"]);
    expect(await times({ epochSeconds: 0 })).toEqual(["0.0", "0.0", "0.0", "0.0"]);
  });

  test("UUID and label are in the image; without a UUID it follows from all that is", async () => {
    const uuid = Uint8Array.from({ length: 16 }, (_, i) => i);
    const image = await openBytes(await pack(sample(), { uuid, label: "größe" }));
    expect(image.uuid).toBe("00010203-0405-0607-0809-0a0b0c0d0e0f");
    expect(image.label).toBe("größe");
    const derived = async (tree: Directory, options: PlanOptions = {}) =>
      (await openBytes(await pack(tree, options))).uuid;
    const first = await derived(sample());
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await derived(sample())).toBe(first);
    const others = [
      await derived(sample(), { label: "x" }),
      await derived(fill(sample(), { link: symlink(nameFromText("Large")) })),
      await derived(fill(sample(), { large: file(pattern(4101)) })),
      await derived(fill(sample(), { "a tail": file(pattern(3)) })),
      await derived(fill(sample(), { "a tail": file(pattern(3).reverse()) })),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
  });

  test.each<readonly [string, PlanOptions]>([
    ["a label of 17 bytes", { label: "12345678901234567" }],
    ["a label with NUL", { label: "a\0b" }],
    ["a UUID of 15 bytes", { uuid: new Uint8Array(15) }],
    ["an epoch that is no number of seconds", { epochSeconds: 1.5 }],
  ])("%s is refused", async (_, options) => {
    await expect(pack(directory(), options)).rejects.toThrow(RangeError);
  });
});
