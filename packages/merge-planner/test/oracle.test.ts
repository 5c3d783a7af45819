import { discoveryCases, discoveryHost, matchCases, matchHost, orderCases, orderHost } from "@sextant/testkit";
import { describe, expect, it } from "vitest";
import { equalNames, type MergePlan, parseHierarchies } from "../src/index.js";
import { imageOf } from "./images.js";
import { planTree } from "./planning.js";

const nameOf = (each: string | { readonly name: string }) => (typeof each === "string" ? each : each.name);

describe("discovery", () => {
  const rows = discoveryCases.map((row, at) => [at, row.note ?? JSON.stringify(row.items), row] as const);

  it.each(rows)("%i: %s", async (_at, _what, row) => {
    const made = await planTree(await discoveryHost(row, imageOf), { kind: row.extension_class });
    const found = made.fatal?.stage === "discovery" ? [] : made.images;
    expect(found.map(({ name, type, path }) => ({ name, type, path: `/${path}` }))).toEqual(row.result.listed);
    expect(made.fatal === undefined ? 0 : 1).toBe(row.result.merge_exit);
    if (made.fatal !== undefined) return;
    expect([...made.order].sort()).toEqual([...row.result.merged].sort());
    const top = made.images.find(({ name }) => name === made.order.at(-1));
    if (row.deterministic) expect(top === undefined ? null : `/${top.path}`).toBe(row.result.winner_source);
  });
});

/** What a recorded mount says that a plan says too. */
const flagsOf = (recorded: string) => recorded.split(",").filter((flag) => flag !== "relatime");

const layersOf = (made: MergePlan) =>
  made.hierarchies.map(({ path, layers }) => [path, layers.map(({ is, name }) => name ?? `<${is}>`)]);

describe("order, flags and modes of merges", () => {
  const rows = orderCases.map((row, at) => [at, row.note ?? JSON.stringify([row.names, row.args]), row] as const);

  it.each(rows)("%i: %s", async (_at, _what, row) => {
    const argument = (flag: string) => row.args.find((each) => each.startsWith(`--${flag}=`))?.split("=")[1];
    const noexec = argument("noexec");
    const hierarchies = row.env?.["SYSTEMD_SYSEXT_HIERARCHIES"];
    const made = await planTree(orderHost(row), {
      kind: row.extension_class,
      mutable: argument("mutable") as "yes",
      noexec: noexec === undefined ? undefined : noexec === "yes",
      hierarchies: hierarchies === undefined ? undefined : parseHierarchies(hierarchies),
    });
    expect(made.fatal?.code).toBe(row.exit_code === 0 ? undefined : "fatal:mutable");
    if (row.exit_code !== 0) return;
    // What lies below a mount is a mount of its metadata, which can't be written to.
    const recorded = Object.entries(row.hierarchies).filter(([path]) => !path.includes("/.systemd-"));
    const expected = recorded.map(([path, mount]) => [path, mount.lower_top_to_bottom]);
    if (equalNames(row.names.map(nameOf)).length === 0) expect(layersOf(made).sort()).toEqual(expected.sort());
    for (const [path, mount] of recorded) {
      const planned = made.hierarchies.find((each) => each.path === path);
      expect(planned?.flags.split(",")).toEqual(flagsOf(mount.mount_flags));
      expect(`0o${planned?.mode.toString(8)}`).toBe(row.merged_mode[path]);
      const [, upper] = /upperdir=<root>([^,]*)/.exec(mount.super_options) ?? [];
      const [, work] = /workdir=<root>([^,]*)/.exec(mount.super_options) ?? [];
      expect([planned?.upper, planned?.work]).toEqual([upper, work]);
    }
  });

  it("puts names that compare equal into one order, and tells which they are", () => {
    const equal = orderCases.flatMap(({ names }) => equalNames(names.map(nameOf)));
    expect(equal).toEqual([
      ["ü", "ö"],
      ["1.0", "01.0"],
      ["00", "0"],
    ]);
  });
});

describe("verdicts on one image", () => {
  it.each(matchCases.map((row) => [row.id, row.reason, row] as const))("%s: %s", async (_id, reason, row) => {
    const made = await planTree(await matchHost(row, imageOf), {
      kind: row.extension_class,
      architecture: row.arch,
      force: row.args.includes("--force"),
    });
    const [image] = made.images;
    expect([image?.reason ?? "reject:not-discovered", made.fatal?.code]).toEqual([
      reason,
      reason.startsWith("fatal:") ? reason : undefined,
    ]);
    expect(made.order).toEqual(row.accepted ? [row.image_name] : []);
  });
});
