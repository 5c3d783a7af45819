import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { equalBytes, fromBytes, slice, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { describeWithPeers, oracleSystemdVersion, type Peer, systemdDissect } from "@sextant/peers";
import { generateKeyPair, type KeyAlgorithm, pemSigner, readCertificates } from "@sextant/signing";
import { temporaryDirectory } from "@sextant/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { check, open, type PlanOptions, partitionArchitectures, plan, signRootHash } from "../src/index.js";
import {
  anyFilesystem,
  build,
  filesystemOf,
  makeImage,
  makeSigned,
  oracleSigner,
  seed,
  someOptions,
} from "./oracle.js";

const folder = temporaryDirectory();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);
const bytesOf = (name: string) => new Uint8Array(readFileSync(at(name)));

/** Writes a small extension tree and returns its folder. */
function extensionTree(name: string): string {
  const tree = at(`${name}-tree`);
  for (const [path, content] of [
    [`usr/lib/extension-release.d/extension-release.${name}`, "ID=_any\n"],
    [`etc/extension-release.d/extension-release.${name}`, "ID=_any\n"],
    ["usr/share/some/file", "x".repeat(10_000)],
    ["etc/some/file", "y"],
  ] as const) {
    mkdirSync(join(tree, path, ".."), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  return tree;
}

/** Another systemd than the recorded one may do something else: that is drift to look at, not a failure of ours. */
const isOracle = ({ version }: Peer) => Number.parseInt(version, 10) === oracleSystemdVersion;
function sameAs(peer: Peer, same: boolean, what: string): void {
  if (!same && !isOracle(peer)) process.stderr.write(`drift: ${peer.name} ${peer.version}: ${what}\n`);
  else expect({ what, same }).toEqual({ what, same: true });
}

describeWithPeers("sfdisk", ["sfdisk"], ({ sfdisk }) => {
  test.each([
    ["512", {}],
    ["4096", { sectorBytes: 4096 }],
    ["512", { verity: "none", role: "usr", architecture: "arm64" }],
    ["512", { verity: "signed" }],
    ["4096", { verity: "deferred", sectorBytes: 4096 }],
  ] as const)("finds nothing wrong, with sectors of %s bytes and %j", async (sectorBytes, options) => {
    const image = "verity" in options && options.verity === "signed" ? await makeSigned() : await makeImage(options);
    writeFileSync(at("table.raw"), image);
    const size = ["--sector-size", sectorBytes];
    const verdict = await sfdisk.run(["--verify", ...size, at("table.raw")]);
    expect(verdict).toMatchObject({ exitCode: 0, stderr: "" });
    expect(verdict.text).toContain("No errors detected.");
    const { partitions, diskGuid } = await open(fromBytes(image));
    const dumped = JSON.parse((await sfdisk.run(["--json", ...size, at("table.raw")])).text) as {
      partitiontable: {
        id: string;
        partitions: { start: number; size: number; type: string; uuid: string; name: string; attrs: string }[];
      };
    };
    const { id, partitions: listed } = dumped.partitiontable;
    expect(id.toLowerCase()).toBe(diskGuid);
    expect(
      listed.map(({ start, size, type, uuid, name, attrs }) => [
        start,
        size,
        type.toLowerCase(),
        uuid.toLowerCase(),
        name,
        attrs,
      ]),
    ).toEqual(
      partitions.map(({ start, size, type, uuid, label }) => [
        start / Number(sectorBytes),
        size / Number(sectorBytes),
        type,
        uuid,
        label,
        "GUID:60",
      ]),
    );
  });
});

describeWithPeers("veritysetup", ["veritysetup"], ({ veritysetup }) => {
  test("verifies the partitions of ours", async () => {
    const image = await makeImage({}, 600_000);
    const { partitions } = await open(fromBytes(image));
    const [data, verity] = partitions;
    if (!data || !verity) throw new Error("two partitions are missing");
    writeFileSync(at("data"), await data.source.read(0, data.size));
    writeFileSync(at("hash"), await verity.source.read(0, verity.size));
    const hash = `${data.uuid}${verity.uuid}`.replaceAll("-", "");
    expect(await veritysetup.run(["verify", at("data"), at("hash"), hash])).toMatchObject({ exitCode: 0 });
  });
});

describeWithPeers("systemd-repart", ["systemd-repart"], (peers) => {
  const repart = peers["systemd-repart"];
  const tree = extensionTree("probe");
  const common = [
    "--seed",
    toHex(seed),
    "--offline=yes",
    "--dry-run=no",
    "--empty=create",
    "--size=auto",
    "--json=short",
  ];
  const run = async (name: string, ...args: string[]) => {
    const result = await repart.run([...common, ...args, at(name)]);
    expect(result).toMatchObject({ exitCode: 0 });
    return bytesOf(name);
  };
  /** Our image of the filesystem in theirs, with their partition sizes. */
  const ours = async (theirs: Uint8Array, options: Partial<PlanOptions>) => {
    const { partitions, sectorBytes } = await open(fromBytes(theirs));
    const [first] = partitions;
    return await build(
      await plan(await filesystemOf(theirs), {
        ...someOptions,
        architecture: first?.architecture ?? "x86-64",
        role: first?.role ?? "root",
        sectorBytes: sectorBytes === 4096 ? 4096 : 512,
        partitionBytes: Object.fromEntries(partitions.map(({ kind, size }) => [kind, size])),
        ...options,
      }),
    );
  };
  const keys = async (algorithm: KeyAlgorithm) => {
    const now = Math.floor(Date.now() / 1000);
    const pair = await generateKeyPair(algorithm, { commonName: "live", notBefore: now - 3600, notAfter: now + 86400 });
    writeFileSync(at(`${algorithm}.key`), pair.key, { mode: 0o600 });
    writeFileSync(at(`${algorithm}.crt`), pair.certificate);
    const args = [`--private-key=${at(`${algorithm}.key`)}`, `--certificate=${at(`${algorithm}.crt`)}`];
    return { args, signer: await pemSigner(pair), certificates: readCertificates(pair.certificate) };
  };

  test.each([
    ["sysext", "rsa-2048", [], 4096],
    ["confext", "rsa-4096", ["--sector-size=4096"], 4096],
    ["portable", "rsa-3072", ["--sector-size=512"], 512],
  ] as const)("--make-ddi=%s with our %s key, %j", async (kind, algorithm, more, verityBlockBytes) => {
    const { args, signer } = await keys(algorithm);
    const theirs = await run(`${kind}.raw`, `--make-ddi=${kind}`, `--copy-source=${tree}`, ...more, ...args);
    const same = equalBytes(await ours(theirs, { verity: "signed", signer, verityBlockBytes }), theirs);
    sameAs(repart, same, `${kind} with ${algorithm}`);
  });

  test.each(["ecdsa-p256", "ecdsa-p384"] as const)("signs with our %s key what we verify", async (algorithm) => {
    const { args, certificates } = await keys(algorithm);
    const theirs = await run(`${algorithm}.raw`, "--make-ddi=sysext", `--copy-source=${tree}`, ...args);
    const report = await check(fromBytes(theirs), { certificates, hasher: nodeHasher });
    expect(report).toMatchObject({ ok: true, findings: [], sets: [{ signature: "valid" }] });
  });

  test("other architectures and /usr, with hashes and no signature", async () => {
    for (const [index, architecture] of partitionArchitectures.entries()) {
      const role = index % 2 === 0 ? "usr" : "root";
      const definitions = at(`${architecture}.repart.d`);
      mkdirSync(definitions);
      const define = (file: string, type: string, ...more: string[]) =>
        writeFileSync(
          join(definitions, file),
          ["[Partition]", `Type=${type}`, "VerityMatchKey=x", "Minimize=best", ...more, ""].join("\n"),
        );
      define("10.conf", `${role}-${architecture}`, "Format=erofs", "CopyFiles=/usr/:/", "Verity=data");
      define("20.conf", `${role}-${architecture}-verity`, "Verity=hash");
      const theirs = await run(`${architecture}.raw`, `--definitions=${definitions}`, `--root=${tree}`);
      const same = equalBytes(await ours(theirs, { verity: "unsigned" }), theirs);
      sameAs(repart, same, `${role}-${architecture}`);
    }
  });

  test("joins its signature to our deferred image, and ours", async () => {
    const { args, signer, certificates } = await keys("rsa-2048");
    const image = await build(await plan(anyFilesystem(50_000), { ...someOptions, verity: "deferred" }));
    const { partitions } = await open(fromBytes(image));
    const hash = partitions.map(({ uuid }) => uuid.replaceAll("-", "")).join("");
    const { signature } = await signRootHash(signer, Uint8Array.from(Buffer.from(hash, "hex")));
    writeFileSync(at("deferred.raw"), image);
    writeFileSync(at("signature.p7s"), signature);
    const definitions = at("join.repart.d");
    mkdirSync(definitions);
    for (const [file, type, verity] of [
      ["10", "", "data"],
      ["20", "-verity", "hash"],
      ["30", "-verity-sig", "signature"],
    ] as const) {
      writeFileSync(
        join(definitions, `${file}.conf`),
        `[Partition]\nType=root-x86-64${type}\nVerity=${verity}\nVerityMatchKey=root\n`,
      );
    }
    const join_ = [`--join-signature=${hash}:${at("signature.p7s")}`, `--definitions=${definitions}`, args[1] ?? ""];
    const joined = await repart.run([
      "--dry-run=no",
      "--offline=yes",
      `--seed=${toHex(seed)}`,
      ...join_,
      at("deferred.raw"),
    ]);
    expect(joined).toMatchObject({ exitCode: 0 });
    const report = await check(fromBytes(bytesOf("deferred.raw")), { certificates, hasher: nodeHasher });
    expect(report).toMatchObject({ ok: true, sets: [{ verity: "verified", signature: "valid" }] });
    const whole = await build(await plan(anyFilesystem(50_000), { ...someOptions, verity: "signed", signer }));
    sameAs(repart, equalBytes(bytesOf("deferred.raw"), whole), "joined");
  });
});

describeWithPeers("systemd-dissect", ["systemd-dissect", "mkfs.erofs"], (peers) => {
  const filesystem = async () => {
    const made = await peers["mkfs.erofs"].run([at("probe.erofs"), extensionTree("probe")]);
    expect(made).toMatchObject({ exitCode: 0 });
    return fromBytes(bytesOf("probe.erofs"));
  };

  describe.each([512, 4096] as const)("sectors of %i bytes", (sectorBytes) => {
    test.each(["signed", "unsigned", "none"] as const)("%s", async (verity) => {
      const signer = verity === "signed" ? { signer: await oracleSigner() } : {};
      const source = await filesystem();
      writeFileSync(
        at("probe.raw"),
        await build(await plan(source, { ...someOptions, verity, sectorBytes, ...signer })),
      );
      expect(await systemdDissect(at("probe.raw"), ["--validate"])).toMatchObject({ exitCode: 0 });
      const { text, exitCode, stderr } = await systemdDissect(at("probe.raw"), ["--json=short"]);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      const report = JSON.parse(text) as { mounts: { designator: string; verity: string | null }[] };
      expect(report).toMatchObject({
        sectorSize: sectorBytes,
        architecture: "x86-64",
        useSystemExtension: true,
        useConfigurationExtension: true,
      });
      const expected = verity === "signed" ? "signed" : verity === "unsigned" ? "yes" : "no";
      expect(report.mounts[0]).toMatchObject({
        designator: "root",
        verity: expected,
        fstype: "erofs",
        growfs: false,
        rw: "ro",
      });
    });
  });

  test("takes the backup table where we do, and refuses what we refuse", async () => {
    const image = await build(await plan(await filesystem(), someOptions));
    const sees = async (change: (copy: Uint8Array) => void) => {
      const copy = image.slice();
      change(copy);
      writeFileSync(at("probe.raw"), copy);
      const theirs = (await systemdDissect(at("probe.raw"), ["--validate"])).exitCode === 0;
      const ours = await open(slice(fromBytes(copy), 0)).then(
        () => true,
        () => false,
      );
      return { theirs, ours };
    };
    const both = { theirs: true, ours: true };
    const none = { theirs: false, ours: false };
    expect(await sees(() => {})).toEqual(both);
    expect(await sees((copy) => copy.fill(0, 512, 1024))).toEqual(both);
    expect(await sees((copy) => copy.fill(0, 1100, 1104))).toEqual(both);
    expect(await sees((copy) => copy.fill(0, 446, 462))).toEqual(none);
    expect(await sees((copy) => copy.fill(0, 512, 1024).fill(0, copy.length - 512))).toEqual(none);
    expect(await sees((copy) => copy.set(copy.slice(512, 604), 1024))).toEqual(none);
  });
});
