import { readFileSync } from "node:fs";

function load<Case>(name: string): readonly Case[] {
  const url = new URL(`../../../test-images/oracle/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { cases: Case[] }).cases;
}

/** Recorded discoveries; `items` are paths and what stands there. */
export interface DiscoveryCase {
  readonly extension_class: "sysext" | "confext";
  readonly host_kind: "host" | "initrd";
  readonly items: readonly (readonly [path: string, what: string])[];
  readonly note: string | null;
  readonly deterministic: boolean;
  readonly result: {
    readonly listed: readonly { readonly name: string; readonly type: string; readonly path: string }[];
    readonly merged: readonly string[];
    readonly merge_exit: number;
    readonly winner_source: string | null;
  };
}

/** Recorded merges. */
export interface OrderCase {
  readonly extension_class: "sysext" | "confext";
  readonly names: readonly (string | { readonly file: string; readonly name: string })[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>> | null;
  readonly hierarchies: Readonly<
    Record<
      string,
      { readonly lower_top_to_bottom: readonly string[]; readonly mount_flags: string; readonly super_options: string }
    >
  >;
  readonly merged_mode: Readonly<Record<string, string>>;
  readonly exit_code: number;
  readonly note: string | null;
}

/** A file's content. */
export interface Content {
  readonly text: string | null;
  readonly base64: string | null;
}

/** Recorded verdicts on one image. */
export interface MatchCase {
  readonly id: string;
  readonly host_os_release: string | null;
  readonly host_os_release_base64: string | null;
  readonly host_os_release_path: string | null;
  readonly host_kind: "host" | "initrd";
  readonly extension_class: "sysext" | "confext";
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
}

export const discoveryCases = load<DiscoveryCase>("discovery-cases");
export const orderCases = load<OrderCase>("merge-order");
export const matchCases = load<MatchCase>("match-cases");
