import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Architecture,
  architectureFromNode,
  compareVersions,
  type PickFilter,
  pickEntry,
  type VersionedEntry,
} from "@sextant/extension-release";
import { describeWithPeers, oracleSystemdVersion, type Peer } from "@sextant/peers";
import fc from "fast-check";
import { expect, it } from "vitest";

/** Says that a systemd differs, which is an error only for the one that the oracles were recorded from. */
function compareWith(peer: Peer, what: string, ours: unknown, theirs: unknown): void {
  const version = Number.parseInt(peer.version, 10);
  if (version === oracleSystemdVersion) expect([what, ours]).toEqual([what, theirs]);
  else if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
    process.stderr.write(
      `drift: systemd ${version} says ${JSON.stringify(theirs)}, not ${JSON.stringify(ours)}: ${what}\n`,
    );
  }
}

describeWithPeers("systemd-analyze orders versions as compareVersions does", ["systemd-analyze"], (peers) => {
  it("for random ones", async () => {
    const peer = peers["systemd-analyze"];
    const part = fc.constantFrom("~", "-", "^", ".", "0", "1", "9", "10", "00", "a", "b", "Z", "_", "+", " ", "é");
    const version = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
    const pairs = fc.sample(fc.tuple(version, version, fc.boolean()), { seed: 262, numRuns: 150 });
    for (const [a, tail, longer] of pairs) {
      const b = longer ? a + tail : tail;
      const { exitCode } = await peer.run(["compare-versions", "--", a, b]);
      compareWith(peer, `${a} against ${b}`, compareVersions(a, b), { 0: 0, 11: 1, 12: -1 }[exitCode]);
    }
  });
});

interface Directory {
  readonly entries: readonly VersionedEntry<string>[];
  readonly filter: PickFilter & { readonly basename: string; readonly suffix: string };
}

const directories: fc.Arbitrary<Directory> = fc
  .record({
    suffix: fc.constantFrom(".raw", ".raw", ""),
    version: fc.constantFrom(undefined, undefined, "1", "2"),
    architecture: fc.constantFrom<Architecture | undefined>(undefined, undefined, "x86-64", "x86", "arm64"),
    types: fc.constantFrom<PickFilter["types"]>(undefined, undefined, ["regular"], ["directory"]),
    parts: fc.array(
      fc.tuple(
        fc.constantFrom("foo_", "foo_", "foo_", "foo", "bar_"),
        fc.constantFrom("1", "1.0", "1.00", "2", "01", "10", "1~rc", "a", "", ".", "1,2"),
        fc.constantFrom("", "", "_x86-64", "_x86", "_arm64", "_bogus", "_", "_é"),
        fc.constantFrom("", "", "", "+1", "+0", "+3-1", "+010", "+08", "+1-", "+4294967296", "+2-3", "+x"),
        fc.constantFrom("regular", "regular", "regular", "regular", "directory", "unresolvable"),
      ),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ suffix, parts, ...filter }) => {
    const types = new Map(
      parts.map(([base, version, arch, tries, type]) => [base + version + arch + tries + suffix, type]),
    );
    const entries = [...types].map(([name, type]) => ({ name, type: type as VersionedEntry["type"] }));
    return { entries, filter: { basename: "foo", suffix, ...filter } };
  });

describeWithPeers("systemd-vpick picks as pickEntry does", ["systemd-vpick"], (peers) => {
  // Peers run on the architecture of this machine.
  const native = architectureFromNode(process.arch) ?? "x86-64";

  it("from random directories", async () => {
    const peer = peers["systemd-vpick"];
    const folder = mkdtempSync(join(tmpdir(), "sextant-vpick-"));
    try {
      for (const { entries, filter } of fc.sample(directories, { seed: 262, numRuns: 150 })) {
        const directory = join(folder, `foo${filter.suffix}.v`);
        rmSync(directory, { recursive: true, force: true });
        mkdirSync(directory);
        for (const { name, type } of entries) {
          if (type === "directory") mkdirSync(join(directory, name));
          else if (type === "unresolvable") symlinkSync("nowhere", join(directory, name));
          else writeFileSync(join(directory, name), "");
        }
        const args = filter.suffix === "" ? [] : [`--suffix=${filter.suffix}`];
        if (filter.version !== undefined) args.push("-V", filter.version);
        if (filter.architecture !== undefined) args.push("-A", filter.architecture);
        if (filter.types !== undefined) args.push(`--type=${filter.types[0] === "directory" ? "dir" : "reg"}`);
        const { exitCode, text } = await peer.run([...args, "--print=filename", directory]);
        const ours = pickEntry(entries, filter, native);
        const picked = ours.status === "picked" ? ours.pick.name : undefined;
        const what = `${args.join(" ")} of ${JSON.stringify(entries)}`;
        compareWith(peer, what, picked, exitCode === 0 ? text.trimEnd() : undefined);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
