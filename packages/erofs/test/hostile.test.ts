import { type ByteSource, CodedError, counted, fromBytes, viewOf } from "@sextant/bytes";
import { mutations } from "@sextant/testkit";
import { directory, file, nameFromText } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { check, dump, open } from "../src/index.js";
import { readAll, seal } from "./damage.js";
import { pack } from "./helpers.js";
import { fill, pattern, zoo } from "./zoo.js";

describe("sizes that lie", () => {
  /** The sample with one extended inode, which has 64 bits for its size. */
  async function withSize(size: bigint, damage: (view: DataView, at: number) => void = () => {}) {
    const image = await pack(fill(directory(), { f: file(pattern(5000), { uid: 70_000 }) }));
    const node = await (await (await open(fromBytes(image))).root()).lookup(nameFromText("f"));
    const at = 32 * Number(node?.id);
    const view = viewOf(image);
    view.setBigUint64(at + 8, size, true);
    damage(view, at);
    return counted(fromBytes(seal(image)));
  }
  const plain = (view: DataView, at: number) => view.setUint16(at, 1, true);
  const hole = (view: DataView, at: number) => {
    plain(view, at);
    view.setUint32(at + 16, 0xffffffff, true);
    view.setUint16(at + 6, 0xffff, true);
  };
  const chunked = (bits: number) => (view: DataView, at: number) => {
    view.setUint16(at, 1 + (4 << 1), true);
    view.setUint32(at + 16, bits, true);
  };

  interface Row {
    readonly what: string;
    readonly size: bigint;
    readonly damage?: (view: DataView, at: number) => void;
    readonly code: string;
    /** What the check finds first, where it is something else. */
    readonly found?: string;
  }
  const most = 2n ** 53n - 1n;
  const sizes: Row[] = [
    { what: "2^60 bytes", size: 2n ** 60n, code: "LIMIT_RANGE" },
    { what: "2^53 − 1 bytes behind the inode", size: most, code: "MALFORMED_DATA" },
    { what: "2^53 − 1 bytes in blocks", size: most, damage: plain, code: "MALFORMED_DATA" },
    {
      what: "2^53 − 1 bytes in small chunks",
      size: most,
      damage: chunked(0),
      code: "MALFORMED_DATA",
      found: "MALFORMED_TRUNCATED",
    },
    { what: "2^43 bytes in one chunk", size: 2n ** 43n, damage: chunked(31), code: "MALFORMED_DATA" },
  ];
  test.each(sizes)("$what", async ({ size, damage, code, found = code }) => {
    const source = await withSize(size, damage);
    await expect(readAll(source)).rejects.toMatchObject({ code });
    expect((await check(source)).findings[0]?.code).toBe(found);
    expect(source.count.bytes).toBeLessThan(200_000);
  });

  test("2^53 − 1 bytes of nothing are a hole, and cost nothing", async () => {
    const source = await withSize(2n ** 53n - 1n, hole);
    await readAll(source);
    const node = await (await (await open(source)).root()).lookup(nameFromText("f"));
    expect(node?.content()).toMatchObject({ size: 2 ** 53 - 1, extents: [] });
    expect(
      await node
        ?.content()
        .open()
        .read(2 ** 52, 2 ** 52 + 3),
    ).toEqual(new Uint8Array(3));
  });
});

describe("fuzz", () => {
  test("damaged images throw only what they should, and soon", async () => {
    const image = await pack(zoo({ small: true }));
    for (const { bytes, what } of mutations(image, { seed: 1, count: 1000 })) {
      const source = fromBytes(bytes.length >= 4096 ? seal(bytes) : bytes);
      for (const read of [readAll, async (of: ByteSource) => void (await check(of)), drain]) {
        await read(source).catch((error: unknown) => {
          if (!(error instanceof CodedError)) throw new Error(`${what}: ${String(error)}`, { cause: error });
        });
      }
    }
  });
});

async function drain(source: ByteSource): Promise<void> {
  for await (const _ of dump(source));
}
