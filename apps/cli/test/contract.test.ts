// What scripts rely on: exit codes, errors of one line, and nothing on standard output but what was asked for.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryPath } from "@sextant/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sextant } from "./command.js";
import { buildHello, hostFile, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
let image: string;
let bare: string;
beforeAll(async () => {
  shop = await workshop();
  image = await buildHello(shop);
  bare = await buildHello(shop, ["--bare"], "bare");
  writeFileSync(shop.at("empty.raw"), "");
  writeFileSync(shop.at("text.raw"), "this is no image\n".repeat(1000));
  // Fewer zeros would be an empty tar archive.
  writeFileSync(shop.at("zeros.raw"), new Uint8Array(2_000_000));
  writeFileSync(shop.at("half.raw"), readFileSync(image).subarray(0, 30_000));
  writeFileSync(shop.at("huge.raw"), hugeClaim(readFileSync(bare)));
  mkdirSync(shop.at("folder"));
});
afterAll(() => shop.remove());

/** The first block of an EROFS image that claims to have as many blocks as there can be. */
function hugeClaim(bytes: Uint8Array): Uint8Array {
  const first = new Uint8Array(4096);
  first.set(bytes.subarray(0, 4096));
  new DataView(first.buffer).setUint32(1024 + 36, 0xffff_fffe, true);
  return first;
}

const debian13 = hostFile("debian-13.os-release");
const line = (why: string) => new RegExp(`^sextant: ${why}\\n(?:hint: [^\\n]+\\n)?$`);

describe("what was not understood exits with 2", () => {
  test.each<[string[], RegExp]>([
    [[], /^sextant: nothing to do: no verb was given\nhint: sextant --help\n$/],
    [["frobnicate"], /^sextant: frobnicate: unknown command 'frobnicate'\nhint: sextant --help\n$/],
    [["--frobnicate"], line("[^\n]*unknown option '--frobnicate'")],
    [["ls", "--frobnicate", "x.raw"], line("ls: unknown option '--frobnicate'")],
    [["ls"], line("ls: missing required argument 'image'")],
    [["ls", "a", "b", "c"], line("ls: too many arguments[^\n]*")],
    [["pack", "."], line("pack: required option '-o, --output <image>' not specified")],
    [["match", "x.raw"], line("match: required option '--host <host...>' not specified")],
    [["match", "x.raw", "--host", "h", "--scope", "moon"], line('match: [^\n]*"moon" is not one of[^\n]*')],
    [["match", "x.raw", "--host", debian13, "--arch", "amd64"], line('--arch: "amd64" is no architecture[^\n]*')],
    [["pack", ".", "-o", "x", "--epoch", "yesterday"], line('pack: [^\n]*"yesterday" is not a whole number[^\n]*')],
    [["pack", ".", "-o", "x", "--jobs", "0"], line('pack: [^\n]*"0" is not a whole number from 1[^\n]*')],
    [["pack", ".", "-o", "x", "--uuid", "1234"], line('pack: [^\n]*"1234" is not a UUID')],
    [["pack", ".", "-o", "x", "--format", "zip"], line('pack: [^\n]*"zip" is not one of erofs')],
    [["keygen", "x", "--algorithm", "md5"], line('--algorithm: "md5" is not one of[^\n]*')],
    [["keygen", "x", "--days", "-1"], line("[^\n]*--days[^\n]*")],
    [["compare-versions", "1"], line("compare-versions: missing required argument 'b'")],
  ])("%j", async (args, message) => {
    const { exitCode, text, stderr } = await sextant(args, { cwd: shop.path });
    expect({ exitCode, text }).toEqual({ exitCode: 2, text: "" });
    expect(stderr).toMatch(message);
  });
});

describe("what cannot be read exits with 3", () => {
  const verbs: readonly (readonly [string, readonly string[]])[] = [
    ["inspect", []],
    ["ls", []],
    ["cat", ["usr/bin/hello"]],
    ["extract", ["-o", "never"]],
    ["dump", []],
    ["check", ["--allow-unsigned"]],
    ["match", ["--host", debian13]],
  ];

  test.each(verbs)("%s of a file that is missing", async (verb, more) => {
    const { exitCode, text, stderr } = await sextant([verb, "gone.raw", ...more], { cwd: shop.path });
    expect({ exitCode, text }).toEqual({ exitCode: 3, text: "" });
    expect(stderr).toMatch(line("gone\\.raw: [^\n]+"));
  });

  test.each(verbs)("%s of an image that claims too much", async (verb, more) => {
    const { exitCode, text, stderr } = await sextant([verb, "huge.raw", ...more], { cwd: shop.path });
    // A check has found what it looked for: the answer is no.
    if (verb === "check") {
      expect(exitCode).toBe(1);
      expect(text).toMatch(/only 4096 are here \(superblock\.blocksLow at offset 1060\)/);
      return;
    }
    expect({ exitCode, text }).toEqual({ exitCode: 3, text: "" });
    expect(stderr).toMatch(line("huge\\.raw: [^\n]+ only 4096 are here \\(superblock.blocksLow at offset 1060\\)"));
  });

  test.each(["empty.raw", "text.raw", "zeros.raw", "half.raw"])("inspect of %s", async (name) => {
    const { exitCode, text, stderr } = await sextant(["inspect", name], { cwd: shop.path });
    expect({ exitCode, text }).toEqual({ exitCode: 3, text: "" });
    expect(stderr).toMatch(line(`${name}: [^\n]+`));
    expect(stderr).not.toContain("internal error");
  });

  test.each(["empty.raw", "text.raw", "zeros.raw", "half.raw"])("check of %s", async (name) => {
    const { exitCode, stderr } = await sextant(["check", name, "--allow-unsigned"], { cwd: shop.path });
    expect([1, 3]).toContain(exitCode);
    expect(stderr).not.toContain("internal error");
  });

  test.each<[string[], RegExp]>([
    [["cat", "hello.raw", "usr/none"], line("usr/none: no such file or directory in the image \\(hello\\.raw\\)")],
    [["cat", "hello.raw", "usr/bin/hello", "usr"], line("usr: is a directory, not a file \\(hello\\.raw\\)")],
    [["ls", "hello.raw", "/none"], line("/none: no such file or directory in the image \\(hello\\.raw\\)")],
    [["extract", "hello.raw", "usr/bin/hello", "-o", "never"], line("usr/bin/hello: is a file, not a directory[^\n]*")],
    [["pack", "gone", "-o", "x.raw"], line("gone: [^\n]+")],
    [["match", "hello.raw", "--host", "gone"], line("gone: [^\n]+")],
    [["match", "hello.raw", "--host", "folder/gone"], line("folder/gone: [^\n]+")],
    [["inspect", "hello.raw", "--certificate", "gone"], line("gone: [^\n]+")],
    [["inspect", "hello.raw", "--certificate", "text.raw"], line("[^\n]*there is no certificate in the text[^\n]*")],
    [["dump", "folder"], line("folder: there are no fields to dump in a directory")],
  ])("%j", async (args, message) => {
    const { exitCode, text, stderr } = await sextant(args, { cwd: shop.path });
    expect({ exitCode, text }).toEqual({ exitCode: 3, text: "" });
    expect(stderr).toMatch(message);
  });
});

describe("what reads", () => {
  const verbs: readonly (readonly [string, readonly string[]])[] = [
    ["inspect", []],
    ["ls", []],
    ["dump", []],
    ["match", ["--host", debian13]],
    ["check", ["--certificate", join(repositoryPath, "test-images/ddi/cert.pem")]],
    ["extract", ["-o", "extracted"]],
  ];

  test.each(verbs)("%s --json --stats prints one document, and the reads on standard error", async (verb, more) => {
    const { exitCode, text, stderr } = await sextant([verb, image, ...more, "--json", "--stats"], { cwd: shop.path });
    expect(exitCode).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ version: 1 });
    expect(text.endsWith("}\n")).toBe(true);
    expect(stderr).toMatch(/^read: \d+ requests?, \d+ bytes \([^\n]*hello\.raw\)\n$/);
  });

  test.each(verbs)("%s prints no colours, escapes or progress where nobody watches", async (verb, more) => {
    const args = [verb, image, ...more.map((word) => (word === "extracted" ? "extracted-2" : word))];
    for (const env of [{ NO_COLOR: "1" }, {}] as const) {
      if (verb === "extract" && !("NO_COLOR" in env)) continue;
      const { exitCode, text, stderr } = await sextant(args, { cwd: shop.path, env });
      expect(exitCode).toBe(0);
      expect(stderr).toBe("");
      expect([...text].filter((char) => char < " " && char !== "\n")).toEqual([]);
    }
  });

  test("says that nothing was verified, unless it was", async () => {
    const trust = ["--certificate", shop.certificate];
    expect((await sextant(["inspect", image])).text).toContain("unverified");
    expect((await sextant(["inspect", image, ...trust])).text).toContain("verified, signed by CN=probe");
    expect((await sextant(["match", image, "--host", debian13])).text).toContain("unverified");
    expect((await sextant(["match", image, "--host", debian13, ...trust])).text).not.toContain("unverified");
  });

  test.each(["inspect", "ls", "dump"])("%s with a certificate fails where nobody vouches", async (verb) => {
    const { exitCode, text, stderr } = await sextant([verb, bare, "--certificate", shop.certificate]);
    expect({ exitCode, text }).toEqual({ exitCode: 1, text: "" });
    expect(stderr).toMatch(line("[^\n]*bare\\.raw: there is no signature[^\n]*"));
  });

  test("a reader that goes away is no error", async () => {
    const { run } = await import("@sextant/peers");
    const command = join(repositoryPath, "apps/cli/bin/sextant.js");
    const script = `"$0" "$1" dump "$2" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { text, stderr } = await run(["bash", "-c", script, process.execPath, command, image]);
    expect(text).toMatch(/^00000000\.\.000001b8 {2}protectiveMbr\.bootCode = [^\n]+\n0\n$/);
    expect(stderr).toBe("");
  });
});

describe("what it says about itself", () => {
  test("the version", async () => {
    const { version } = JSON.parse(readFileSync(join(repositoryPath, "apps/cli/package.json"), "utf8")) as {
      version: string;
    };
    expect(await sextant(["--version"])).toMatchObject({ exitCode: 0, text: `${version}\n`, stderr: "" });
  });

  test.each([["--help"], ["help"], ["match", "--help"]])("%s", async (...args) => {
    const { exitCode, text, stderr } = await sextant(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(text).toContain("Usage: sextant");
  });
});
