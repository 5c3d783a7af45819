import { counted, fromBytes } from "@sextant/bytes";
import { type PartitionKind, type PartitionRole, partitionType } from "@sextant/ddi";
import { type LazyNode, type Name, nameFromText, nameToText, resolvePath } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { openImage, readExtension } from "../src/index.js";
import {
  codeOf,
  debian13,
  diskOf,
  type Files,
  packDisk,
  packErofs,
  recordedImage,
  smallFiles,
  smallTree,
  sysextPath,
  treeOf,
  utf8,
} from "./support.js";

const open = (bytes: Uint8Array) => openImage(fromBytes(bytes, "x.raw"));
const typeOf = (role: PartitionRole, kind: PartitionKind = "data") => partitionType(role, "x86-64", kind).guid;
const erofs = (files: Files) => packErofs(treeOf(files));

async function textAt(root: LazyNode, path: string): Promise<string | undefined> {
  const found = await resolvePath(root, nameFromText(path));
  const content = found?.node.kind === "file" ? found.node.content() : undefined;
  return content && new TextDecoder().decode(await content.open().read(0, content.size));
}

async function namesIn(node: LazyNode): Promise<string[]> {
  return (await node.entries()).map(({ name }) => nameToText(name));
}

describe("what an image is", () => {
  test("a bare file system", async () => {
    const bytes = await packErofs(smallTree, { label: "small" });
    const image = await open(bytes);
    expect(image).toMatchObject({ layout: "filesystem", format: "erofs", sizeBytes: bytes.length, ddi: undefined });
    expect(image.filesystems).toMatchObject([{ at: "/", set: undefined, verified: undefined }]);
    expect(image.filesystems[0]?.erofs.label).toBe("small");
    expect(image.verified).toBeUndefined();
    expect(await textAt(await image.root(), `${sysextPath}foo`)).toBe(debian13);
  });

  test.each([
    ["signed", 512],
    ["unsigned", 512],
    ["none", 4096],
    ["deferred", 512],
  ] as const)("a disk image, verity %s, sectors of %d bytes", async (verity, sectorBytes) => {
    const image = await open(await packDisk(smallTree, { verity, sectorBytes }));
    expect(image).toMatchObject({ layout: "ddi", format: "erofs", verified: undefined });
    expect(image.ddi?.sectorBytes).toBe(sectorBytes);
    expect(image.filesystems.map(({ at, set }) => [at, set?.data.designator])).toEqual([["/", "root-x86-64"]]);
    expect(await textAt(await image.root(), "usr/bin/foo")).toBe(smallFiles["usr/bin/foo"]);
  });

  test.each(["probe-sysext", "probe-confext", "deferred", "joined", "p4k"])("%s by systemd-repart", async (name) => {
    const image = await open(recordedImage(name));
    const { kind, release } = await readExtension(await image.root(), { name: "probe" });
    expect(kind).toBe(name === "probe-confext" ? "confext" : "sysext");
    expect(release?.fields?.get("ID")).toBe("_any");
  });
});

describe("where file systems are mounted", () => {
  const inRoot = { "etc/passwd": "root", "usr/hidden": "", "opt/x": "in root" };
  const inUsr = {
    "lib/extension-release.d/extension-release.foo": debian13,
    "bin/foo": "in usr",
    link: { link: "/opt/x" },
  };

  test("a /usr partition alone is below usr", async () => {
    const disk = diskOf([{ type: typeOf("usr"), content: await erofs(inUsr) }]);
    const image = await open(disk);
    expect(image.filesystems.map(({ at }) => at)).toEqual(["/usr"]);
    const root = await image.root();
    expect(await namesIn(root)).toEqual(["usr"]);
    expect(await textAt(root, "usr/bin/foo")).toBe("in usr");
    expect(await root.lookup("bin" as Name)).toBeUndefined();
    const { release } = await readExtension(root, { name: "foo" });
    expect(release?.path).toBe(`${sysextPath}foo`);
  });

  test("one as the writer makes it", async () => {
    const image = await open(await packDisk(treeOf(inUsr), { role: "usr" }));
    expect(image.filesystems.map(({ at, set }) => [at, set?.data.designator])).toEqual([["/usr", "usr-x86-64"]]);
    expect(await textAt(await image.root(), "usr/bin/foo")).toBe("in usr");
  });

  test("with a root partition it covers that one's usr", async () => {
    const partitions = [
      { type: typeOf("usr"), content: await erofs(inUsr) },
      { type: typeOf("root"), content: await erofs(inRoot) },
    ];
    const image = await open(diskOf(partitions));
    expect(image.filesystems.map(({ at }) => at)).toEqual(["/", "/usr"]);
    const root = await image.root();
    expect(await namesIn(root)).toEqual(["etc", "opt", "usr"]);
    const usr = await root.lookup("usr" as Name);
    expect(usr && (await namesIn(usr))).toEqual(["bin", "lib", "link"]);
    expect(await textAt(root, "usr/hidden")).toBeUndefined();
    // Symlinks lead through the whole tree.
    expect(await textAt(root, "usr/link")).toBe("in root");
    const listed = await root.entries();
    const ids = await Promise.all(listed.map(async (entry) => (await entry.node()).id));
    const below = usr ? await Promise.all((await usr.entries()).map(async (entry) => (await entry.node()).id)) : [];
    expect(new Set([root.id, ...ids, ...below]).size).toBe(1 + 3 + 3);
    expect((await root.lookup("usr" as Name))?.id).toBe(usr?.id);
  });

  test("root comes without a usr of its own", async () => {
    const partitions = [
      { type: typeOf("root"), content: await erofs({ "etc/passwd": "" }) },
      { type: typeOf("usr"), content: await erofs(inUsr) },
    ];
    const root = await (await open(diskOf(partitions))).root();
    expect(await namesIn(root)).toEqual(["etc", "usr"]);
    expect(await textAt(root, "usr/bin/foo")).toBe("in usr");
  });

  test("the preferred architecture's, or else the first there is", async () => {
    const of = async (architecture: "arm64" | "x86-64" | "riscv64") => ({
      type: partitionType("root", architecture, "data").guid,
      content: await erofs({ "usr/arch": architecture }),
    });
    const disk = fromBytes(diskOf([await of("arm64"), await of("x86-64"), await of("riscv64")]));
    const chosen = async (options: Parameters<typeof openImage>[1]) =>
      textAt(await (await openImage(disk, options)).root(), "usr/arch");
    expect(await chosen({})).toBe("arm64");
    expect(await chosen({ architecture: "x86-64" })).toBe("x86-64");
    expect(await chosen({ architecture: "s390x", secondary: "riscv64" })).toBe("riscv64");
    expect(await chosen({ architecture: "s390x" })).toBe("arm64");
  });

  test("a partition that systemd passes over does not count", async () => {
    const [hidden, seen] = [await erofs({ "usr/x": "hidden" }), await erofs({ "usr/x": "seen" })];
    const type = typeOf("root");
    for (const passed of [{ attributes: 1n << 63n }, { label: "_empty" }]) {
      const image = await open(
        diskOf([
          { type, content: hidden, ...passed },
          { type, content: seen },
        ]),
      );
      expect(await textAt(await image.root(), "usr/x")).toBe("seen");
    }
  });

  test("one generic Linux partition is the root", async () => {
    const type = "0fc63daf-8483-4772-8e79-3d69d8477de4" as ReturnType<typeof typeOf>;
    const image = await open(diskOf([{ type, content: await erofs({ "usr/x": "generic" }) }]));
    expect(await textAt(await image.root(), "usr/x")).toBe("generic");
  });
});

describe("what is no image that we read", () => {
  const patched = (size: number, offset: number, bytes: readonly number[]) => {
    const made = new Uint8Array(size);
    made.set(bytes, offset);
    return made;
  };
  const squashfs = patched(4096, 0, [0x68, 0x73, 0x71, 0x73]);
  const ext4 = patched(4096, 1080, [0x53, 0xef]);
  const type = typeOf("root");

  test.each<[string, () => Uint8Array | Promise<Uint8Array>, string, string]>([
    ["squashfs", () => squashfs, "ImageError UNSUPPORTED_FILESYSTEM", "this is a squashfs file system"],
    ["ext4", () => ext4, "ImageError UNSUPPORTED_FILESYSTEM", "this is a ext4 file system"],
    [
      "squashfs in a disk image",
      () => diskOf([{ type, content: squashfs }]),
      "ImageError UNSUPPORTED_FILESYSTEM",
      "the root-x86-64 partition holds a squashfs file system",
    ],
    [
      "an empty partition",
      () => diskOf([{ type, content: new Uint8Array(4096) }]),
      "ImageError UNSUPPORTED_FILESYSTEM",
      "the root-x86-64 partition holds no file system that is known",
    ],
    ["no partition", () => diskOf([]), "ImageError MALFORMED_LAYOUT", "no root or usr partition; found: none"],
    [
      "none to mount",
      () => diskOf([{ type: typeOf("root", "verity"), content: squashfs }]),
      "ImageError MALFORMED_LAYOUT",
      "found: root-x86-64-verity",
    ],
    [
      "two roots",
      () =>
        diskOf([
          { type, content: squashfs },
          { type, content: squashfs },
        ]),
      "DdiError MALFORMED_DUPLICATE_PARTITION",
      "two root-x86-64 partitions",
    ],
    [
      "half an EROFS",
      async () => (await erofs({ "usr/x": utf8("x".repeat(9000)) })).slice(0, 8192),
      "ErofsError MALFORMED_TRUNCATED",
      "only 8192 are here",
    ],
    [
      "half a disk image",
      async () => (await packDisk(treeOf({ "usr/x": utf8("x".repeat(90_000)) }))).slice(0, 40_960),
      "DdiError MALFORMED_HEADER",
      "the image ends with 79; nor can the backup be used",
    ],
  ])("%s", async (_what, make, code, message) => {
    const bytes = await make();
    expect(await codeOf(() => open(bytes))).toBe(code);
    await expect(open(bytes)).rejects.toThrow(message);
  });

  test("a claim of 2^60 bytes allocates nothing", async () => {
    const bytes = (await erofs({ "usr/x": "x" })).slice(0, 4096);
    // blocks_lo at 36 of the superblock: as many blocks as there can be.
    new DataView(bytes.buffer).setUint32(1024 + 36, 0xffff_fffe, true);
    const source = counted(fromBytes(bytes));
    expect(await codeOf(() => openImage(source))).toBe("ErofsError MALFORMED_TRUNCATED");
    expect(source.count.bytes).toBeLessThanOrEqual(2 * 4096);
  });
});

describe("where damage is", () => {
  /** Names of usr in the wrong order, and no checksum that would tell before. */
  async function disordered(): Promise<Uint8Array> {
    const image = await erofs({ "usr/aa": "", "usr/bb": "" });
    image[1024 + 8] = (image[1024 + 8] ?? 0) & ~1;
    image.set(utf8("zz"), new TextDecoder("latin1").decode(image).indexOf("aabb"));
    return image;
  }

  async function damageIn(bytes: Uint8Array, path: string): Promise<number> {
    try {
      const found = await resolvePath(await (await open(bytes)).root(), nameFromText(path));
      await found?.node.entries();
    } catch (error) {
      return (error as { readonly context: { readonly offset: number } }).context.offset;
    }
    return 0;
  }

  test("is told by its place in the image, not in its partition", async () => {
    const content = await disordered();
    const inFilesystem = await damageIn(content, "usr");
    expect(inFilesystem).toBeGreaterThan(1024);
    expect(await damageIn(diskOf([{ type: typeOf("root"), content }]), "usr")).toBe(20_480 + inFilesystem);
    const root = { type: typeOf("root"), content: await erofs({ "etc/x": "" }) };
    const both = diskOf([root, { type: typeOf("usr"), content }]);
    expect(await damageIn(both, "usr/usr")).toBe(20_480 + root.content.length + inFilesystem);
  });
});
