import type { ExtensionKind } from "@sextant/extension-release";
import type { Name } from "@sextant/tree";

/** What systemd gives to mount for hierarchies that can be written to, unless the environment says otherwise. */
export const mutableOverlayOptions = "redirect_dir=on,noatime,metacopy=off,index=off";

/** Mount flags that systemd takes out of a list of options (shared/mount-util.c), and what they switch on and off. */
const flagWords: Readonly<Record<string, readonly [flag: string, on: boolean]>> = {
  ro: ["ro", true],
  nosuid: ["nosuid", true],
  suid: ["nosuid", false],
  nodev: ["nodev", true],
  dev: ["nodev", false],
  noexec: ["noexec", true],
  exec: ["noexec", false],
  noatime: ["noatime", true],
  atime: ["noatime", false],
  nodiratime: ["nodiratime", true],
  diratime: ["nodiratime", false],
};

/** Words that systemd or libmount knows, and that change nothing that mountinfo shows here. */
const silentWords = [
  ...["async", "sync", "dirsync", "mand", "nomand", "iversion", "noiversion", "lazytime", "nolazytime"],
  ...["relatime", "norelatime", "strictatime", "nostrictatime", "defaults", "silent", "loud", "rw"],
];

/** What overlayfs takes (fs/overlayfs/params.c), with the values where they are a closed list. */
const overlayWords: Readonly<Record<string, readonly string[] | undefined>> = {
  default_permissions: [],
  redirect_dir: ["on", "off", "follow", "nofollow"],
  index: ["on", "off"],
  uuid: ["on", "off", "null", "auto"],
  nfs_export: ["on", "off"],
  userxattr: [],
  xino: ["on", "off", "auto"],
  metacopy: ["on", "off"],
  verity: ["on", "off", "require"],
  fsync: ["volatile", "auto", "strict"],
  volatile: [],
};

/** Why overlayfs would refuse these options, as the rest of a sentence; undefined: it would not. */
export function optionProblem(options: string): string | undefined {
  for (const word of options.split(",").filter((each) => each !== "")) {
    const [key = "", value] = word.split("=", 2);
    if (flagWords[word] !== undefined || silentWords.includes(word)) continue;
    const values = Object.hasOwn(overlayWords, key) ? overlayWords[key] : undefined;
    if (values === undefined) return `knows no option ${word}`;
    if (values.length === 0 ? value !== undefined : !values.includes(value ?? "")) return `does not take ${word}`;
  }
  return undefined;
}

/** What decides about the flags of a mount. */
export interface FlagOptions {
  readonly kind: ExtensionKind;
  readonly writable: boolean;
  readonly noexec: boolean | undefined;
  /** Options of the overlay, which may bring flags. */
  readonly extra: string;
}

/** The flags as mountinfo tells them, in its order and without `relatime`, which every mount has that has no `noatime`. */
export function mountFlags({ kind, writable, noexec, extra }: FlagOptions): string {
  const confext = kind === "confext";
  const set = new Map<string, boolean>([
    ["ro", !writable],
    ["nosuid", confext],
    ["nodev", true],
    ["noexec", noexec ?? confext],
  ]);
  for (const word of extra.split(",")) {
    const flag = flagWords[word];
    if (flag !== undefined) set.set(flag[0], flag[1]);
  }
  const on = ["nosuid", "nodev", "noexec", "noatime", "nodiratime"].filter((flag) => set.get(flag));
  return [set.get("ro") ? "ro" : "rw", ...on].join(",");
}

/** What is given to mount, its parts in systemd's order. */
export function mountOptions(
  lowers: readonly Name[],
  upper: Name | undefined,
  work: Name | undefined,
  extra: string,
): string {
  const parts = [`lowerdir=${lowers.join(":")}`];
  if (upper !== undefined) parts.push(`upperdir=${upper}`);
  if (work !== undefined) parts.push(`workdir=${work}`);
  if (extra !== "") parts.push(extra);
  return parts.join(",");
}

/**
 * Whether a path breaks the overlay's options. systemd escapes these characters and then takes the escapes out again, so
 * that the kernel looks for another path; quotes are refused where they have no end, and change the path where they have.
 */
export const breaksOptions = (path: string) => /[,:\\"']/.test(path);
