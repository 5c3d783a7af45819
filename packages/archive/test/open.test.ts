import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { memorySpill, openArchive, type Spill, writeCpio, writeTar } from "@sextant/archive";
import { nodeUnpackOptions, spillFile } from "@sextant/archive/node";
import { concatBytes, fromBytes } from "@sextant/bytes";
import { CodecError } from "@sextant/codecs";
import { describeWithPeers } from "@sextant/peers";
import { compareTrees } from "@sextant/testkit";
import { directory, file, type MutableDirectory } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { bytesOf, collect, end, expectError, member, name, textOf } from "./helpers.js";

const tree = ((): MutableDirectory => {
  const root = directory();
  root.entries.set(name("a"), file(bytesOf("text")));
  root.entries.set(name("large"), file(new Uint8Array(3_000_000).map((_, i) => (i * i) >> 7)));
  return root;
})();

const temporaries = () => readdirSync(tmpdir()).filter((file) => file.startsWith(".sextant-"));

describeWithPeers("archives of any kind", ["xz", "zstd", "gzip"], (peers) => {
  const writers = { tar: writeTar, cpio: writeCpio };
  test.each(["tar", "cpio"] as const)("%s", async (format) => {
    const plain = await collect(writers[format](tree));
    for (const compression of [undefined, "gzip", "xz", "zstd"] as const) {
      const bytes = compression ? (await peers[compression].run(["-c", "-1"], { input: plain })).stdout : plain;
      for (const options of [{}, nodeUnpackOptions]) {
        const before = temporaries().length;
        const archive = await openArchive(fromBytes(bytes), options);
        expect(archive).toMatchObject({ format, compression, warnings: [], control: undefined });
        expect(archive.segments?.length).toBe(format === "cpio" ? 1 : undefined);
        expect(await compareTrees(tree, archive.tree)).toEqual([]);
        expect(temporaries().length).toBe(before);
        await archive[Symbol.asyncDispose]();
      }
    }
  });

  test("what is compressed in many members", async () => {
    const plain = await collect(writeTar(tree));
    const parts: Uint8Array[] = [];
    for (let at = 0; at < plain.length; at += 100_000) parts.push(gzipSync(plain.subarray(at, at + 100_000)));
    await using archive = await openArchive(fromBytes(concatBytes(parts)));
    expect(await compareTrees(tree, archive.tree)).toEqual([]);
  });
});

describe("refused", () => {
  const text = bytesOf("just some text, no archive at all\n".repeat(100));
  test.each([
    ["text", text, "UNSUPPORTED_FORMAT"],
    ["compressed text", new Uint8Array(gzipSync(text)), "UNSUPPORTED_FORMAT"],
    ["nothing", new Uint8Array(0), "UNSUPPORTED_FORMAT"],
    ["zeros", new Uint8Array(2 << 20), "UNSUPPORTED_FORMAT"],
    ["an old cpio", bytesOf(`070707${"0".repeat(600)}`), "UNSUPPORTED_FORMAT"],
    ["an archive of objects", bytesOf("!<arch>\na.o/".padEnd(66, " ").concat("0         `\n")), "MALFORMED_HEADER"],
  ] as const)("%s", async (_what, bytes, code) => {
    await expectError(openArchive(fromBytes(bytes, "the-source")), code);
    await expect(openArchive(fromBytes(bytes, "the-source"))).rejects.toMatchObject({
      context: { source: "the-source" },
    });
  });

  test("formats of compression that are known and not read", async () => {
    const bzip2 = bytesOf("BZh91AY&SY");
    await expect(openArchive(fromBytes(bzip2, "a.bz2"))).rejects.toMatchObject({ code: "UNSUPPORTED_FORMAT" });
    await expect(openArchive(fromBytes(bzip2, "a.bz2"))).rejects.toBeInstanceOf(CodecError);
  });
});

test("warnings come along, and as they arise", async () => {
  const seen: string[] = [];
  const bytes = concatBytes([member({ name: "label", typeflag: "V" }), member({ name: "a" }, "x")]);
  const archive = await openArchive(fromBytes(bytes), { onWarning: ({ code }) => seen.push(code) });
  expect(archive.warnings.map(({ code }) => code)).toEqual(["IGNORED_MEMBER", "UNMARKED_END"]);
  expect(seen).toEqual(["IGNORED_MEMBER", "UNMARKED_END"]);
});

test("an empty archive", async () => {
  expect((await openArchive(fromBytes(end))).tree.entries.size).toBe(0);
  expect((await openArchive(fromBytes(gzipSync(new Uint8Array(10240))))).tree.entries.size).toBe(0);
});

describe.each([
  ["memory", () => memorySpill()],
  ["files", () => spillFile],
] as const)("spilling to %s", (_where, make: () => Spill) => {
  test("bytes in any order, read in any part", async () => {
    const target = await make()();
    const bytes = new Uint8Array(2_500_000).map((_, i) => (i * 31) >> 5);
    await target.sink.write(2_000_000, bytes.subarray(2_000_000));
    await target.sink.write(0, bytes.subarray(0, 1_500_000));
    await target.sink.write(1_400_000, bytes.subarray(1_400_000, 1_700_000));
    await target.sink.commit(3_000_000);
    const source = target.source();
    expect(source.size).toBe(3_000_000);
    const expected = new Uint8Array(3_000_000);
    expected.set(bytes);
    expected.fill(0, 1_700_000, 2_000_000);
    for (const [start, stop] of [
      [0, 10],
      [1_048_570, 1_048_580],
      [1_000_000, 2_400_000],
      [0, 3_000_000],
      [2_999_999, 3_000_000],
      [7, 7],
    ] as const) {
      expect(Buffer.compare(await source.read(start, stop), expected.subarray(start, stop))).toBe(0);
    }
    await expect(source.read(0, 3_000_001)).rejects.toThrow(RangeError);
    await target[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  test("leaves nothing when it is given up", async () => {
    const before = temporaries().length;
    const target = await make()();
    await target.sink.write(0, bytesOf("x"));
    await target.sink.abort();
    await target[Symbol.asyncDispose]();
    expect(temporaries().length).toBe(before);
  });
});

test("a bomb stops at the limit of memory, and at the caller's", async () => {
  const bomb = gzipSync(concatBytes([member({ name: "a", size: "00300000000\0" }), new Uint8Array(0o300000000), end]));
  await expectError(openArchive(fromBytes(bomb), { spill: memorySpill(1_000_000) }), "LIMIT_CONTENT");
  await expect(openArchive(fromBytes(bomb), { unpackLimitBytes: 1_000_000 })).rejects.toMatchObject({
    code: "LIMIT_OUTPUT",
  });
  const archive = await openArchive(fromBytes(bomb), { spill: memorySpill(64 << 20) });
  expect(archive.tree.entries.size).toBe(1);
});

test("a failure after unpacking lets go of what was spilled", async () => {
  const open: string[] = [];
  const spill: Spill = async () => {
    const target = await memorySpill()();
    open.push("one");
    return {
      ...target,
      async [Symbol.asyncDispose]() {
        open.length = 0;
        await target[Symbol.asyncDispose]();
      },
    };
  };
  const bytes = gzipSync(concatBytes([member({ name: "a" }, "x"), bytesOf("x".repeat(512))]));
  await expectError(openArchive(fromBytes(bytes), { spill }), "MISMATCH_CHECKSUM");
  expect(open).toEqual([]);
  const archive = await openArchive(fromBytes(gzipSync(concatBytes([member({ name: "a" }, "x"), end]))), { spill });
  expect([open.length, await textOf(archive.tree, "a")]).toEqual([1, "x"]);
  await archive[Symbol.asyncDispose]();
  expect(open).toEqual([]);
});
