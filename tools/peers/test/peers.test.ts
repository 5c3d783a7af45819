import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CatalogRow, catalog } from "../src/catalog.js";
import {
  describeWithKernels,
  describeWithMounts,
  describeWithPeers,
  inSystemdRoot,
  type PeerName,
  peer,
  run,
  systemdDissect,
  systemdDrift,
  systemdSysext,
  withLoopMount,
} from "../src/index.js";
import { mirrorFromTargets } from "../src/mirror.js";

const folder = mkdtempSync(join(tmpdir(), "sextant-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe("run", () => {
  test("passes input and fixed environment, and takes any exit code as a result", async () => {
    const command = ["sh", "-c", 'cat; echo "$EXTRA $LC_ALL"; echo oops >&2; exit 3'];
    const result = await run(command, { input: new TextEncoder().encode("in "), env: { EXTRA: "more" } });
    expect(result).toMatchObject({ exitCode: 3, text: "in more C\n", stderr: "oops\n" });
  });

  test("kills what takes too long, children included", async () => {
    const pids = join(folder, "pids");
    const command = ["sh", "-c", `sleep 60 & echo $! > ${pids}; wait`];
    await expect(run(command, { timeoutMs: 200 })).rejects.toThrow("no end after 200 ms");
    expect((await run(["sh", "-c", `kill -0 $(cat ${pids}) 2>&1 && cat /proc/$(cat ${pids})/stat`])).text).not.toMatch(
      /\) S /,
    );
  });

  test("rejects where there is no such program", async () => {
    await expect(run([join(folder, "none")])).rejects.toThrow("ENOENT");
  });
});

describe("mirrorFromTargets", () => {
  const rows: [what: string, targets: string, mirror: string | undefined][] = [
    ["the archive itself", "http://m.example/debian/|Debian|bookworm|main", "http://m.example/debian/"],
    [
      "neither security updates nor other vendors",
      "http://v.example/|Vendor|nodistro|main\nhttp://s.example/|Debian|bookworm-security|main\nfile:/srv/debian/|Debian|trixie|main",
      "file:/srv/debian/",
    ],
    ["nothing debootstrap cannot fetch from", "cdrom://[Debian]/|Debian|bookworm|main", undefined],
    ["nothing where apt has no lists yet", "", undefined],
  ];
  test.each(rows)("finds %s", (_, targets, mirror) => expect(mirrorFromTargets(targets)).toBe(mirror));
});

describe("systemdDrift", () => {
  const rows: [version: string, drifts: boolean][] = [
    ["262", false],
    ["262.7", false],
    ["263", true],
    ["257.9", true],
  ];
  test.each(rows)("%s: %s", (version, drifts) => {
    expect(systemdDrift(version)?.startsWith(`drift: systemd is ${version}`) ?? false).toBe(drifts);
  });
});

describeWithKernels("kernels", ["6.1", "6.12", "newest"], (kernels) => {
  test.each(Object.values(kernels))(
    "$name: an image and its modules",
    ({ name, version, vmlinuz, modulesDirectory }) => {
      if (name !== "newest") expect(version.startsWith(`${name}.`)).toBe(true);
      expect(existsSync(vmlinuz)).toBe(true);
      expect(readdirSync(modulesDirectory)).toContain("modules.builtin");
    },
  );
});

for (const name of Object.keys(catalog) as PeerName[]) {
  describeWithPeers(name, [name], (peers) => {
    test("runs and says its version", async () => {
      const row: CatalogRow = catalog[name];
      const { text, stderr } = await peers[name].run(row.versionArgs ?? ["--version"]);
      expect(text + stderr).toContain(peers[name].version);
    });
  });
}

describeWithPeers("peers out of a root", ["mkfs.erofs", "fsck.erofs"], (peers) => {
  beforeAll(() => write(join(folder, "tree", "file"), "text"));

  test("take this machine's paths, and the older suite is there too", async () => {
    const image = join(folder, "tree.erofs");
    const older = peer("mkfs.erofs", { suite: "trixie" });
    expect(older?.version).toMatch(/^1\.8/);
    for (const make of [peers["mkfs.erofs"], older]) {
      expect(await make?.run([image, join(folder, "tree")])).toMatchObject({ exitCode: 0 });
      expect(await peers["fsck.erofs"].run([image])).toMatchObject({ exitCode: 0 });
    }
  });

  describeWithMounts("and the kernel", ["erofs"], () => {
    test("mounts what they make, and lets go of it also when the test fails", async () => {
      const image = join(folder, "tree.erofs");
      const point = await withLoopMount(image, "erofs", async (mounted) => {
        expect((await run(["cat", "file"], { cwd: mounted })).text).toBe("text");
        return mounted;
      });
      const failed = withLoopMount(image, "erofs", () => Promise.reject(new Error("on purpose")));
      await expect(failed).rejects.toThrow("on purpose");
      expect((await run(["cat", "/proc/self/mounts"])).text).not.toMatch(new RegExp(`${point}|${image}`));
    });

    test("says in the kernel's words why an image does not mount", async () => {
      const junk = join(folder, "junk");
      write(junk, "x".repeat(1 << 16));
      await expect(withLoopMount(junk, "erofs", () => {})).rejects.toThrow(/mount of .* failed: .*/);
    });
  });
});

describeWithPeers("systemd in a private namespace", ["systemd-sysext", "systemd-dissect", "mksquashfs"], (peers) => {
  const host = join(folder, "host");
  const extension = (name: string, version: string) => {
    const at = join(host, "var/lib/extensions", name, "usr");
    write(join(at, "lib/extension-release.d", `extension-release.${name}`), `ID=sextant\nVERSION_ID=${version}\n`);
    write(join(at, "share", name), `from ${name}`);
  };
  beforeAll(() => {
    write(join(host, "etc/os-release"), "ID=sextant\nVERSION_ID=1\n");
    mkdirSync(join(host, "usr/share"), { recursive: true });
    extension("fits", "1");
    extension("misfit", "2");
  });

  test("merges what fits, refuses what doesn't, and is gone afterwards", async () => {
    const result = await systemdSysext(host, { afterwards: 'cd "$root/usr/share" && ls && cat fits' });
    expect(result).toMatchObject({ exitCode: 0, merged: ["fits"], afterwards: "fits\nfrom fits" });
    expect(result.stderr).toContain("Extension 'misfit' is for OS '2', but deployed on top of '1'.");
    expect((await run(["ls", join(host, "usr/share")])).text).toBe("");
  });

  test("gives the exit code and what the command prints", async () => {
    const listed = await systemdSysext(host, { verb: "list", args: ["--json=short"] });
    expect(listed.exitCode).toBe(0);
    expect(JSON.parse(listed.text)).toMatchObject([{ name: "fits" }, { name: "misfit" }]);
    const missing = await systemdSysext(join(folder, "nowhere"));
    expect(missing.exitCode).toBe(1);
  });

  test("dissects images of this machine", async () => {
    const image = join(folder, "fits.raw");
    await peers.mksquashfs.run([join(host, "var/lib/extensions/fits"), image, "-quiet"]);
    const { exitCode, text } = await systemdDissect(image, ["--json=short"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ useSystemExtension: true });
    expect(await peers["systemd-dissect"].run(["--validate", image])).toMatchObject({ exitCode: 0 });
  });

  test("leaves the cached root as it is", async () => {
    const write = await inSystemdRoot({ script: "touch /usr/here /run/here; ls /usr/here /run/here" });
    expect(write).toMatchObject({ exitCode: 0, text: "/run/here\n/usr/here\n" });
    expect(await inSystemdRoot({ argv: ["ls", "/usr/here", "/run/here"] })).toMatchObject({ exitCode: 2 });
  });

  test("sees what is bound in, at the place asked for", async () => {
    const binds = [{ host, inside: "/some/where" }];
    const result = await inSystemdRoot({ script: 'cat "$1"', argv: ["/some/where/etc/os-release"], binds });
    expect(result.text).toBe("ID=sextant\nVERSION_ID=1\n");
  });
});
