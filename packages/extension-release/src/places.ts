import { type ExtensionKind, type Scope, traitsOf } from "./kind.js";
import { releaseFilePrefix } from "./names.js";

/** A running system, or the initrd before it. */
export type HostKind = "host" | "initrd";

/**
 * Where systemd looks for images, in order: the first directory that has a name wins (discover-image.c,
 * image_search_path and pick_image_search_path). `/usr/lib/extensions`, `/usr/local/lib/extensions` and `/etc/confexts`
 * are not among them, and `/usr/lib/confexts` is not searched in the initrd.
 */
export const searchPaths: Readonly<Record<ExtensionKind, Readonly<Record<HostKind, readonly string[]>>>> = {
  sysext: {
    host: ["/etc/extensions", "/run/extensions", "/var/lib/extensions"],
    initrd: ["/etc/extensions", "/run/extensions", "/var/lib/extensions", "/.extra/sysext", "/.extra/global_sysext"],
  },
  confext: {
    host: ["/run/confexts", "/var/lib/confexts", "/usr/local/lib/confexts", "/usr/lib/confexts"],
    initrd: [
      "/run/confexts",
      "/var/lib/confexts",
      "/usr/local/lib/confexts",
      "/.extra/confext",
      "/.extra/global_confext",
    ],
  },
};

/**
 * The file that makes a root an initrd by being there, after following symlinks. Its content is never read for matching,
 * and `/usr/lib/initrd-release` means nothing.
 */
export const initrdMarkerPath = "/etc/initrd-release";

/** The scope that extensions need on a host of this kind. */
export function scopeOf(hostKind: HostKind): Scope {
  return hostKind === "initrd" ? "initrd" : "system";
}

/** Where a host's os-release is looked for, in order. */
export const osReleasePaths: readonly string[] = ["/etc/os-release", "/usr/lib/os-release"];

/** What is found at a path, after following symlinks inside the root: a dangling symlink is missing. */
export type FileState = "present" | "missing" | "unreadable";

/** The os-release file that describes a host. */
export interface HostReleaseChoice {
  /** Undefined where there is none: systemd then refuses to work. */
  readonly path: string | undefined;
  /** What there is at `path`; an unreadable file ends the search as a readable one does. */
  readonly state: FileState;
}

/**
 * Which file describes the host (basic/os-util.c, open_os_release_at): the first of `osReleasePaths` that is not missing,
 * even if it is empty. `override` is the value of `$SYSTEMD_OS_RELEASE`, which leaves no other choice.
 */
export function chooseOsRelease(stateOf: (path: string) => FileState, override?: string): HostReleaseChoice {
  const candidates = override === undefined ? osReleasePaths : [override];
  for (const path of candidates) {
    const state = stateOf(path);
    if (state !== "missing") return { path, state };
  }
  return { path: undefined, state: "missing" };
}

/** Path of the release file of an image, relative to the image's root. */
export function releasePath(imageName: string, kind: ExtensionKind): string {
  return `${traitsOf(kind).releaseDirectory}/${releaseFilePrefix}${imageName}`;
}
