// Extraction writes what the image holds, and nothing outside of its directory, whatever the image says.
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { json, must, sextant } from "./command.js";
import { buildHello, featureFiles, lay, layTime, leftovers, type Workshop, workshop } from "./workshop.js";

let shop: Workshop;
let room = "";
let rooms = 0;
beforeAll(async () => {
  shop = await workshop();
  await buildHello(shop);
});
afterAll(() => shop.remove());

// Each test has a folder of its own, so that whatever escapes is seen there.
beforeEach(() => {
  rooms += 1;
  room = lay(shop.at(`room-${rooms}`), {});
});

interface Member {
  readonly name: string;
  readonly type?: "0" | "1" | "2" | "3" | "5" | "6";
  readonly link?: string;
  readonly content?: string;
  readonly mode?: number;
}

/** A ustar archive with whatever names and targets it is told. */
function tarOf(members: readonly Member[]): Uint8Array {
  const blocks = members.map(({ name, type = "0", link = "", content = "", mode = 0o644 }) => {
    const size = type === "0" ? content.length : 0;
    const block = Buffer.alloc(512 + Math.ceil(size / 512) * 512);
    const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`;
    block.write(name, 0, 100, "latin1");
    block.write(octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(layTime, 12), 100, "latin1");
    block.write(" ".repeat(8) + type + link, 148, "latin1");
    block.write(`ustar\0${"00"}`, 257, "latin1");
    block.write(octal(0, 8) + octal(0, 8), 329, "latin1");
    let sum = 0;
    for (const byte of block.subarray(0, 512)) sum += byte;
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    if (size > 0) block.write(content, 512, "latin1");
    return block;
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Extracts an archive that is up to something. */
async function extract(members: readonly Member[], more: readonly string[] = []) {
  writeFileSync(join(room, "hostile.tar"), tarOf(members));
  const result = await sextant(["extract", "hostile.tar", "-o", "out", ...more], { cwd: room });
  expect(result.stderr).not.toContain("internal error");
  return result;
}

describe("an image", () => {
  test("comes out as it is", async () => {
    const told = await json<object>(["extract", shop.at("hello.raw"), "-o", "out"], { cwd: room });
    expect(told).toMatchObject({ version: 1, directory: "out", files: 3, symlinks: 1, leftOut: [], leftOutCount: 0 });
    expect(readFileSync(join(room, "out/usr/bin/hello"), "utf8")).toBe(featureFiles["usr/bin/hello"]);
    expect(readlinkSync(join(room, "out/usr/share/hello/link"))).toBe("data");
    const { mode, mtimeMs } = lstatSync(join(room, "out/usr/share/hello/data"));
    expect([mode & 0o7777, mtimeMs]).toEqual([0o644, layTime * 1000]);
  });

  test("or a part of it", async () => {
    await must(["extract", shop.at("hello.raw"), "/usr/share", "-o", "out"], { cwd: room });
    expect(readdirSync(join(room, "out"))).toEqual(["hello"]);
  });

  test("goes into an empty directory, and into no other", async () => {
    lay(join(room, "empty"), {});
    await must(["extract", shop.at("hello.raw"), "-o", "empty"], { cwd: room });
    expect(readdirSync(join(room, "empty"))).toEqual(["usr"]);
    lay(join(room, "full"), { mine: "mine" });
    const { exitCode, stderr } = await sextant(["extract", shop.at("hello.raw"), "-o", "full"], { cwd: room });
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/^sextant: [^\n]*full[^\n]*\n$/)]);
    expect(readdirSync(join(room, "full"))).toEqual(["mine"]);
  });

  test("that turns out to be damaged leaves nothing", async () => {
    const bytes = new Uint8Array(readFileSync(shop.at("hello.raw")));
    bytes[20480 + 2 * 4096] = (bytes[20480 + 2 * 4096] ?? 0) ^ 1;
    writeFileSync(join(room, "damaged.raw"), bytes);
    const args = ["extract", "damaged.raw", "-o", "out", "--certificate", shop.certificate];
    const { exitCode } = await sextant(args, { cwd: room });
    expect(exitCode).toBe(1);
    expect(readdirSync(room)).toEqual(["damaged.raw"]);
  });
});

describe("names that lead elsewhere", () => {
  test.each<[string, Member[]]>([
    ["a parent directory", [{ name: "../escaped", content: "x" }]],
    ["one further down", [{ name: "usr/../../escaped", content: "x" }]],
    ["a directory above", [{ name: "..", type: "5" }]],
    [
      "a symlink and something below it",
      [
        { name: "door", type: "2", link: ".." },
        { name: "door/escaped", content: "x" },
      ],
    ],
    [
      "an absolute symlink and something below it",
      [
        { name: "door", type: "2", link: "ROOM" },
        { name: "door/escaped", content: "x" },
      ],
    ],
    [
      "a symlink in the place of a file",
      [
        { name: "door", type: "2", link: "../escaped" },
        { name: "door", content: "x" },
      ],
    ],
    ["a hard link to what is outside", [{ name: "stolen", type: "1", link: "../precious" }]],
    ["a hard link to an absolute path", [{ name: "stolen", type: "1", link: "/etc/passwd" }]],
    [
      "a hard link through a symlink",
      [
        { name: "door", type: "2", link: ".." },
        { name: "stolen", type: "1", link: "door/precious" },
      ],
    ],
  ])("%s", async (_what, members) => {
    writeFileSync(join(room, "precious"), "precious");
    const placed = members.map((member) => (member.link === "ROOM" ? { ...member, link: room } : member));
    const { exitCode } = await extract(placed);
    expect([0, 3]).toContain(exitCode);
    expect(
      readdirSync(room)
        .filter((name) => name !== "out")
        .sort(),
    ).toEqual(["hostile.tar", "precious"]);
    expect(readFileSync(join(room, "precious"), "utf8")).toBe("precious");
    const stolen = join(room, "out/stolen");
    if (existsSync(stolen)) expect(lstatSync(stolen).nlink).toBe(1);
    // A name that was refused leaves nothing at all.
    if (exitCode === 3) expect(existsSync(join(room, "out"))).toBe(false);
  });

  test("an absolute name stays inside", async () => {
    const { exitCode } = await extract([{ name: "/usr/inside", content: "x" }]);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(room, "out/usr/inside"), "utf8")).toBe("x");
  });

  test("symlinks are made as they are, and lead nobody out while we write", async () => {
    const { exitCode } = await extract([
      { name: "up", type: "2", link: "../../../.." },
      { name: "host", type: "2", link: "/etc/passwd" },
    ]);
    expect(exitCode).toBe(0);
    expect(readlinkSync(join(room, "out/host"))).toBe("/etc/passwd");
  });

  test("a target that is a symlink is where the user wants it", async () => {
    lay(join(room, "real"), {});
    symlinkSync("real", join(room, "out"));
    await must(["extract", shop.at("hello.raw"), "-o", "out"], { cwd: room });
    expect(readdirSync(join(room, "real"))).toEqual(["usr"]);
  });

  test("a name in an image that no directory can have", async () => {
    lay(join(room, "tree"), { "usr/aa": "x" });
    await must(["pack", "tree", "-o", "names.raw"], { cwd: room });
    const bytes = readFileSync(join(room, "names.raw"));
    // Without the checksum feature a changed name is not found before it is read.
    bytes[1024 + 8] = (bytes[1024 + 8] ?? 0) & ~1;
    for (const name of ["..", "a/", "/a"]) {
      const copy = Buffer.from(bytes);
      const at = copy.indexOf("...aa");
      expect(at).toBeGreaterThan(0);
      copy.write(name, at + 3, "latin1");
      writeFileSync(join(room, "names.raw"), copy);
      const { exitCode, stderr } = await sextant(["extract", "names.raw", "-o", "out"], { cwd: room });
      expect([name, exitCode]).toEqual([name, 3]);
      expect(stderr).toMatch(/^sextant: names\.raw: [^\n]+ offset \d+[^\n]*\n$/);
      expect(readdirSync(room).sort()).toEqual(["names.raw", "tree"]);
    }
  });
});

describe("devices", () => {
  const members: Member[] = [
    { name: "null", type: "3" },
    { name: "pipe", type: "6" },
    { name: "file", content: "x" },
  ];

  test("are left out where that is wanted, and told", async () => {
    const { exitCode, stderr } = await extract(members, ["--skip-devices"]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^sextant: warning: null: left out the [^\n]+\n$/);
    expect(readdirSync(join(room, "out"))).toEqual(["file", "pipe"]);
  });
});

test("nothing temporary is left", () => {
  for (let at = 1; at <= rooms; at++) expect(leftovers(shop.at(`room-${at}`))).toEqual([]);
});
