import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { equalBytes } from "@sextant/bytes";
import { describeWithPeers, run } from "@sextant/peers";
import { repositoryPath } from "@sextant/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { interrupted, json, must, sextant } from "./command.js";
import { featureFiles, lay, layTime, leftovers, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.remove());

const bytesOf = (name: string) => new Uint8Array(readFileSync(shop.at(name)));
const sameFile = (a: string, b: string) => equalBytes(bytesOf(a), bytesOf(b));

/** Packs the small feature under a name; returns the name. */
async function pack(name: string, more: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  await must(["pack", shop.feature, "--all-root", ...more, "-o", name], { cwd: shop.path, env });
  return name;
}

interface Entry {
  readonly path: string;
  readonly kind: string;
  readonly uid: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
}

async function entriesOf(name: string): Promise<readonly Entry[]> {
  return (await json<{ entries: Entry[] }>(["ls", "-R", name], { cwd: shop.path })).entries;
}

describe("what a pack holds", () => {
  test("is what the source holds", async () => {
    const name = await pack("whole.raw");
    expect((await entriesOf(name)).map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      "usr directory",
      "usr/bin directory",
      "usr/bin/hello file",
      "usr/share directory",
      "usr/share/hello directory",
      "usr/share/hello/data file",
      "usr/share/hello/link symlink",
    ]);
    const { stdout } = await must(["cat", name, "usr/bin/hello", "usr/share/hello/link"], { cwd: shop.path });
    expect(new TextDecoder().decode(stdout)).toBe(featureFiles["usr/bin/hello"] + featureFiles["usr/share/hello/data"]);
  });

  test("of several sources is the later one's where both have something", async () => {
    lay(shop.at("more"), { "usr/bin/hello": "later", "usr/bin/more": "more" });
    await must(["pack", shop.feature, shop.at("more"), "-o", "both.raw"], { cwd: shop.path });
    const { text } = await must(["cat", "both.raw", "usr/bin/hello", "usr/bin/more"], { cwd: shop.path });
    expect(text).toBe("latermore");
    expect((await entriesOf("both.raw")).length).toBe(8);
  });

  test("says what it did, as one document where that is wanted", async () => {
    const told = await json<{ size: number }>(["pack", shop.feature, "-o", "told.raw"], { cwd: shop.path });
    expect(told).toEqual({
      version: 1,
      image: "told.raw",
      format: "erofs",
      size: bytesOf("told.raw").length,
      inodes: 8,
      compression: { method: "zstd", level: 3, clusterBytes: 65536 },
      gaveUp: [],
      algorithms: [{ algorithm: "zstd", clusters: 1, contentBytes: 20000, blocks: 1 }],
      packedBytes: 0,
      copiedBytes: 0,
      repeatedBytes: 0,
    });
    const { stderr } = await must(["pack", shop.feature, "-o", "told.raw", "--stats"], { cwd: shop.path });
    expect(stderr).toMatch(/^zstd: 1 clusters, .*\nstages: (?:\w+ \d+\.\d{3} s(?:, )?)+\n$/);
  });
});

describe("the same bytes", () => {
  test("twice, and from another directory with the same content", async () => {
    await pack("a.raw");
    await pack("b.raw");
    expect(sameFile("a.raw", "b.raw")).toBe(true);
    // Names in another order on disk, another umask.
    const files = Object.fromEntries(Object.entries(featureFiles).reverse());
    lay(shop.at("copy"), files);
    await must(["pack", shop.at("copy"), "--all-root", "-o", "c.raw"], { cwd: shop.path });
    expect(sameFile("a.raw", "c.raw")).toBe(true);
  });

  test("whatever the environment says about language and time zone", async () => {
    await pack("a.raw");
    await pack("d.raw", [], { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" });
    expect(sameFile("a.raw", "d.raw")).toBe(true);
  });

  test("to a file and to standard output, with nothing else there", async () => {
    await pack("a.raw");
    const { stdout, stderr } = await must(["pack", shop.feature, "--all-root", "-o", "-"]);
    expect(equalBytes(stdout, bytesOf("a.raw"))).toBe(true);
    expect(stderr).toMatch(/^-: erofs, 8 inodes, [^\n]+\n$/);
  });

  test("with a UUID that was given, and another without", async () => {
    const uuid = "01234567-89ab-cdef-0123-456789abcdef";
    await pack("f.raw", ["--uuid", uuid]);
    const told = await json<{ filesystems: { uuid: string }[] }>(["inspect", "f.raw"], { cwd: shop.path });
    expect(told.filesystems[0]?.uuid).toBe(uuid);
  });
});

describeWithPeers("a tar of a directory", ["tar"], ({ tar }) => {
  test.each([
    ["plain", []],
    ["gzipped", ["--gzip"]],
  ])("gives the same bytes, %s", async (_what, more) => {
    await pack("a.raw");
    const packed = await tar.run(["--create", ...more, "-f", shop.at("feature.tar"), "-C", shop.feature, "."]);
    expect(packed.exitCode).toBe(0);
    await must(["pack", "feature.tar", "--all-root", "-o", "e.raw"], { cwd: shop.path });
    expect(sameFile("a.raw", "e.raw")).toBe(true);
  });
});

describe("times", () => {
  const timesOf = async (name: string) => new Set((await entriesOf(name)).map(({ mtime }) => mtime.seconds));

  test.each<[string, readonly string[], Readonly<Record<string, string>>, number]>([
    ["are kept", [], {}, layTime],
    ["are clamped to --epoch", ["--epoch", "1000"], {}, 1000],
    ["that are older than it are kept", ["--epoch", "1800000000"], {}, layTime],
    ["are 0 with --epoch 0", ["--epoch", "0"], {}, 0],
    ["are clamped to SOURCE_DATE_EPOCH", [], { SOURCE_DATE_EPOCH: "1234" }, 1234],
    ["follow --epoch where both are there", ["--epoch", "1000"], { SOURCE_DATE_EPOCH: "1234" }, 1000],
    ["are kept where SOURCE_DATE_EPOCH is empty", [], { SOURCE_DATE_EPOCH: "" }, layTime],
  ])("%s", async (_what, more, env, expected) => {
    await pack("times.raw", more, env);
    expect(await timesOf("times.raw")).toEqual(new Set([expected]));
  });

  test("are not guessed from a SOURCE_DATE_EPOCH that is none", async () => {
    const env = { SOURCE_DATE_EPOCH: "yesterday" };
    const { exitCode, stderr } = await sextant(["pack", shop.feature, "-o", "-"], { env });
    expect(exitCode).toBe(2);
    expect(stderr).toBe('sextant: SOURCE_DATE_EPOCH: "yesterday" is not a number of seconds since 1970\n');
  });
});

describe("an output is whole or not there", () => {
  /** The command in a shell whose files may have 4 KiB and no more: writing fails in the middle. */
  const limited = (args: readonly string[]) => {
    const command = process.env["SEXTANT_COMMAND"] ?? join(repositoryPath, "apps/cli/bin/sextant.js");
    const script = 'ulimit -f 4; exec "$0" "$@"';
    return run(["bash", "-c", script, process.execPath, command, ...args], { cwd: shop.path });
  };
  const full = (name: string) => `sextant: ${name}: the output cannot be written: the file is too large\n`;

  test("no file, and no temporary one, where writing fails", async () => {
    const { exitCode, text, stderr } = await limited(["pack", shop.feature, "-o", "failed.raw"]);
    expect({ exitCode, text, stderr }).toEqual({ exitCode: 3, text: "", stderr: full("failed.raw") });
    expect(readdirSync(shop.path)).not.toContain("failed.raw");
    expect(leftovers(shop.path)).toEqual([]);
  });

  test("the old file as it was", async () => {
    writeFileSync(shop.at("old.raw"), "old");
    for (const verb of [
      ["pack", shop.feature],
      ["build", "--name", "old", "--id", "_any", "--from", shop.feature, "--bare"],
      ["build", "--name", "old", "--id", "_any", "--from", shop.feature, ...shop.keys],
    ]) {
      const { exitCode, stderr } = await limited([...verb, "-o", "old.raw"]);
      expect([verb[0], exitCode, stderr]).toEqual([verb[0], 3, full("old.raw")]);
      expect(readFileSync(shop.at("old.raw"), "utf8")).toBe("old");
      expect(leftovers(shop.path)).toEqual([]);
    }
    const { exitCode } = await sextant(["pack", "gone", "-o", "old.raw"], { cwd: shop.path });
    expect(exitCode).toBe(3);
    expect(readFileSync(shop.at("old.raw"), "utf8")).toBe("old");
  });

  test("where the output is a symlink, the file that it leads to is replaced", async () => {
    mkdirSync(shop.at("target"));
    writeFileSync(shop.at("target/real.raw"), "old");
    symlinkSync("target/real.raw", shop.at("link.raw"));
    await pack("link.raw");
    expect(readlinkSync(shop.at("link.raw"))).toBe("target/real.raw");
    await pack("a.raw");
    expect(sameFile("target/real.raw", "a.raw")).toBe(true);
    expect(leftovers(shop.at("target"))).toEqual([]);
  });

  test.each([
    ["a directory", "feature", "feature: a directory stands where the file should go"],
    ["a device", "/dev/null", "/dev/null: a device, pipe or socket stands where the file should go"],
    ["in no directory", "no/where.raw", "no/where.raw: the output cannot be written: no such file or directory"],
  ])("%s is no output", async (_what, output, message) => {
    const { exitCode, stderr } = await sextant(["pack", shop.feature, "-o", output], { cwd: shop.path });
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: `sextant: ${message}\n` });
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("nothing is left after %s", async (signal) => {
    // Large enough to be still at it when its temporary file is seen.
    const large = shop.at("large");
    if (!existsSync(large)) {
      lay(large, Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`usr/${i}`, new Uint8Array(40_000_000)])));
    }
    mkdirSync(shop.at(signal));
    const ended = await interrupted(["pack", large, "-o", "x.raw"], {
      cwd: shop.at(signal),
      signal,
      ready: () => leftovers(shop.at(signal)).length > 0,
    });
    expect(ended.signal).toBe(signal);
    expect(readdirSync(shop.at(signal))).toEqual([]);
  });
});

describe("owners and modes are data", () => {
  test("--all-root", async () => {
    await pack("root.raw");
    expect(new Set((await entriesOf("root.raw")).map(({ uid }) => uid))).toEqual(new Set([0]));
  });

  test("a file of overrides that is none is named", async () => {
    writeFileSync(shop.at("owners"), "garbage line here\n");
    const args = ["pack", shop.feature, "--owners", "owners", "-o", "owned.raw"];
    const { exitCode, stderr } = await sextant(args, { cwd: shop.path });
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/^sextant: owners: [^\n]+line 1[^\n]*\n$/)]);
  });

  test("a file of overrides that fits nothing says so", async () => {
    writeFileSync(shop.at("owners"), "/usr/none uid=5\n");
    const args = ["pack", shop.feature, "--owners", "owners", "-o", "owned.raw"];
    const { exitCode, stderr } = await sextant(args, { cwd: shop.path });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("nothing in the tree fits")]);
  });
});
