// The recorded verdicts of systemd-sysext, through the real path: files are packed into images, opened and judged.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "@sextant/bytes";
import { type ExtensionKind, judgeImage, kindTraits, ReleaseError } from "@sextant/extension-release";
import { repositoryPath } from "@sextant/testkit";
import { type LazyNode, lazyTree } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { hostFromRoot, imageNameOf, openImage, readExtension } from "../src/index.js";
import { type Content, packDisk, packErofs, treeOf } from "./support.js";

interface FileContent {
  readonly text: string | null;
  readonly base64: string | null;
}

interface MatchCase {
  readonly id: string;
  readonly host_os_release: string | null;
  readonly host_os_release_base64: string | null;
  readonly host_os_release_path: string | null;
  readonly host_kind: "host" | "initrd";
  readonly extension_class: ExtensionKind;
  readonly image_file_name: string;
  readonly image_type: "directory" | "raw-squashfs" | "raw-erofs";
  readonly release_files: Readonly<Record<string, FileContent & { readonly strict_xattr: string | null }>>;
  readonly extra_host_files: Readonly<Record<string, string>> | null;
  readonly extra: {
    readonly "@host"?: Readonly<Record<string, readonly ["symlink", string]>>;
    readonly "@reldir"?: readonly ["symlink", string, string];
    readonly "@other"?: true;
    readonly "etc/os-release"?: string;
    readonly "usr/lib/os-release"?: string;
  } | null;
  readonly args: readonly string[];
  readonly arch: string;
  readonly accepted: boolean;
  readonly reason: string;
  readonly exit_code: number;
}

const path = join(repositoryPath, "test-images", "oracle", "match-cases.json");
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly MatchCase[] };

const bytesOf = ({ text, base64 }: FileContent): Uint8Array =>
  base64 === null ? new TextEncoder().encode(text ?? "") : new Uint8Array(Buffer.from(base64, "base64"));

/** The files of the image, as the oracle's README tells them. */
function imageFiles(row: MatchCase): Record<string, Content> {
  const kind = row.extension_class;
  const folder = `${kindTraits[kind].releaseDirectory}/extension-release.`;
  const files: Record<string, Content> = { [kind === "sysext" ? "usr/share/x" : "etc/x"]: "content" };
  for (const [suffix, file] of Object.entries(row.release_files)) {
    files[folder + suffix] = { text: bytesOf(file), strict: file.strict_xattr };
  }
  const { "@reldir": link, "@other": other, "@host": _host, ...more } = row.extra ?? {};
  if (link) files[folder + link[1]] = { link: `extension-release.${link[2]}` };
  if (other) {
    const traits = kindTraits[kind === "sysext" ? "confext" : "sysext"];
    files[`${traits.releaseDirectory}/extension-release.foo`] = "ID=debian\nVERSION_ID=13\n";
  }
  for (const [where, text] of Object.entries(more)) if (typeof text === "string") files[where] = text;
  return files;
}

function hostFiles(row: MatchCase): Record<string, Content> {
  const files: Record<string, Content> = { "usr/share/h": "" };
  if (row.host_kind === "initrd") files["etc/initrd-release"] = "";
  const { host_os_release: text, host_os_release_base64: base64, host_os_release_path: where } = row;
  if (where !== null && (text !== null || base64 !== null)) files[where.slice(1)] = bytesOf({ text, base64 });
  for (const [at, content] of Object.entries(row.extra_host_files ?? {})) files[at.slice(1)] = content;
  for (const [at, [, target]] of Object.entries(row.extra?.["@host"] ?? {})) files[at.slice(1)] = { link: target };
  return files;
}

/** The host as systemd reads it; one whose file cannot be parsed is one without a file, and fails the same way. */
async function hostOf(row: MatchCase) {
  const root = (files: Record<string, Content>) => lazyTree(treeOf(files));
  try {
    return await hostFromRoot(root(hostFiles(row)));
  } catch (error) {
    if (error instanceof ReleaseError) return hostFromRoot(root({ "etc/hostname": "" }));
    throw error;
  }
}

async function verdictOf(row: MatchCase, root: LazyNode, inode: "regular" | "directory") {
  const { name, ignored } = imageNameOf(row.image_file_name, inode, row.extension_class);
  if (ignored !== undefined) return { reason: "reject:not-discovered", accepted: false, outcome: "reject" };
  const type = inode === "regular" ? "raw" : "directory";
  const extension = await readExtension(root, { name, type, kind: row.extension_class });
  const host = await hostOf(row);
  return judgeImage({
    host: host.osRelease,
    image: extension.facts,
    scope: host.scope ?? "system",
    architecture: row.arch,
    force: row.args.includes("--force"),
  });
}

function expectRecorded(row: MatchCase, { reason, accepted, outcome }: Awaited<ReturnType<typeof verdictOf>>): void {
  expect({ reason, accepted, exitCode: outcome === "fatal" ? 1 : 0 }).toEqual({
    reason: row.reason,
    accepted: row.accepted,
    exitCode: row.exit_code,
  });
}

const directories = cases.filter((row) => row.image_type === "directory");
// What a raw image holds decides, not its format: rows of squashfs images are asked of the same files in EROFS.
const raw = cases.filter((row) => row.image_type !== "directory");

describe("the verdicts that systemd 262.1 gave", () => {
  test.each(directories.map((row) => [row.id, row] as const))("%s, directory", async (_id, row) => {
    expectRecorded(row, await verdictOf(row, lazyTree(treeOf(imageFiles(row))), "directory"));
  });

  test.each(raw.map((row) => [row.id, row] as const))("%s, bare EROFS", async (_id, row) => {
    const image = await openImage(fromBytes(await packErofs(treeOf(imageFiles(row)))));
    expectRecorded(row, await verdictOf(row, await image.root(), "regular"));
  });

  test.each(raw.map((row) => [row.id, row] as const))("%s, disk image", async (_id, row) => {
    const image = await openImage(fromBytes(await packDisk(treeOf(imageFiles(row)), { verity: "none" })));
    expectRecorded(row, await verdictOf(row, await image.root(), "regular"));
  });

  test("are all there", () => {
    expect([directories.length, raw.length]).toEqual([344, 57]);
  });
});
