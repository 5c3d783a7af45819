import { fromBytes } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { open as openDdi } from "@sextant/ddi";
import { generateKeyPair, readCertificates } from "@sextant/signing";
import { loadTree, nameFromText, resolvePath } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { type OpenedImage, openImage, readExtension } from "../src/index.js";
import {
  codeOf,
  diskOf,
  flipBit,
  numberedGuid,
  packDisk,
  packErofs,
  partitionsOf,
  recordedCertificates,
  recordedImage,
  recordedSigner,
  smallTree,
  sysextPath,
  treeOf,
} from "./support.js";

const open = (bytes: Uint8Array, certificates = recordedCertificates) =>
  openImage(fromBytes(bytes, "x.raw"), { certificates, hasher: nodeHasher });

async function readAll(image: OpenedImage): Promise<void> {
  const tree = await loadTree(await image.root());
  const pending = [...tree.entries.values()];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.kind === "directory") pending.push(...node.entries.values());
    if (node.kind === "file") await node.content.open().read(0, node.content.size);
  }
}

const content = new Uint8Array(50_000).map((_, index) => index * 7);
const tree = treeOf({ [`${sysextPath}foo`]: "ID=_any\n", "usr/lib/data": content });

describe("an image that a certificate vouches for", () => {
  test.each(["probe-sysext", "probe-confext", "joined", "p4k"])("%s by systemd-repart", async (name) => {
    const image = await open(recordedImage(name));
    expect(image.verified?.map(({ signer }) => signer.subject.text)).toEqual(["CN=probe"]);
    await readAll(image);
  });

  test("ours", async () => {
    const image = await open(await packDisk(tree));
    expect(image.verified?.length).toBe(1);
    const { release } = await readExtension(await image.root(), { name: "foo" });
    expect(release?.fields?.get("ID")).toBe("_any");
    await readAll(image);
  });

  test("is so only where somebody checked", async () => {
    const image = await openImage(fromBytes(await packDisk(tree)));
    expect(image.verified).toBeUndefined();
    expect(image.filesystems.map(({ verified }) => verified)).toEqual([undefined]);
  });
});

describe("an image that no certificate vouches for", () => {
  const other = async () => {
    const pair = await generateKeyPair("ecdsa-p256", { commonName: "other", notBefore: 0, notAfter: 1 });
    return readCertificates(pair.certificate);
  };

  test("another signer", async () => {
    expect(await codeOf(async () => open(await packDisk(tree), await other()))).toBe("TrustError UNTRUSTED_SIGNATURE");
  });

  test("no certificate at all is not the same as not asking", async () => {
    expect(await codeOf(async () => open(await packDisk(tree), []))).toBe("TrustError UNTRUSTED_SIGNATURE");
  });

  test.each(["unsigned", "deferred", "none"] as const)("verity %s", async (verity) => {
    expect(await codeOf(async () => open(await packDisk(tree, { verity })))).toBe("TrustError UNTRUSTED_UNSIGNED");
  });

  test("a bare file system", async () => {
    expect(await codeOf(async () => open(await packErofs(tree)))).toBe("TrustError UNTRUSTED_UNSIGNED");
  });

  test.each([0, 1])("partition %i under another UUID", async (index) => {
    const partitions = await partitionsOf(await packDisk(tree));
    const changed = partitions.map((one, at) => (at === index ? { ...one, uuid: numberedGuid(9) } : one));
    const image = diskOf(changed);
    expect(await codeOf(() => open(image))).toBe("DdiError MISMATCH_ROOT_HASH");
    // Unverified, its structure is sound.
    expect((await openImage(fromBytes(image))).filesystems.length).toBe(1);
  });

  test("the verity partition of another image", async () => {
    const [mine, theirs] = [await partitionsOf(await packDisk(tree)), await partitionsOf(await packDisk(smallTree))];
    const [data, verity, signature] = mine;
    const foreign = theirs[1];
    if (!data || !verity || !signature || !foreign) throw new Error("three partitions are missing");
    const image = diskOf([data, { ...verity, content: foreign.content }, signature]);
    expect(await codeOf(async () => readAll(await open(image)))).toMatch(/^VerityError MISMATCH_/);
  });

  test("the signature of another image", async () => {
    const [mine, theirs] = [await partitionsOf(await packDisk(tree)), await partitionsOf(await packDisk(smallTree))];
    const [data, verity] = mine;
    const foreign = theirs[2];
    if (!data || !verity || !foreign) throw new Error("three partitions are missing");
    expect(await codeOf(() => open(diskOf([data, verity, foreign])))).toBe("DdiError MISMATCH_ROOT_HASH");
  });

  test("one partition of two unsigned", async () => {
    const signed = await partitionsOf(await packDisk(tree));
    const [usr] = await partitionsOf(await packDisk(smallTree, { verity: "none", role: "usr" }));
    if (!usr) throw new Error("there is no partition");
    const image = diskOf([...signed, { ...usr, uuid: numberedGuid(7) }]);
    expect(await codeOf(() => open(image))).toBe("TrustError UNTRUSTED_UNSIGNED");
  });
});

describe("a flipped bit", () => {
  test.each([
    // A block of data is found when somebody reads it, the tree and the signature before that.
    ["the superblock of the file system", 0, 1030, /^VerityError MISMATCH_DATA_BLOCK$/],
    ["the last block of data", 0, -1, /^VerityError MISMATCH_DATA_BLOCK$/],
    ["the algorithm of the verity superblock", 1, 33, /^VerityError UNSUPPORTED_ALGORITHM$/],
    ["the salt", 1, 90, /^VerityError MISMATCH_/],
    ["the hashes", 1, 4096, /^VerityError MISMATCH_/],
    ["the root hash that is signed", 2, 14, /^DdiError MISMATCH_ROOT_HASH$/],
    ["the end of the signature partition", 2, -1, /^DdiError MALFORMED_SIGNATURE_PARTITION$/],
  ] as const)("in %s", async (_what, index, offset, code) => {
    const image = await packDisk(tree);
    const { partitions } = await openDdi(fromBytes(image));
    const partition = partitions[index];
    if (!partition) throw new Error("a partition is missing");
    const filesystemEnd = (await openImage(fromBytes(image))).filesystems[0]?.erofs.sizeBytes ?? 0;
    const end = index === 0 ? filesystemEnd : partition.size;
    const at = partition.start + (offset < 0 ? end + offset : offset);
    expect(await codeOf(async () => readAll(await open(flipBit(image, at))))).toMatch(code);
  });

  test("leaves what is elsewhere readable", async () => {
    const image = await packDisk(tree);
    const { partitions } = await openDdi(fromBytes(image));
    const damaged = await open(flipBit(image, (partitions[0]?.start ?? 0) + 40_000));
    const { release } = await readExtension(await damaged.root(), { name: "foo" });
    expect(release?.fields?.get("ID")).toBe("_any");
    const found = await resolvePath(await damaged.root(), nameFromText("usr/lib/data"));
    const source = found?.node.content().open();
    expect(await source?.read(0, 4096)).toEqual(content.slice(0, 4096));
    const start = partitions[0]?.start ?? 0;
    await expect(source?.read(0, content.length)).rejects.toMatchObject({
      code: "MISMATCH_DATA_BLOCK",
      context: { offset: start + Math.floor(40_000 / 4096) * 4096 },
    });
  });

  test("anywhere in the signature", async () => {
    const signer = await recordedSigner();
    const image = await packDisk(treeOf({ "usr/x": "x" }), { signer });
    const signature = (await openDdi(fromBytes(image))).partitions[2];
    if (!signature) throw new Error("there is no signature");
    const text = new TextDecoder().decode(await signature.source.read(0, signature.size)).replace(/\0+$/, "");
    const found = new Map<string, number>();
    for (let at = 0; at < text.length; at += 5) {
      const code = await codeOf(() => open(flipBit(image, signature.start + at, at % 7)));
      found.set(code, (found.get(code) ?? 0) + 1);
    }
    // What systemd never reads may change: the fingerprint, and the certificate inside of the message.
    const nothing = found.get("nothing") ?? 0;
    found.delete("nothing");
    expect([...found.keys()].filter((code) => !/^(?:TrustError|DdiError|SigningError) /.test(code))).toEqual([]);
    expect(found.size).toBeGreaterThan(2);
    expect(nothing).toBeGreaterThan(0);
  });
});
