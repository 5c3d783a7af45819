// What the command builds is what systemd, erofs-utils, cryptsetup and openssl take, and what they make it reads.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { open, readSignature } from "@sextant/ddi";
import {
  describeWithPeers,
  oracleSystemdVersion,
  type Peer,
  systemdDissect,
  systemdDrift,
  systemdSysext,
} from "@sextant/peers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, must, sextant } from "./command.js";
import {
  buildHello,
  debian13,
  featureFiles,
  lay,
  recordedFile,
  recordedImage,
  type Workshop,
  workshop,
} from "./workshop.js";

let shop: Workshop;
beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.remove());

/** Another systemd than the recorded one may do something else: a line to read, and no failure of ours. */
function sameAs(systemd: Peer, what: string, found: unknown, expected: unknown): void {
  if (Number.parseInt(systemd.version, 10) === oracleSystemdVersion)
    expect({ what, found }).toEqual({ what, found: expected });
  else if (JSON.stringify(found) !== JSON.stringify(expected)) {
    process.stderr.write(`${systemdDrift(systemd.version)}: ${what}: ${JSON.stringify(found)}\n`);
  }
}

interface Dissected {
  readonly useSystemExtension: boolean;
  readonly useConfigurationExtension: boolean;
  readonly mounts: readonly { readonly designator: string; readonly fstype: string; readonly verity: string }[];
}

describeWithPeers("systemd-dissect", ["systemd-dissect"], (peers) => {
  const systemd = peers["systemd-dissect"];

  test.each([
    ["512", []],
    ["4096", ["--sector-size", "4096"]],
  ])("takes a signed disk image with sectors of %s bytes as a system extension", async (_size, more) => {
    const image = await buildHello(shop, [...shop.keys, "--all-root", ...more]);
    const validated = await systemdDissect(image, ["--validate"]);
    sameAs(systemd, "validate", [validated.exitCode, validated.stderr.trim()], [0, ""]);
    const told = await systemdDissect(image, ["--json=short"]);
    const { useSystemExtension, useConfigurationExtension, mounts } = JSON.parse(told.text) as Dissected;
    sameAs(systemd, "use", [useSystemExtension, useConfigurationExtension ?? false], [true, false]);
    sameAs(
      systemd,
      "mounts",
      mounts.map(({ designator, fstype, verity }) => [designator, fstype, verity]),
      [
        ["root", "erofs", "signed"],
        ["root-verity", "DM_verity_hash", null],
        ["root-verity-sig", "verity_hash_signature", null],
      ],
    );
  });

  test("takes a confext as a configuration extension", async () => {
    const source = lay(shop.at("settings"), { "etc/hello.conf": "x" });
    const image = shop.at("conf.raw");
    const args = ["build", "--name", "conf", "--class", "confext", "--from", source, "--id", "_any", ...shop.keys];
    await must([...args, "-o", image]);
    const told = JSON.parse((await systemdDissect(image, ["--json=short"])).text) as Dissected;
    sameAs(systemd, "use of a confext", [told.useSystemExtension, told.useConfigurationExtension], [false, true]);
  });

  test("does not take one whose file name leads to no release file, and neither do we", async () => {
    const image = await buildHello(shop);
    writeFileSync(shop.at("renamed.raw"), readFileSync(image));
    const told = JSON.parse((await systemdDissect(shop.at("renamed.raw"), ["--json=short"])).text) as Dissected;
    sameAs(systemd, "renamed", told.useSystemExtension, false);
    const { exitCode, text } = await sextant(["match", shop.at("renamed.raw"), "--host", recordedHost()]);
    expect([exitCode, text]).toEqual([1, expect.stringContaining("no release file with its name")]);
  });

  test("reads the same UUIDs and sizes as our inspect", async () => {
    const image = await buildHello(shop);
    const { mounts } = JSON.parse((await systemdDissect(image, ["--json=short"])).text) as {
      mounts: readonly { readonly partition_uuid: string; readonly partition_label: string }[];
    };
    const ours = await json<{ disk: { partitions: { uuid: string; label: string }[] } }>(["inspect", image]);
    sameAs(
      systemd,
      "partitions",
      mounts.map(({ partition_uuid, partition_label }) => [partition_uuid, partition_label]),
      ours.disk.partitions.map(({ uuid, label }) => [uuid, label]),
    );
  });
});

/** A host tree with one image among its extensions. */
async function hostWith(name: string, build: readonly string[], osRelease = debian13): Promise<string> {
  const root = lay(shop.at(`host-${name}`), {
    "etc/os-release": osRelease,
    "usr/share/host": "",
    "opt/host": "",
    run: { directory: true },
  });
  const store = join(root, "var/lib/extensions");
  mkdirSync(store, { recursive: true });
  await must([...build, "-o", join(store, `${name}.raw`)]);
  return root;
}

const recordedHost = () => {
  const path = shop.at("debian-13.os-release");
  writeFileSync(path, debian13);
  return path;
};

interface Verdict {
  readonly outcome: string;
  readonly reason: string;
}

describeWithPeers("systemd-sysext", ["systemd-sysext"], (peers) => {
  const systemd = peers["systemd-sysext"];
  const feature = (name: string) => ["build", "--name", name, "--from", shop.feature, "--all-root", "--arch", "x86-64"];

  test.each([
    ["bare", ["--bare"]],
    ["plain", ["--verity", "none"]],
    ["large-sectors", ["--verity", "none", "--sector-size", "4096"]],
  ])("merges a %s image", async (name, more) => {
    const root = await hostWith(name, [...feature(name), "--id", "debian", "--version-id", "13", ...more]);
    const result = await systemdSysext(root, {
      afterwards: 'cat "$root/usr/bin/hello"; readlink "$root/usr/share/hello/link"; ls "$root/usr/share"',
    });
    sameAs(systemd, name, [result.exitCode, result.merged], [0, [`${name}.raw`]]);
    sameAs(systemd, `${name}, merged`, result.afterwards, `${featureFiles["usr/bin/hello"]}data\nhello\nhost\n`);
    const image = join(root, "var/lib/extensions", `${name}.raw`);
    expect((await sextant(["match", image, "--host", root, "--arch", "x86-64"])).exitCode).toBe(0);
  });

  const refusals: readonly (readonly [name: string, build: readonly string[], reason: string, said: RegExp])[] = [
    [
      "version",
      ["--id", "debian", "--version-id", "12"],
      "reject:version-id",
      /is for OS '12', but deployed on top of '13'/,
    ],
    [
      "system",
      ["--id", "fedora", "--version-id", "13"],
      "reject:id",
      /is for OS 'fedora', but deployed on top of 'debian'/,
    ],
    [
      "scope",
      ["--id", "debian", "--version-id", "13", "--scope", "initrd"],
      "reject:scope",
      /is not suitable for scope system/,
    ],
    [
      "machine",
      ["--id", "debian", "--version-id", "13", "--arch", "riscv64"],
      "reject:architecture",
      /is for architecture 'riscv64', but deployed on top of 'x86-64'/,
    ],
  ];

  test.each(refusals)(
    "refuses an image for another %s, for the same reason as match",
    async (name, build, reason, said) => {
      const root = await hostWith(name, [...feature(name), ...build, "--bare"]);
      const { exitCode, merged, stderr } = await systemdSysext(root);
      sameAs(systemd, name, [exitCode, merged, said.test(stderr)], [0, [], true]);
      const image = join(root, "var/lib/extensions", `${name}.raw`);
      const args = ["match", image, "--host", root, "--arch", "x86-64", "--json"];
      const verdict = JSON.parse((await sextant(args)).text) as { images: readonly { hosts: readonly Verdict[] }[] };
      expect(verdict.images[0]?.hosts[0]).toMatchObject({ outcome: "reject", reason });
    },
  );

  test("fails as a whole for an image under another name, as match says", async () => {
    const root = await hostWith("named", [...feature("named"), "--id", "_any", "--bare"]);
    const store = join(root, "var/lib/extensions");
    writeFileSync(join(store, "other.raw"), readFileSync(join(store, "named.raw")));
    const { exitCode, stderr } = await systemdSysext(root);
    sameAs(systemd, "renamed", [exitCode, /Failed to read metadata for image other/.test(stderr)], [1, true]);
    const args = ["match", join(store, "other.raw"), "--host", root, "--arch", "x86-64", "--json"];
    const verdict = JSON.parse((await sextant(args)).text) as { images: readonly { hosts: readonly Verdict[] }[] };
    expect(verdict.images[0]?.hosts[0]).toMatchObject({ outcome: "fatal", reason: "fatal:metadata-no-release-file" });
  });
});

/** The partitions of the small feature's image as files, and the root hash. */
async function cutOut(): Promise<{ data: string; hash: string; rootHash: string; signature: string }> {
  const image = await buildHello(shop);
  const { partitions } = await open(fromBytes(new Uint8Array(readFileSync(image))));
  const [data, verity, signed] = partitions;
  if (!data || !verity || !signed) throw new Error("three partitions are missing");
  const paths = { data: shop.at("data"), hash: shop.at("hash"), signature: shop.at("signature") };
  writeFileSync(paths.data, await data.source.read(0, data.size));
  writeFileSync(paths.hash, await verity.source.read(0, verity.size));
  const { signature, rootHash } = await readSignature(signed);
  writeFileSync(paths.signature, signature);
  return { ...paths, rootHash: Buffer.from(rootHash).toString("hex") };
}

describeWithPeers("veritysetup", ["veritysetup"], ({ veritysetup }) => {
  test("verifies what the command built, and finds what was changed", async () => {
    const { data, hash, rootHash } = await cutOut();
    expect(await veritysetup.run(["verify", data, hash, rootHash])).toMatchObject({ exitCode: 0 });
    const bytes = readFileSync(data);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(data, bytes);
    expect((await veritysetup.run(["verify", data, hash, rootHash])).exitCode).not.toBe(0);
  });
});

describeWithPeers("openssl", ["openssl"], ({ openssl }) => {
  test("verifies the signature of what the command built", async () => {
    const { signature, rootHash } = await cutOut();
    writeFileSync(shop.at("content"), rootHash);
    const common = ["-verify", "-binary", "-inform", "DER", "-in", signature, "-content", shop.at("content")];
    const files = ["-certfile", shop.certificate, "-nointern", "-noverify", "-out", "/dev/null"];
    for (const verb of ["cms", "smime"]) {
      expect([verb, (await openssl.run([verb, ...common, ...files])).exitCode]).toEqual([verb, 0]);
    }
    writeFileSync(
      shop.at("content"),
      rootHash.replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
    );
    expect((await openssl.run(["cms", ...common, ...files])).exitCode).not.toBe(0);
  });

  test("makes keys that the command signs with, and checks", async () => {
    for (const [name, algorithm] of [
      ["rsa", ["-newkey", "rsa:2048"]],
      ["ecdsa", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
    ] as const) {
      const [key, certificate] = [shop.at(`${name}.key`), shop.at(`${name}.crt`)];
      const request = ["req", "-x509", ...algorithm, "-nodes", "-subj", `/CN=${name}`, "-days", "2"];
      expect((await openssl.run([...request, "-keyout", key, "-out", certificate])).exitCode).toBe(0);
      const image = await buildHello(shop, ["--key", key, "--certificate", certificate]);
      const { text } = await must(["check", image, "--certificate", certificate]);
      expect(text).toContain(`signature valid by CN=${name}`);
    }
  });
});

describeWithPeers("fsck.erofs", ["fsck.erofs"], (peers) => {
  test("finds nothing wrong with what the command packs", async () => {
    await must(["pack", shop.feature, "-o", "packed.raw"], { cwd: shop.path });
    expect(await peers["fsck.erofs"].run([shop.at("packed.raw")])).toMatchObject({ exitCode: 0 });
    const bare = await buildHello(shop, ["--bare"], "bare");
    expect(await peers["fsck.erofs"].run([bare])).toMatchObject({ exitCode: 0 });
  });
});

describeWithPeers("mkfs.erofs", ["mkfs.erofs"], (peers) => {
  test("makes images that the command reads", async () => {
    const image = shop.at("theirs.raw");
    const source = lay(shop.at("theirs"), {
      ...featureFiles,
      "usr/lib/extension-release.d/extension-release.theirs": debian13,
      "usr/share/zeros": new Uint8Array(200_000),
    });
    expect((await peers["mkfs.erofs"].run(["-T0", "--all-root", image, source])).exitCode).toBe(0);
    expect((await must(["cat", image, "usr/bin/hello"])).text).toBe(featureFiles["usr/bin/hello"]);
    expect((await must(["ls", image, "usr/share"])).text).toBe("hello\nzeros\n");
    await must(["match", image, "--host", recordedHost()]);
    await must(["check", image, "--allow-unsigned"]);
    await must(["extract", image, "-o", shop.at("theirs-out")]);
    expect(readFileSync(shop.at("theirs-out/usr/share/hello/data"), "utf8")).toBe(featureFiles["usr/share/hello/data"]);
    const { text } = await must(["inspect", image]);
    expect(text).toContain("extension-release.theirs");
  });
});

describe("what systemd-repart made", () => {
  test.each([
    ["probe-sysext", "usr/share/probe", 3],
    ["probe-confext", "etc", 3],
    ["p4k", "usr", 3],
    ["deferred", "usr", 2],
  ])("%s is read", async (name, path, partitions) => {
    recordedImage(name, shop.path);
    mkdirSync(shop.at(name), { recursive: true });
    const image = shop.at(`${name}/probe.raw`);
    writeFileSync(image, readFileSync(shop.at(`${name}.raw`)));
    const told = await json<{ disk: { partitions: object[] }; class: string }>(["inspect", image]);
    expect([told.disk.partitions.length, told.class]).toEqual([
      partitions,
      name === "probe-confext" ? "confext" : "sysext",
    ]);
    const { text } = await must(["ls", "-R", image]);
    const listed = text.trimEnd().split("\n");
    expect(listed).toContain(path.split("/")[0]);
    await must(["extract", image, "-o", shop.at(`${name}/out`)]);
    const release = listed.find((one) => one.endsWith("extension-release.probe")) ?? "";
    const printed = await must(["cat", image, release]);
    expect(printed.text).toBe(readFileSync(join(shop.at(`${name}/out`), release), "utf8"));
  });

  test("their signature is one of the recorded certificate", async () => {
    const image = recordedImage("probe-sysext", shop.path);
    const { text } = await must(["check", image, "--certificate", recordedFile("cert.pem")]);
    expect(text).toContain("signature valid by CN=probe");
  });
});
