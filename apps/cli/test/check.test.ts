// A check fails closed: what is not verified, for whatever reason, is an error.
import { readFileSync, writeFileSync } from "node:fs";
import { fromBytes } from "@sextant/bytes";
import { open, type Partition } from "@sextant/ddi";
import { seededRandom } from "@sextant/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, must, sextant } from "./command.js";
import { buildHello, recordedImage, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
let image: Uint8Array;
let partitions: readonly Partition[];
beforeAll(async () => {
  shop = await workshop();
  image = new Uint8Array(readFileSync(await buildHello(shop)));
  partitions = (await open(fromBytes(image))).partitions;
});
afterAll(() => shop.remove());

interface Checked {
  readonly ok: boolean;
  readonly findings: readonly { readonly severity: string; readonly code: string; readonly offset?: number }[];
  readonly filesystems: readonly {
    readonly verity: string;
    readonly signature: string;
    readonly signer: object | null;
  }[];
}

const check = async (name: string, more: readonly string[] = ["--certificate", shop.certificate]) => {
  const result = await sextant(["check", name, ...more], { cwd: shop.path });
  expect(result.stderr).not.toContain("internal error");
  return result;
};

function damaged(name: string, change: (bytes: Uint8Array) => void): string {
  const bytes = image.slice();
  change(bytes);
  writeFileSync(shop.at(name), bytes);
  return name;
}

const flip =
  (at: number, bit = 0) =>
  (bytes: Uint8Array) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  };

describe("an image that is as it should be", () => {
  test("is ok, and whose it is is told", async () => {
    const { exitCode, text } = await check("hello.raw");
    expect(exitCode).toBe(0);
    expect(text).toBe("root-x86-64: verity verified, 6 blocks, signature valid by CN=probe\nhello.raw: ok\n");
    const args = ["check", "hello.raw", "--certificate", shop.certificate];
    const told = await json<Checked>(args, { cwd: shop.path });
    expect(told).toMatchObject({ ok: true, findings: [], filesystems: [{ verity: "verified", signature: "valid" }] });
  });

  test.each(["probe-sysext", "probe-confext", "joined", "p4k"])("%s by systemd-repart", async (name) => {
    recordedImage(name, shop.path);
    const { exitCode, text } = await check(`${name}.raw`);
    expect([exitCode, text]).toEqual([0, expect.stringContaining("signature valid by CN=probe")]);
  });

  test("of several certificates one must fit", async () => {
    await must(["keygen", "keys"], { cwd: shop.path });
    const both = ["--certificate", "keys/sextant.crt", "--certificate", shop.certificate];
    expect((await check("hello.raw", both)).exitCode).toBe(0);
    expect((await check("hello.raw", both.slice(0, 2))).exitCode).toBe(1);
  });
});

describe("an image that nobody vouches for", () => {
  test.each<[string, string[], string[], number, string]>([
    ["signed, without a certificate", [], [], 1, "there is a signature, and no certificate to check it with"],
    ["signed, --allow-unsigned", [], ["--allow-unsigned"], 1, "no certificate to check it with"],
    ["unsigned", ["--verity", "unsigned"], [], 1, "the root hash is not signed"],
    ["unsigned, --allow-unsigned", ["--verity", "unsigned"], ["--allow-unsigned"], 0, "verity verified"],
    ["without verity", ["--verity", "none"], [], 1, "nothing vouches for"],
    ["without verity, --allow-unsigned", ["--verity", "none"], ["--allow-unsigned"], 0, "verity absent"],
    ["bare", ["--bare"], [], 1, "nothing vouches for"],
    ["bare, --allow-unsigned", ["--bare"], ["--allow-unsigned"], 0, "ok"],
  ])("%s", async (_what, build, more, exitCode, message) => {
    await buildHello(shop, build.length > 0 ? build : shop.keys, "some");
    const result = await check("some.raw", more);
    expect([result.exitCode, result.text]).toEqual([exitCode, expect.stringContaining(message)]);
  });

  test.each(["--verity=unsigned", "--verity=none", "--bare"])("%s with a certificate", async (how) => {
    await buildHello(shop, [how], "some");
    expect((await check("some.raw")).exitCode).toBe(1);
  });
});

describe("a single flipped bit", () => {
  const regions: readonly (readonly [string, () => readonly [start: number, end: number]])[] = [
    ["the primary header", () => [512, 512 + 92]],
    ["the primary entries", () => [1024, 1024 + 3 * 128]],
    ["the backup header", () => [image.length - 512, image.length - 512 + 92]],
    ["the backup entries", () => [image.length - 33 * 512, image.length - 33 * 512 + 3 * 128]],
    ["the file system", () => [partitions[0]?.start ?? 0, (partitions[0]?.start ?? 0) + 6 * 4096]],
    ["the verity superblock", () => [partitions[1]?.start ?? 0, (partitions[1]?.start ?? 0) + 38]],
    ["the hashes", () => [(partitions[1]?.start ?? 0) + 4096, (partitions[1]?.start ?? 0) + 4096 + 6 * 32]],
    ["the signature", () => [partitions[2]?.start ?? 0, (partitions[2]?.start ?? 0) + 80]],
    ["what follows the signature", () => [(partitions[2]?.start ?? 0) + 8000, (partitions[2]?.start ?? 0) + 16384]],
  ];

  test.each(regions)("in %s is found, with its place", async (_what, region) => {
    const [start, end] = region();
    const random = seededRandom(start);
    for (const at of [start, end - 1, start + random.below(end - start)]) {
      const bit = random.below(8);
      const name = damaged("flipped.raw", flip(at, bit));
      const { exitCode, text, stderr } = await check(name);
      expect([at, bit, exitCode]).toEqual([at, bit, exitCode === 3 ? 3 : 1]);
      expect(text + stderr).toMatch(/offset \d+/);
    }
  });

  test("in a block names the block", async () => {
    const at = (partitions[0]?.start ?? 0) + 2 * 4096 + 17;
    damaged("flipped.raw", flip(at));
    const { text } = await sextant(["check", "flipped.raw", "--certificate", shop.certificate, "--json"], {
      cwd: shop.path,
    });
    expect(JSON.parse(text)).toMatchObject({
      ok: false,
      findings: [{ severity: "error", code: "MISMATCH_DATA_BLOCK", offset: at - 17 }],
    });
  });
});

describe("other damage", () => {
  test("a tree over less than the file system vouches for less than is read", async () => {
    // data_blocks of the verity superblock: no digest covers it.
    const at = (partitions[1]?.start ?? 0) + 72;
    damaged("short.raw", (bytes) => {
      bytes[at] = 3;
    });
    expect((await check("short.raw")).exitCode).toBe(1);
    const args = ["cat", "short.raw", "usr/share/hello/data", "--certificate", shop.certificate];
    const { exitCode, text } = await sextant(args, { cwd: shop.path });
    expect([[1, 3].includes(exitCode), text]).toEqual([true, ""]);
  });

  test("an image that was cut off", async () => {
    for (const size of [image.length - 1, image.length - 512, image.length - 33 * 512, 40_000, 20_480, 600]) {
      writeFileSync(shop.at("cut.raw"), image.subarray(0, size));
      const { exitCode } = await check("cut.raw");
      expect([size, [1, 3].includes(exitCode)]).toEqual([size, true]);
    }
  });

  test("a lost primary table is told, even if the backup works", async () => {
    damaged("backup.raw", (bytes) => bytes.fill(0, 512, 1024));
    const { exitCode, text } = await check("backup.raw");
    expect([exitCode, text]).toEqual([1, expect.stringContaining("the backup is used")]);
    const told = await sextant(["inspect", "backup.raw"], { cwd: shop.path });
    expect([told.exitCode, told.text]).toEqual([0, expect.stringContaining("the backup is used")]);
  });

  test("what is read with a certificate is verified on the way", async () => {
    const data = (partitions[0]?.start ?? 0) + 2 * 4096;
    damaged("flipped.raw", flip(data));
    const trust = ["--certificate", shop.certificate];
    const unverified = await sextant(["cat", "flipped.raw", "usr/share/hello/data"], { cwd: shop.path });
    expect(unverified.exitCode).toBe(0);
    const verified = await sextant(["cat", "flipped.raw", "usr/share/hello/data", ...trust], { cwd: shop.path });
    expect(verified.exitCode).toBe(1);
    expect(verified.stderr).toMatch(/^sextant: flipped\.raw: data block \d+ does not match[^\n]*\n$/);
    const extracted = await sextant(["extract", "flipped.raw", "-o", "out", ...trust], { cwd: shop.path });
    expect(extracted.exitCode).toBe(1);
  });
});
