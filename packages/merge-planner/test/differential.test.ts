import { join } from "node:path";
import { describeWithPeers } from "@sextant/peers";
import { treeToDirectory, withTemporaryDirectory } from "@sextant/testkit";
import { directory, type Name, nameFromText, nameToText } from "@sextant/tree";
import { expect, it } from "vitest";
import type { MergePlan } from "../src/index.js";
import { edges } from "./edges.js";
import { planHost } from "./planning.js";
import { type RandomHost, randomHost, sharedImages } from "./random-hosts.js";
import { type BatchResult, runBatch } from "./sysext-batch.js";

const cases = 320;
const seed = Number(process.env["SEXTANT_SEED"] ?? 20_261_124);

function argumentsOf({ force, mutable, noexec }: RandomHost): string[] {
  const args = force ? ["--force"] : [];
  if (mutable !== undefined) args.push(`--mutable=${mutable}`);
  if (noexec !== undefined) args.push(`--noexec=${noexec}`);
  return args;
}

function environmentOf({ kind, hierarchies, overlayOptions }: RandomHost): Record<string, string> {
  const word = kind.toUpperCase();
  return {
    ...(hierarchies !== undefined && { [`SYSTEMD_${word}_HIERARCHIES`]: hierarchies }),
    ...(overlayOptions !== undefined && { [`SYSTEMD_${word}_OVERLAYFS_MOUNT_OPTIONS`]: overlayOptions }),
  };
}

/** A mount in words that both sides have. */
interface Compared {
  readonly path: string;
  readonly lower: readonly string[];
  readonly upper: string | undefined;
  readonly work: string | undefined;
  readonly flags: string;
  readonly mode: string;
}

const byPath = (a: Compared, b: Compared) => (a.path < b.path ? -1 : 1);

function planned({ hierarchies }: MergePlan, root: string): readonly Compared[] {
  // systemd's own workspace is not below the host's root.
  const place = (path: Name) =>
    path.startsWith("/run/systemd/sysext/") ? nameToText(path) : `${root}${nameToText(path)}`;
  return hierarchies
    .map(({ target, layers, upper, work, flags, mode }) => ({
      path: nameToText(target),
      lower: layers.map(({ path }) => place(path)),
      upper: upper && place(upper),
      work: work && place(work),
      flags,
      mode: mode.toString(8),
    }))
    .sort(byPath);
}

function mounted({ mounts }: BatchResult): readonly Compared[] {
  const option = (options: string, key: string) => new RegExp(`(?:^|,)${key}=([^,]*)`).exec(options)?.[1];
  return mounts
    .filter(({ path }) => !/\/\.systemd-(?:sys|conf)ext$/.test(path))
    .map(({ path, flags, options, mode }) => ({
      path,
      lower: option(options, "lowerdir")?.split(":") ?? [],
      upper: option(options, "upperdir"),
      work: option(options, "workdir"),
      flags: flags
        .split(",")
        .filter((flag) => flag !== "relatime")
        .join(","),
      mode,
    }))
    .sort(byPath);
}

/** What differs between a plan and what systemd did, as lines; none where they agree. */
function differences(host: RandomHost, made: MergePlan, done: BatchResult, root: string): readonly string[] {
  const what = "what" in host ? host.what : `seed ${host.seed}`;
  const about = `${what} (${argumentsOf(host).join(" ")} ${JSON.stringify(environmentOf(host))})`;
  if ((made.fatal === undefined) !== (done.exitCode === 0)) {
    const said = made.fatal === undefined ? "works" : `${made.fatal.code}, ${made.fatal.message}`;
    return [
      `${about}: exit code ${done.exitCode}, the plan says ${said}\n${done.log.split("\n").slice(-8).join("\n")}`,
    ];
  }
  if (made.fatal !== undefined) return [];
  const [expected, found] = [JSON.stringify(mounted(done), null, 1), JSON.stringify(planned(made, root), null, 1)];
  if (expected !== found) return [`${about}: mounted ${expected}\nthe plan says ${found}`];
  const mounts = made.hierarchies.some(({ path }) => ["/usr", "/opt", "/etc"].includes(path));
  const order = JSON.stringify(made.order);
  if (mounts && order !== JSON.stringify(done.order)) return [`${about}: order ${done.order}, the plan says ${order}`];
  return [];
}

describeWithPeers("plans and systemd-sysext agree", ["systemd-sysext", "mkfs.erofs"], () => {
  it(`on ${cases} random hosts and the corners`, { timeout: 300_000 }, async () => {
    const images = await sharedImages();
    const random = Array.from({ length: cases }, (_, at) => randomHost(seed + at, images));
    const hosts: readonly RandomHost[] = [...(await edges()), ...random];
    await withTemporaryDirectory(async (folder) => {
      const all = directory();
      for (const [at, { tree }] of hosts.entries()) all.entries.set(nameFromText(`${at}`), tree);
      const roots = join(folder, "roots");
      await treeToDirectory(all, roots);
      const batch = hosts.map((host, at) => ({
        root: join(roots, `${at}`),
        kind: host.kind,
        args: argumentsOf(host),
        env: environmentOf(host),
      }));
      const results = await runBatch(folder, batch);
      const found: string[] = [];
      let worked = 0;
      for (const [at, host] of hosts.entries()) {
        const done = results[at] as BatchResult;
        if (done.exitCode === 0 && done.mounts.length > 0) worked += 1;
        found.push(...differences(host, await planHost(host), done, join(roots, `${at}`)));
      }
      expect(found).toEqual([]);
      // The trees are worth nothing if hardly any of them can be merged.
      expect(worked).toBeGreaterThan(cases / 3);
    });
  });
});
