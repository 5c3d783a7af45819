import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rangeServer } from "@sextant/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must, sextant } from "./command.js";
import { buildHello, debian13, hostFile, lay, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
beforeAll(async () => {
  shop = await workshop();
  await buildHello(shop);
  copyFileSync(shop.at("hello.raw"), shop.at("renamed.raw"));
  mkdirSync(shop.at("hello.raw.v"));
  copyFileSync(shop.at("hello.raw"), shop.at("hello.raw.v/hello_2.0.raw"));
  lay(shop.at("root"), { "usr/lib/os-release": debian13, "etc/os-release": { link: "../usr/lib/os-release" } });
  lay(shop.at("absolute"), { "usr/lib/os-release": debian13, "etc/os-release": { link: "/usr/lib/os-release" } });
  lay(shop.at("initrd"), { "etc/os-release": debian13, "etc/initrd-release": "" });
  lay(shop.at("nothing"), { "etc/hostname": "x" });
  lay(shop.at("tree"), { "usr/lib/extension-release.d/extension-release.tree": debian13 });
  lay(shop.at("system"), {
    "usr/lib/extension-release.d/extension-release.system": debian13,
    "usr/lib/os-release": "",
  });
  writeFileSync(
    shop.at("profile.json"),
    JSON.stringify({ osRelease: debian13, architecture: "x86-64", kernel: "6.12" }),
  );
  writeFileSync(shop.at("arm.json"), JSON.stringify({ osRelease: debian13, architecture: "arm64" }));
  writeFileSync(shop.at("wrong.json"), JSON.stringify({ osRelease: debian13, architecture: "amd64" }));
});
afterAll(() => shop.remove());

const hosts = (...names: string[]) => names.flatMap((name) => ["--host", name]);
const [debian12, fedora] = [hostFile("debian-12.os-release"), hostFile("fedora-43.os-release")];
const thirteen = hostFile("debian-13.os-release");
const match = (args: readonly string[]) => sextant(["match", ...args, "--arch", "x86-64"], { cwd: shop.path });

interface Verdict {
  readonly host: string;
  readonly accepted: boolean;
  readonly outcome: string;
  readonly reason: string;
  readonly hostValue: string | null;
  readonly extensionValue: string | null;
}

interface Document {
  readonly fits: boolean;
  readonly images: readonly {
    readonly name: string;
    readonly class: string;
    readonly read: { readonly requests: number; readonly bytes: number };
    readonly hosts: readonly Verdict[];
  }[];
}

describe("the table", () => {
  test("has a row for each image and host, with what decided", async () => {
    const { exitCode, text, stderr } = await match(["hello.raw", ...hosts(thirteen, debian12, fedora, "arm.json")]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    // --arch is for hosts that do not say what they are; the profile does.
    expect(text).toBe(
      [
        "hello.raw  debian-13  fits     host and extension have VERSION_ID=13 (x86-64, system, unverified)",
        "hello.raw  debian-12  refused  host has VERSION_ID=12, extension wants 13 (x86-64, system, unverified)",
        "hello.raw  fedora-43  refused  host has ID=fedora, extension wants debian (x86-64, system, unverified)",
        "hello.raw  arm        refused  host has the architecture arm64, extension wants x86-64 (arm64, system, unverified)",
        "",
      ].join("\n"),
    );
  });

  test("tells of images that would block all others", async () => {
    const { exitCode, text } = await match(["renamed.raw", ...hosts(thirteen)]);
    expect(exitCode).toBe(1);
    expect(text).toMatch(/^renamed\.raw {2}debian-13 {2}blocks {2}the image has no release file with its name \(/);
    expect(text).toContain("nothing is merged while it is there");
  });

  test("says which scope and architecture it is about, and that nothing was verified", async () => {
    const args = ["match", "hello.raw", ...hosts(thirteen), "--arch", "riscv64", "--scope", "portable"];
    const { exitCode, text } = await sextant(args, { cwd: shop.path });
    expect(exitCode).toBe(1);
    expect(text).toContain("host has the architecture riscv64, extension wants x86-64 (riscv64, portable, unverified)");
    const verified = await match(["hello.raw", ...hosts(thirteen), "--certificate", shop.certificate]);
    expect(verified.text).toContain("(x86-64, system, verified)");
  });
});

describe("the exit code", () => {
  test.each<[string, string[], number]>([
    ["every image fits every host", ["hello.raw", "tree", ...hosts(thirteen, "root")], 0],
    ["one host refuses", ["hello.raw", ...hosts(thirteen, debian12)], 1],
    ["one host refuses, --any", ["hello.raw", "--any", ...hosts(thirteen, debian12)], 0],
    ["one host refuses, --any, the other order", ["hello.raw", "--any", ...hosts(debian12, thirteen)], 0],
    ["no host takes it, --any", ["hello.raw", "--any", ...hosts(fedora, debian12)], 1],
    ["one of the images fits nowhere, --any", ["hello.raw", "renamed.raw", "--any", ...hosts(thirteen)], 1],
    ["one of the images fits nowhere", ["renamed.raw", "hello.raw", ...hosts(thirteen)], 1],
  ])("%s", async (_what, args, expected) => {
    expect((await match(args)).exitCode).toBe(expected);
  });

  test("nobody is asked about an image that nobody signed", async () => {
    const { exitCode, text, stderr } = await match(["tree", ...hosts(thirteen), "--certificate", shop.certificate]);
    expect([exitCode, text]).toEqual([1, ""]);
    expect(stderr).toMatch(/^sextant: tree: a directory carries no signature[^\n]*\n$/);
  });
});

describe("images and hosts", () => {
  test.each([
    [["hello.raw", "--host", debian12, thirteen], 2],
    [["hello.raw", "--host", debian12, "--host", thirteen], 2],
    [["--host", debian12, "--host", thirteen, "hello.raw"], 2],
    [["--host", thirteen, "hello.raw", "hello.raw"], 2],
    [["hello.raw", `--host=${thirteen}`], 1],
  ])("are told apart in %j", async (args, rows) => {
    const { text } = await match(args);
    expect(text.trim().split("\n")).toHaveLength(rows);
  });

  test("without an image there is nothing to do", async () => {
    const { exitCode, stderr } = await match(["--host", thirteen]);
    expect({ exitCode, line: stderr.split("\n")[0] }).toEqual({
      exitCode: 2,
      line: "sextant: match: there is no image to match",
    });
  });
});

describe("a host", () => {
  test.each<[string, string, number, string]>([
    ["a root with a relative link", "root", 0, "host and extension have VERSION_ID=13"],
    ["a root with an absolute link, which stays inside", "absolute", 0, "host and extension have VERSION_ID=13"],
    ["a profile", "profile.json", 0, "host and extension have VERSION_ID=13"],
    ["an initrd, whose scope must be asked for", "initrd", 1, "(x86-64, initrd, unverified)"],
    ["a root without os-release", "nothing", 1, "host has no os-release file that can be read"],
  ])("%s", async (_what, host, exitCode, text) => {
    const result = await match(["hello.raw", ...hosts(host)]);
    expect(result.exitCode).toBe(exitCode);
    expect(result.text).toContain(text);
  });

  test("a profile says what its architecture is", async () => {
    const { text, exitCode } = await sextant(["match", "hello.raw", ...hosts("arm.json")], { cwd: shop.path });
    expect(exitCode).toBe(1);
    expect(text).toContain("host has the architecture arm64, extension wants x86-64");
  });

  test("a profile that nothing would ever fit is refused", async () => {
    const { exitCode, stderr } = await sextant(["match", "hello.raw", ...hosts("wrong.json")], { cwd: shop.path });
    expect(exitCode).toBe(3);
    expect(stderr).toBe(
      'sextant: wrong.json: "architecture" is "amd64", which is no architecture that systemd knows; it says x86-64 (host)\n',
    );
  });
});

describe("an image", () => {
  const document = async (args: readonly string[]) =>
    JSON.parse((await match([...args, "--json", ...hosts(thirteen)])).text) as Document;

  test("in a directory of versions has that directory's name", async () => {
    const { fits, images } = await document(["hello.raw.v/hello_2.0.raw"]);
    expect([fits, images[0]?.name]).toEqual([true, "hello"]);
  });

  test("is called what --name says, also from standard input", async () => {
    const { fits, images } = await document(["renamed.raw", "--name", "hello"]);
    expect([fits, images[0]?.name]).toEqual([true, "hello"]);
    const input = new Uint8Array(readFileSync(shop.at("hello.raw")));
    const args = ["match", "-", "--name", "hello", "--arch", "x86-64", ...hosts(thirteen)];
    const piped = await must(args, { input });
    expect(piped.text).toMatch(/^standard input {2}debian-13 {2}fits {2}/);
  });

  test("may be a directory, in which less is fatal", async () => {
    const { images } = await document(["tree", "system"]);
    expect(images.map(({ name, hosts: [first] }) => [name, first?.reason])).toEqual([
      ["tree", "accept:version-or-level"],
      ["system", "fatal:forbidden-os-release"],
    ]);
  });

  test("tells in its document what decided, and what was read", async () => {
    const { exitCode, text } = await match(["hello.raw", ...hosts(debian12), "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(text)).toMatchObject({
      version: 1,
      fits: false,
      images: [
        {
          image: "hello.raw",
          name: "hello",
          class: "sysext",
          verified: "unverified",
          findings: [],
          read: { requests: 1, bytes: 32768 },
          hosts: [
            {
              host: "debian-12",
              architecture: "x86-64",
              scope: "system",
              accepted: false,
              outcome: "reject",
              reason: "reject:version-id",
              key: "VERSION_ID",
              hostValue: "12",
              extensionValue: "13",
              message: "host has VERSION_ID=12, extension wants 13",
            },
          ],
        },
      ],
    });
  });
});

describe("over HTTP", () => {
  const bytes = () => new Uint8Array(readFileSync(shop.at("hello.raw")));
  const args = (url: string) => ["match", url, "--name", "hello", "--arch", "x86-64", "--stats", ...hosts(thirteen)];

  test("an image costs one request of 32 KiB", async () => {
    await using server = await rangeServer(bytes());
    const { stderr } = await must(args(server.url));
    expect(stderr).toContain(`read: 1 request, 32768 bytes (${server.url})\n`);
    expect([server.requests.length, server.bytesSent()]).toEqual([1, 32768]);
  });

  test.each([
    ["that is missing", { failStatus: 404 }, 3, "404"],
    ["on a server that always redirects", { redirects: "loop" }, 3, ""],
    ["on a server that breaks off", { cutOffAfterBytes: 100 }, 3, ""],
  ] as const)("an image %s", async (_what, faults, exitCode, message) => {
    await using server = await rangeServer(bytes(), faults);
    const result = await sextant(args(server.url));
    expect([result.exitCode, result.text]).toEqual([exitCode, ""]);
    expect(result.stderr).toMatch(/^sextant: http:[^\n]+\n$/);
    expect(result.stderr).toContain(message);
  });

  test("a server that nobody runs", async () => {
    const server = await rangeServer(bytes());
    await server.close();
    const result = await sextant(args(server.url));
    expect([result.exitCode, result.text]).toEqual([3, ""]);
    expect(result.stderr).toMatch(/^sextant: http:[^\n]+\n$/);
  });
});

test("three requests and 64 KiB are enough even where /usr/lib has thousands of entries", async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `usr/lib/module-${i}.so`);
  lay(shop.at("wide"), Object.fromEntries(names.map((name) => [name, ""])));
  await must(["build", "--name", "wide", "--from", "wide", "--id", "_any", "--verity", "unsigned"], { cwd: shop.path });
  const { exitCode, stderr } = await match(["wide.raw", "--host", thirteen, "--stats"]);
  const [, requests, bytes] = /^read: (\d+) requests?, (\d+) bytes/m.exec(stderr) ?? [];
  expect(exitCode).toBe(0);
  expect(Number(requests)).toBeLessThanOrEqual(3);
  expect(Number(bytes)).toBeLessThanOrEqual(65_536);
});
