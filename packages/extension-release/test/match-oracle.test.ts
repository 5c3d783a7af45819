import {
  chooseOsRelease,
  type ExtensionKind,
  extensionKinds,
  type FileState,
  findReleaseFile,
  type ImageType,
  type ImageVerdict,
  type InodeType,
  imageFromEntry,
  initrdMarkerPath,
  judgeImage,
  kindTraits,
  matchExtension,
  parseReleaseFile,
  type ReleaseEntry,
  ReleaseError,
  type ReleaseFields,
  type ReleaseLookup,
  releaseFilePrefix,
  scopeOf,
} from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { oracle, utf8 } from "./oracle.js";

interface Content {
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
  readonly image_name: string;
  readonly image_file_name: string;
  readonly image_type: "directory" | "raw-squashfs" | "raw-erofs";
  readonly release_files: Readonly<Record<string, Content & { readonly strict_xattr: string | null }>>;
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
  readonly reason_detail: string | null;
  readonly exit_code: number;
}

const cases = oracle<MatchCase>("match-cases");

const bytesOf = ({ text, base64 }: Content) => (base64 === null ? utf8(text ?? "") : Buffer.from(base64, "base64"));

/** Fields of a file, undefined where systemd could not read it. */
function fieldsOf(content: Content): ReleaseFields | undefined {
  try {
    return parseReleaseFile(bytesOf(content));
  } catch (error) {
    if (error instanceof ReleaseError) return undefined;
    throw error;
  }
}

/** The files of the host, where the targets of symlinks in these cases are never there. */
function hostOf(row: MatchCase) {
  const files = new Map<string, Content>();
  const written = row.host_os_release !== null || row.host_os_release_base64 !== null;
  if (written && row.host_os_release_path !== null) {
    files.set(row.host_os_release_path, { text: row.host_os_release, base64: row.host_os_release_base64 });
  }
  for (const [path, text] of Object.entries(row.extra_host_files ?? {})) files.set(path, { text, base64: null });
  const dangling = Object.keys(row.extra?.["@host"] ?? {});
  const stateOf = (path: string): FileState => (files.has(path) && !dangling.includes(path) ? "present" : "missing");
  const { path } = chooseOsRelease(stateOf);
  const initrd =
    stateOf(initrdMarkerPath) === "present" || (row.host_kind === "initrd" && !dangling.includes(initrdMarkerPath));
  return {
    fields: path === undefined ? undefined : fieldsOf(files.get(path) as Content),
    scope: scopeOf(initrd ? "initrd" : "host"),
  };
}

function entriesOf(row: MatchCase): readonly ReleaseEntry[] {
  const entries: ReleaseEntry[] = Object.entries(row.release_files).map(([suffix, { strict_xattr: strict }]) => ({
    name: releaseFilePrefix + suffix,
    type: "regular",
    strict,
  }));
  const link = row.extra?.["@reldir"];
  if (link !== undefined) entries.push({ name: releaseFilePrefix + link[1], type: "symlink" });
  return entries;
}

interface Judged {
  readonly verdict: ImageVerdict | undefined;
  readonly own: ReleaseLookup | undefined;
  readonly fields: ReleaseFields | undefined;
}

/** Everything that systemd does with the one image of a case, from pure functions. */
function judge(row: MatchCase): Judged {
  const kind = row.extension_class;
  const inode: InodeType = row.image_type === "directory" ? "directory" : "regular";
  const found = imageFromEntry(row.image_file_name, inode, kind);
  if (found.is !== "image") return { verdict: undefined, own: undefined, fields: undefined };
  expect(found.name).toBe(row.image_name);

  const other: ExtensionKind = extensionKinds[0] === kind ? "confext" : "sysext";
  const otherEntries: ReleaseEntry[] =
    row.extra?.["@other"] === true ? [{ name: releaseFilePrefix + row.image_name, type: "regular" }] : [];
  const own = findReleaseFile(found.name, entriesOf(row));
  const file = own.status === "found" ? row.release_files[String(own.name).slice(releaseFilePrefix.length)] : undefined;
  const fields = file === undefined ? undefined : fieldsOf(file);
  const host = hostOf(row);
  const verdict = judgeImage({
    host: host.fields,
    image: {
      kind,
      type: found.type as ImageType,
      lookups: { [kind]: own, [other]: findReleaseFile(found.name, otherEntries) },
      release: fields,
      usrLibOsRelease: row.extra?.["usr/lib/os-release"] !== undefined,
      etcOsRelease: row.extra?.["etc/os-release"] !== undefined,
    },
    scope: host.scope,
    architecture: row.arch,
    force: row.args.includes("--force"),
  });
  return { verdict, own, fields };
}

/** What the oracle calls the detail of a reason. */
function detailOf({ own, fields }: Judged): string | null {
  if (own?.status === "ambiguous") return "ambiguous-release-files";
  if (own?.status === "none") return own.skipped[0]?.why ?? null;
  return own?.status === "found" && fields === undefined ? "unreadable" : null;
}

describe("the verdicts that systemd 262.1 gave", () => {
  it.each(cases.map((row) => [row.id, row] as const))("%s", (_id, row) => {
    const judged = judge(row);
    const { verdict } = judged;
    const reason = verdict?.reason ?? "reject:not-discovered";
    expect(reason).toBe(row.reason);
    expect(verdict?.accepted ?? false).toBe(row.accepted);
    expect(verdict?.outcome === "fatal" ? 1 : 0).toBe(row.exit_code);
    if (row.reason_detail !== null && !row.reason_detail.startsWith("invalid-") && row.args.length === 0) {
      expect(detailOf(judged)).toBe(row.reason_detail);
    }
  });

  it("are all there", () => {
    expect(cases.length).toBe(401);
    expect(new Set(cases.map((row) => row.reason.split(":")[0]))).toEqual(new Set(["accept", "reject", "fatal"]));
  });

  it("come from the match alone where only fields decide", () => {
    const plain = cases.filter(
      (row) => row.image_type === "directory" && Object.keys(row.extra ?? {}).length === 0 && row.args.length === 0,
    );
    let compared = 0;
    for (const row of plain) {
      const { own, fields } = judge(row);
      if (own?.status !== "found" || !own.exact) continue;
      const host = hostOf(row);
      const verdict = matchExtension({
        host: host.fields,
        extension: fields,
        kind: row.extension_class,
        scope: host.scope,
        architecture: row.arch,
      });
      expect([row.id, verdict.reason]).toEqual([row.id, row.reason]);
      compared++;
    }
    expect(compared).toBeGreaterThan(250);
  });
});

describe("the directories of the oracle", () => {
  it("are those of the traits", () => {
    expect(kindTraits.sysext.releaseDirectory).toBe("usr/lib/extension-release.d");
    expect(kindTraits.confext.releaseDirectory).toBe("etc/extension-release.d");
  });
});
