/** The class of an extension: of `/usr` and `/opt`, or of `/etc`. */
export type ExtensionKind = "sysext" | "confext";

/** Both classes, in the order in which systemd tries them on a raw image. */
export const extensionKinds: readonly ExtensionKind[] = ["sysext", "confext"];

/** What is different for the two classes in names, fields and places. */
export interface KindTraits {
  /** Directory of the release files in an image, relative to its root. */
  readonly releaseDirectory: string;
  /** Suffix that file names may have before their format suffix. */
  readonly suffix: string;
  readonly levelKey: string;
  readonly scopeKey: string;
}

/** The traits of both classes (basic/os-util.c, image_class_release_info; shared/discover-image.c). */
export const kindTraits: Readonly<Record<ExtensionKind, KindTraits>> = {
  sysext: {
    releaseDirectory: "usr/lib/extension-release.d",
    suffix: ".sysext",
    levelKey: "SYSEXT_LEVEL",
    scopeKey: "SYSEXT_SCOPE",
  },
  confext: {
    releaseDirectory: "etc/extension-release.d",
    suffix: ".confext",
    levelKey: "CONFEXT_LEVEL",
    scopeKey: "CONFEXT_SCOPE",
  },
};

/** Where an extension may be used: on the running system, in the initrd, by a portable service. */
export const scopes = ["system", "initrd", "portable"] as const;

/** One of `scopes`. */
export type Scope = (typeof scopes)[number];

/** The scopes of an extension whose release file has no scope key. */
export const defaultScopes: readonly Scope[] = ["system", "portable"];

/** The class that is not this one. */
export const otherKind = (kind: ExtensionKind): ExtensionKind => (kind === "sysext" ? "confext" : "sysext");

/** The traits of a class that comes from a caller. */
export function traitsOf(kind: ExtensionKind): KindTraits {
  if (!Object.hasOwn(kindTraits, kind)) throw new RangeError(`the class is sysext or confext, not ${String(kind)}`);
  return kindTraits[kind];
}
