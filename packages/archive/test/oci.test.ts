import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { concatBytes, fromBytes } from "@sextant/bytes";
import { type Directory, directory, file, joinPath, type Name, walkTree } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { ArchiveError, readOciLayout, writeTar } from "../src/index.js";

const text = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** A tree of small files from paths. */
function treeOf(files: Readonly<Record<string, string>>): Directory {
  const root = directory();
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split("/") as Name[];
    let at = root;
    for (const part of parts.slice(0, -1)) {
      const below = (at.entries.get(part) ?? directory()) as typeof root;
      at.entries.set(part, below);
      at = below;
    }
    at.entries.set(parts.at(-1) ?? ("" as Name), file(text(content)));
  }
  return root;
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";

interface Layout {
  readonly files: Map<string, Uint8Array>;
  add(mediaType: string, bytes: Uint8Array, more?: object): { mediaType: string; digest: string; size: number };
}

function layoutOf(): Layout {
  const files = new Map<string, Uint8Array>([["oci-layout", text({ imageLayoutVersion: "1.0.0" })]]);
  return {
    files,
    add(mediaType, bytes, more = {}) {
      const hex = createHash("sha256").update(bytes).digest("hex");
      files.set(`blobs/sha256/${hex}`, bytes);
      return { mediaType, digest: `sha256:${hex}`, size: bytes.length, ...more };
    },
  };
}

async function addImage(layout: Layout, layers: readonly Directory[], more: object = {}) {
  const described: object[] = [];
  for (const [at, tree] of layers.entries()) {
    const parts: Uint8Array[] = [];
    for await (const part of writeTar(tree)) parts.push(part);
    const tar = concatBytes(parts);
    described.push(layout.add("application/vnd.oci.image.layer.v1.tar+gzip", at % 2 === 0 ? gzipSync(tar) : tar));
  }
  return layout.add(manifestType, text({ schemaVersion: 2, mediaType: manifestType, layers: described }), more);
}

const index = (layout: Layout, manifests: readonly object[]) =>
  layout.files.set("index.json", text({ schemaVersion: 2, manifests }));

const read = (layout: Layout, architecture?: string) =>
  readOciLayout(async (path) => layout.files.get(path) && fromBytes(layout.files.get(path) ?? text("")), {
    architecture,
  });

async function listing(root: Directory): Promise<string[]> {
  const paths: string[] = [];
  for (const { path, node } of walkTree(root)) if (node.kind === "file") paths.push(joinPath("" as Name, path));
  return paths.sort();
}

describe("an image layout", () => {
  test("is the sum of its layers, whiteouts applied", async () => {
    const layout = layoutOf();
    const layers = [
      treeOf({ "usr/bin/one": "1", "usr/lib/gone": "x", "usr/share/old/a": "a" }),
      treeOf({ "usr/bin/two": "2", "usr/lib/.wh.gone": "", "usr/share/old/.wh..wh..opq": "", "usr/share/old/b": "b" }),
    ];
    index(layout, [await addImage(layout, layers)]);
    await using image = await read(layout);
    expect(await listing(image.tree)).toEqual(["usr/bin/one", "usr/bin/two", "usr/share/old/b"]);
    expect(image.layers).toHaveLength(2);
  });

  test("of several architectures gives the one that is asked for, also through a further index", async () => {
    const layout = layoutOf();
    const amd64 = await addImage(layout, [treeOf({ "usr/amd64": "" })], { platform: { architecture: "amd64" } });
    const arm64 = await addImage(layout, [treeOf({ "usr/arm64": "" })], { platform: { architecture: "arm64" } });
    index(layout, [layout.add(indexType, text({ schemaVersion: 2, manifests: [amd64, arm64] }))]);
    for (const wanted of ["amd64", "arm64"]) {
      await using image = await read(layout, wanted);
      expect(await listing(image.tree)).toEqual([`usr/${wanted}`]);
    }
    await expect(read(layout, "s390x")).rejects.toMatchObject({ code: "UNSUPPORTED_FORMAT" });
    await expect(read(layout)).rejects.toThrow("the architectures are amd64, arm64");
  });
});

describe("what the specification rules out", () => {
  test.each<[string, (layout: Layout, digest: string) => void, string, string]>([
    [
      "another version",
      (l) => l.files.set("oci-layout", text({ imageLayoutVersion: "2" })),
      "MALFORMED_OCI",
      "not 1.0.0",
    ],
    ["no marker", (l) => l.files.delete("oci-layout"), "MALFORMED_OCI", "the file is missing"],
    ["no index", (l) => l.files.delete("index.json"), "MALFORMED_OCI", "the file is missing"],
    ["an index that is no JSON", (l) => l.files.set("index.json", text("{")), "MALFORMED_OCI", "not JSON"],
    ["a list for an index", (l) => l.files.set("index.json", text([])), "MALFORMED_OCI", "no JSON object"],
    ["no manifests", (l) => l.files.set("index.json", text({})), "MALFORMED_OCI", "no list of descriptors"],
    ["an empty index", (l) => index(l, []), "UNSUPPORTED_FORMAT", "no image at all"],
    [
      "a digest that is a path",
      (l) => index(l, [{ mediaType: manifestType, digest: "sha256:../../etc/passwd", size: 1 }]),
      "MALFORMED_OCI",
      "is no sha256 or sha512 digest",
    ],
    [
      "a missing blob",
      (l, d) => l.files.delete(`blobs/${d.replace(":", "/")}`),
      "MALFORMED_OCI",
      "the blob is missing",
    ],
    [
      "a blob of another size",
      (l, d) => l.files.set(`blobs/${d.replace(":", "/")}`, text("{}")),
      "MALFORMED_OCI",
      "its descriptor says",
    ],
    [
      "a blob with other bytes",
      (l, d) => {
        const path = `blobs/${d.replace(":", "/")}`;
        l.files.set(
          path,
          (l.files.get(path) ?? text("")).map((byte, at) => (at === 5 ? byte ^ 1 : byte)),
        );
      },
      "MALFORMED_OCI",
      "the blob's digest is sha256:",
    ],
  ])("%s", async (_what, damage, code, message) => {
    const layout = layoutOf();
    const manifest = await addImage(layout, [treeOf({ "usr/a": "" })]);
    index(layout, [manifest]);
    damage(layout, manifest.digest);
    const failure = await read(layout).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ArchiveError);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).toContain(message);
  });

  test("indexes that lead to each other end", async () => {
    const layout = layoutOf();
    let inner: object = await addImage(layout, [treeOf({ "usr/a": "" })]);
    for (let depth = 0; depth < 6; depth++) inner = layout.add(indexType, text({ manifests: [inner] }));
    index(layout, [inner]);
    await expect(read(layout)).rejects.toThrow("nested deeper");
  });
});
