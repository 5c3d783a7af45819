import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { equalBytes } from "@sextant/bytes";
import { describeWithPeers } from "@sextant/peers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, must, sextant } from "./command.js";
import { lay, leftovers, recordedFile, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.remove());

const bytesOf = (name: string) => new Uint8Array(readFileSync(shop.at(name)));
const forDebian = ["--id", "debian", "--version-id", "13", "--arch", "x86-64"];

/** The arguments of a build of the small feature. */
const hello = (more: readonly string[]) => [
  ...["build", "--name", "hello", "--from", shop.feature, "--all-root", ...forDebian],
  ...more,
];

interface Built {
  readonly verity: string;
  readonly rootHash: string | null;
  readonly size: number;
  readonly release: Readonly<Record<string, string>>;
  readonly leftOut: readonly string[];
}

interface Inspected {
  readonly layout: string;
  readonly class: string;
  readonly release: { readonly fields: Readonly<Record<string, string>> };
  readonly disk: {
    readonly sectorBytes: number;
    readonly partitions: readonly { readonly designator: string }[];
  } | null;
  readonly filesystems: readonly { readonly signature: { readonly rootHash: string } | null }[];
}

const inspect = (name: string) => json<Inspected>(["inspect", name], { cwd: shop.path });

describe("what is built", () => {
  test("is a signed disk image with a release file", async () => {
    const built = await json<Built>(hello([...shop.keys, "-o", "hello.raw"]), { cwd: shop.path });
    expect(built).toMatchObject({ verity: "signed", size: bytesOf("hello.raw").length, leftOut: [] });
    const found = await inspect("hello.raw");
    expect(found).toMatchObject({ layout: "ddi", class: "sysext" });
    expect(found.disk?.partitions.map(({ designator }) => designator)).toEqual([
      "root-x86-64",
      "root-x86-64-verity",
      "root-x86-64-verity-sig",
    ]);
    expect(found.filesystems[0]?.signature?.rootHash).toBe(built.rootHash);
    expect(found.release.fields).toEqual({ ID: "debian", VERSION_ID: "13", ARCHITECTURE: "x86-64" });
    expect(built.release).toEqual(found.release.fields);
  });

  test.each<[string, string[], Partial<Inspected["disk"] & object> | null, number]>([
    ["--verity unsigned", ["--verity", "unsigned"], { sectorBytes: 512 }, 2],
    ["--verity none", ["--verity", "none"], { sectorBytes: 512 }, 1],
    ["--sector-size 4096", ["--verity", "unsigned", "--sector-size", "4096"], { sectorBytes: 4096 }, 2],
    ["--bare", ["--bare"], null, 0],
  ])("%s", async (_what, more, disk, partitions) => {
    await must(hello([...more, "-o", "hello.raw"]), { cwd: shop.path });
    const found = await inspect("hello.raw");
    if (disk === null) expect(found).toMatchObject({ layout: "filesystem", disk: null });
    else expect(found.disk).toMatchObject(disk);
    expect(found.disk?.partitions.length ?? 0).toBe(partitions);
  });

  test("of another architecture has its partitions", async () => {
    await must([...hello(["--verity", "none", "-o", "hello.raw"]), "--arch", "arm64"], { cwd: shop.path });
    const found = await inspect("hello.raw");
    expect(found.disk?.partitions[0]?.designator).toBe("root-arm64");
    expect(found.release.fields["ARCHITECTURE"]).toBe("arm64");
  });

  test("a confext", async () => {
    const source = lay(shop.at("settings"), { "etc/hello.conf": "x" });
    const args = ["build", "--name", "conf", "--from", source, "--class", "confext", ...forDebian, ...shop.keys];
    await must([...args, "--level", "2", "-o", "conf.confext.raw"], { cwd: shop.path });
    const found = await inspect("conf.confext.raw");
    expect(found.class).toBe("confext");
    expect(found.release.fields).toMatchObject({ CONFEXT_LEVEL: "2" });
  });

  test("goes by its name where no output is given", async () => {
    const args = ["build", "--name", "own", "--from", shop.feature, ...forDebian, "--bare"];
    await must(args, { cwd: shop.path });
    expect(existsSync(shop.at("own.raw"))).toBe(true);
    await must([...args, "--version", "1.2"], { cwd: shop.path });
    expect(existsSync(shop.at("own_1.2_x86-64.raw"))).toBe(true);
  });

  test("tells what is left out, and what moved", async () => {
    const source = lay(shop.at("old"), { "bin/x": "x", "etc/x": "x", "var/x": "x" });
    const args = ["build", "--name", "old", "--from", source, ...forDebian, "--bare", "-o", "old.raw"];
    const { stderr } = await must(args, { cwd: shop.path });
    expect(stderr).toBe(
      "sextant: warning: /bin went below /usr, where hosts have them\n" +
        "sextant: warning: left out, as a sysext does not carry it: /etc, /var\n",
    );
    expect((await must(["cat", "old.raw", "usr/bin/x"], { cwd: shop.path })).text).toBe("x");
  });
});

describe("the same bytes", () => {
  const builds = async (name: string, more: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    await must(hello([...shop.keys, ...more, "-o", name]), { cwd: shop.path, env });
    return bytesOf(name);
  };

  test("twice, and with any number of workers", async () => {
    const first = await builds("hello.raw", []);
    for (const more of [[], ["--jobs", "1"], ["--jobs", "2"], ["--jobs", "3"]]) {
      expect([more, equalBytes(first, await builds("hello_2.raw", more))]).toEqual([more, true]);
    }
  });

  test("of a large image with any number of workers", async () => {
    const source = lay(shop.at("large"), {
      "usr/share/data": new Uint8Array(30_000_000).map((_, index) => index % 251),
    });
    const large = (jobs: string) =>
      must(
        [
          "build",
          "--name",
          "large",
          "--from",
          source,
          ...forDebian,
          ...shop.keys,
          "--jobs",
          jobs,
          "-o",
          `large_${jobs}.raw`,
        ],
        { cwd: shop.path },
      );
    for (const jobs of ["1", "2", "3"]) await large(jobs);
    expect(equalBytes(bytesOf("large_1.raw"), bytesOf("large_2.raw"))).toBe(true);
    expect(equalBytes(bytesOf("large_1.raw"), bytesOf("large_3.raw"))).toBe(true);
  });

  test("to a file and to standard output", async () => {
    const first = await builds("hello.raw", []);
    const { stdout, stderr } = await must(hello([...shop.keys, "-o", "-"]), { cwd: shop.path });
    expect(equalBytes(stdout, first)).toBe(true);
    expect(stderr).toMatch(/^-: sysext disk image, signed, [^\n]+\n$/);
    expect(leftovers(shop.path)).toEqual([]);
  });

  test("with SOURCE_DATE_EPOCH as with --epoch", async () => {
    const first = await builds("hello.raw", ["--epoch", "1000"]);
    expect(equalBytes(first, await builds("hello_2.raw", [], { SOURCE_DATE_EPOCH: "1000" }))).toBe(true);
    expect(equalBytes(first, await builds("hello_2.raw", ["--epoch", "0"]))).toBe(false);
  });

  test("other names for other contents, and the same for the same seed", async () => {
    interface Ids {
      readonly disk: { readonly guid: string };
    }
    const guidOf = async (name: string) => (await json<Ids>(["inspect", name], { cwd: shop.path })).disk.guid;
    const other = lay(shop.at("other"), { "usr/bin/other": "" });
    const build = async (from: string, more: readonly string[]) => {
      const args = ["build", "--name", "seed", "--from", from, ...forDebian, "--verity", "unsigned", ...more];
      await must([...args, "-o", "seed.raw"], { cwd: shop.path });
      return guidOf("seed.raw");
    };
    const seed = ["--seed", "01234567-89ab-cdef-0123-456789abcdef"];
    expect(await build(shop.feature, [])).not.toBe(await build(other, []));
    expect(await build(shop.feature, seed)).toBe(await build(other, seed));
  });
});

describeWithPeers("a tar of a directory", ["tar"], ({ tar }) => {
  test("gives the same bytes", async () => {
    await must(hello([...shop.keys, "-o", "hello.raw"]), { cwd: shop.path });
    await tar.run(["--create", "-f", shop.at("feature.tar"), "-C", shop.feature, "."]);
    const args = ["build", "--name", "hello", "--from", "feature.tar", "--all-root", ...forDebian, ...shop.keys];
    await must([...args, "-o", "hello_tar.raw"], { cwd: shop.path });
    expect(equalBytes(bytesOf("hello.raw"), bytesOf("hello_tar.raw"))).toBe(true);
  });
});

describe("what is refused", () => {
  const key = recordedFile("throwaway-key.pem");
  const hint = "hint: give --key and --certificate (sextant keygen makes them), or --verity unsigned or none\n";
  const noKey = `sextant: build: an image is signed unless you say otherwise, and there is no key\n${hint}`;

  test.each<[string, string[], number, string | RegExp]>([
    ["no key", ["-o", "no.raw"], 2, noKey],
    ["a key without its certificate", ["--key", key, "-o", "no.raw"], 2, noKey],
    ["a signature without a key", ["--verity", "signed", "-o", "no.raw"], 2, noKey],
    [
      "a bare file system with a signature",
      ["--bare", "--verity", "signed", "-o", "no.raw"],
      2,
      "sextant: --bare: a bare file system carries no signed verity data\n",
    ],
    [
      "a key that would sign nothing",
      ["--bare", "--key", key, "--certificate", recordedFile("cert.pem"), "-o", "no.raw"],
      2,
      "sextant: --bare: there is a key, and nothing would be signed with it\n" +
        "hint: leave out --key and --certificate, or build a signed disk image\n",
    ],
    [
      "a key and --verity unsigned",
      ["--verity", "unsigned", "--key", key, "-o", "no.raw"],
      2,
      /^sextant: --verity: there is a key, [^\n]+\nhint: [^\n]+\n$/,
    ],
    [
      "sectors of 1024 bytes",
      ["--verity", "none", "--sector-size", "1K", "-o", "no.raw"],
      2,
      "sextant: --sector-size: 1024 is not 512 or 4096\n",
    ],
    [
      "a file name that leads nowhere",
      ["--bare", "-o", "other.raw"],
      2,
      "sextant: other.raw: systemd would look for extension-release.other in it, not .hello\n" +
        "hint: call it hello.raw or hello_VERSION.raw, or give --name other\n",
    ],
    [
      "a key that is missing",
      ["--key", "gone", "--certificate", "gone", "-o", "no.raw"],
      3,
      /^sextant: gone: [^\n]+\n$/,
    ],
    ["a key that is none", ["--key", "text", "--certificate", "text", "-o", "no.raw"], 3, /^sextant: [^\n]+\n$/],
  ])("%s", async (_what, more, code, message) => {
    writeFileSync(shop.at("text"), "no key at all\n");
    // Each name leads to the release file `hello` but for the row that is about that.
    const args = hello(more.map((word) => (word === "no.raw" ? "hello_no.raw" : word)));
    const { exitCode, text, stderr } = await sextant(args, { cwd: shop.path });
    expect({ exitCode, text }).toEqual({ exitCode: code, text: "" });
    expect(stderr).toMatch(message);
    expect(existsSync(shop.at("hello_no.raw"))).toBe(false);
    expect(leftovers(shop.path)).toEqual([]);
  });

  test.each<[string, string[], RegExp]>([
    ["no name", ["--from", "feature", "--id", "debian"], /^sextant: build: a name is needed\nhint: [^\n]+\n$/],
    [
      "no source",
      ["--name", "x", "--id", "debian"],
      /^sextant: build: there is nothing to build from\nhint: [^\n]+\n$/,
    ],
    [
      "no host",
      ["--name", "x", "--from", "feature"],
      /^sextant: build: the hosts it is for are needed\nhint: [^\n]+\n$/,
    ],
    ["an ID of two words", ["--name", "x", "--from", "feature", "--id", "a b"], /^sextant: build: ID is one word/],
    ["no ID", ["--name", "x", "--from", "feature", "--id", ""], /^sextant: build: ID is empty/],
    ["a scope that nobody knows", ["--name", "x", "--from", "feature", "--id", "a", "--scope", "moon"], /SYSEXT_SCOPE/],
    ["a name that no image has", ["--name", "a/b", "--from", "feature", "--id", "a"], /contains a slash/],
    ["an architecture of others", ["--name", "x", "--from", "feature", "--id", "_any", "--arch", "amd64"], /x86-64/],
  ])("%s", async (_what, more, message) => {
    const { exitCode, stderr } = await sextant(["build", ...more, "--bare"], { cwd: shop.path });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });

  test.each<[string, Record<string, string>, string]>([
    ["the host's own os-release", { "usr/lib/os-release": "ID=x\n" }, "it would replace the host's os-release"],
    ["nothing for a sysext", { "etc/x": "" }, "a sysext carries /usr or /opt, and the sources have nothing there"],
  ])("%s", async (_what, files, message) => {
    const source = lay(shop.at(`refused-${Object.keys(files)[0]?.replaceAll("/", "-")}`), files);
    const args = ["build", "--name", "x", "--from", source, "--id", "_any", "--bare", "-o", "x.raw"];
    const { exitCode, stderr } = await sextant(args, { cwd: shop.path });
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(message)]);
    expect(existsSync(shop.at("x.raw"))).toBe(false);
  });

  test("the key of another certificate signs nothing", async () => {
    await must(["keygen", "others"], { cwd: shop.path });
    const keys = ["--key", key, "--certificate", "others/sextant.crt"];
    const { exitCode, stderr } = await sextant(hello([...keys, "-o", "hello_no.raw"]), { cwd: shop.path });
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining("does not belong to the certificate")]);
    expect(existsSync(shop.at("hello_no.raw"))).toBe(false);
  });
});

test("a gate that gates nothing is told, and built", async () => {
  const args = ["build", "--name", "any", "--from", shop.feature, "--bare", "--id", "_any", "--version-id", "13"];
  const { stderr } = await must([...args, "-o", "any.raw"], { cwd: shop.path });
  expect(stderr).toContain("sextant: warning: VERSION_ID=13 gates nothing: ID=_any fits every host");
});
