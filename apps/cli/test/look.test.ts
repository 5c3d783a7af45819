// Looking into images of every kind, wherever they are.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { writeCpio, writeTar } from "@sextant/archive";
import { concatBytes, equalBytes } from "@sextant/bytes";
import { rangeServer } from "@sextant/testkit";
import { readDirectoryTree } from "@sextant/tree/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, must, sextant } from "./command.js";
import { buildHello, featureFiles, lay, recordedImage, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
let image: string;
beforeAll(async () => {
  shop = await workshop();
  image = await buildHello(shop);
  const { root } = await readDirectoryTree(shop.feature);
  const tar = await collect(writeTar(root));
  writeFileSync(shop.at("hello.tar"), tar);
  writeFileSync(shop.at("hello.tar.gz"), gzipSync(tar));
  writeFileSync(shop.at("hello.cpio"), await collect(writeCpio(root)));
});
afterAll(() => shop.remove());

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part.slice());
  return concatBytes(all);
}

const everything = [
  "usr",
  "usr/bin",
  "usr/bin/hello",
  "usr/share",
  "usr/share/hello",
  "usr/share/hello/data",
  "usr/share/hello/link",
];
const release = ["usr/lib", "usr/lib/extension-release.d", "usr/lib/extension-release.d/extension-release.hello"];

interface Listing {
  readonly entries: readonly { readonly path: string; readonly kind: string; readonly size: number }[];
}

describe("an image of any kind", () => {
  test.each<[string, string, readonly string[]]>([
    ["a disk image", "hello.raw", [...everything, ...release]],
    ["a tar", "hello.tar", everything],
    ["a gzipped tar", "hello.tar.gz", everything],
    ["a cpio", "hello.cpio", everything],
    ["a directory", "feature", everything],
  ])("%s", async (_what, name, paths) => {
    const { text } = await must(["ls", "-R", name], { cwd: shop.path });
    expect(text.trimEnd().split("\n").sort()).toEqual([...paths].sort());
    const { entries } = await json<Listing>(["ls", name, "usr/bin"], { cwd: shop.path });
    expect(entries).toMatchObject([{ path: "hello", kind: "file", size: featureFiles["usr/bin/hello"].length }]);
    const printed = await must(["cat", name, "/usr/bin/hello"], { cwd: shop.path });
    expect(printed.text).toBe(featureFiles["usr/bin/hello"]);
    expect((await must(["inspect", name], { cwd: shop.path })).text).toContain(`${name}: `);
  });

  test.each(["probe-sysext", "probe-confext", "p4k"])("%s by systemd-repart", async (name) => {
    recordedImage(name, shop.path);
    const told = await json<{ class: string; disk: { sectorBytes: number } }>(["inspect", "probe.raw"], {
      cwd: recordedFolder(name),
    });
    expect(told.class).toBe(name === "probe-confext" ? "confext" : "sysext");
    expect(told.disk.sectorBytes).toBe(name === "p4k" ? 4096 : 512);
  });
});

/** The recorded images under the name that their release files have. */
function recordedFolder(name: string): string {
  const folder = lay(shop.at(`${name}-folder`), {});
  writeFileSync(`${folder}/probe.raw`, readFileSync(shop.at(`${name}.raw`)));
  return folder;
}

describe("an image anywhere", () => {
  test("over HTTP, reading what it must", async () => {
    await using server = await rangeServer(new Uint8Array(readFileSync(image)));
    const url = server.url;
    expect((await must(["cat", url, "usr/bin/hello"])).text).toBe(featureFiles["usr/bin/hello"]);
    expect(server.requests.length).toBe(1);
    const { text, stderr } = await must(["ls", "-R", url, "--stats"]);
    expect(text.trimEnd().split("\n").sort()).toEqual([...everything, ...release].sort());
    expect(stderr).toBe(`read: 1 request, 32768 bytes (${url})\n`);
    const data = await must(["cat", url, "usr/share/hello/data"]);
    expect(data.text).toBe(featureFiles["usr/share/hello/data"]);
  });

  test("in standard input", async () => {
    const input = new Uint8Array(readFileSync(image));
    expect((await must(["cat", "-", "usr/bin/hello"], { input })).text).toBe(featureFiles["usr/bin/hello"]);
    const nothing = await sextant(["inspect", "-"], { input: new Uint8Array(0) });
    expect([nothing.exitCode, nothing.text]).toEqual([3, ""]);
    expect(nothing.stderr).toMatch(/^sextant: standard input: [^\n]+\n$/);
  });
});

describe("a listing", () => {
  test("of one directory, in byte order", async () => {
    const { text } = await must(["ls", image, "/usr/share/hello"]);
    expect(text).toBe("data\nlink\n");
  });

  test("of a single file", async () => {
    expect((await must(["ls", image, "usr/bin/hello"])).text).toBe("usr/bin/hello\n");
  });

  test("in long form", async () => {
    await must(["pack", shop.feature, "--all-root", "-o", "long.raw"], { cwd: shop.path });
    const { text } = await must(["ls", "-l", "long.raw", "usr/share/hello"], { cwd: shop.path });
    expect(text).toBe(
      [
        "-rw-r--r-- 1 0:0      20000 2023-11-14T22:13:20Z data",
        "lrwxrwxrwx 1 0:0          4 2023-11-14T22:13:20Z link -> data",
        "",
      ].join("\n"),
    );
  });

  test("escapes what a terminal would act on, and takes it back", async () => {
    const source = lay(shop.at("odd"), {
      "usr/\u001b[31mred": "escape",
      "usr/a\nb": "newline",
      "usr/é": "é",
      "usr/a\\b": "",
    });
    await must(["pack", source, "-o", "odd.raw"], { cwd: shop.path });
    const { text } = await must(["ls", "odd.raw", "usr"], { cwd: shop.path });
    expect(text).toBe("\\x1b[31mred\na\\x0ab\na\\\\b\né\n");
    expect((await must(["cat", "odd.raw", "usr/a\\x0ab"], { cwd: shop.path })).text).toBe("newline");
    const wrong = await sextant(["cat", "odd.raw", "usr/\u001b[31mblue"], { cwd: shop.path });
    expect(wrong.stderr).not.toContain("\u001b");
  });
});

describe("files", () => {
  test("come out one after another, byte for byte", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) >> 3);
    const source = lay(shop.at("binary"), { "usr/bytes": bytes, "usr/more": "more" });
    await must(["pack", source, "-o", "binary.raw"], { cwd: shop.path });
    const { stdout } = await must(["cat", "binary.raw", "usr/bytes", "usr/more"], { cwd: shop.path });
    expect(equalBytes(stdout.subarray(0, bytes.length), bytes)).toBe(true);
    expect(new TextDecoder().decode(stdout.subarray(bytes.length))).toBe("more");
  });

  test("are found through symlinks, which stay inside", async () => {
    const source = lay(shop.at("links"), {
      "usr/real/file": "inside",
      "usr/relative": { link: "real/file" },
      "usr/absolute": { link: "/usr/real" },
      "usr/outside": { link: "../../../../../../usr/real/file" },
      "usr/host": { link: "/etc/passwd" },
      "usr/loop": { link: "loop" },
    });
    await must(["pack", source, "-o", "links.raw"], { cwd: shop.path });
    for (const path of ["usr/relative", "usr/absolute/file", "usr/outside"]) {
      expect((await must(["cat", "links.raw", path], { cwd: shop.path })).text).toBe("inside");
    }
    for (const path of ["usr/host", "usr/loop"]) {
      const { exitCode, text } = await sextant(["cat", "links.raw", path], { cwd: shop.path });
      expect([path, exitCode, text]).toEqual([path, 3, ""]);
    }
  });
});

describe("a dump", () => {
  test("names every field with its place in the image", async () => {
    const { text } = await must(["dump", image]);
    const lines = text.trimEnd().split("\n");
    expect(lines.every((line) => /^[0-9a-f]{8}\.\.[0-9a-f]{8} {2}\S.* = /.test(line))).toBe(true);
    expect(text).toContain("00005400..00005404  superblock.magic = ");
    expect(lines.some((line) => line.includes("header.signature"))).toBe(true);
    const { spans } = await json<{ spans: { start: number; end: number; path: string }[] }>(["dump", image]);
    expect(spans.length).toBe(lines.length);
    const size = readFileSync(image).length;
    expect(spans.every(({ start, end }) => start <= end && end <= size)).toBe(true);
  });
});
