/** How bad a finding is; `error` is what is likely to break the host. */
export const severities = ["info", "warning", "error"] as const;

/** One of `severities`. */
export type Severity = (typeof severities)[number];

/** What there is to say about a rule, whatever it finds. */
export interface Rule {
  readonly severity: Severity;
  /** Why it matters. */
  readonly explanation: string;
  readonly fix: string;
}

const rule = (severity: Severity, explanation: string, fix: string): Rule => ({ severity, explanation, fix });

/** Everything that is looked for in a plan, by name. */
export const rules = {
  "file-collision": rule(
    "warning",
    "several images bring different files under one name; the one whose name sorts last wins, in silence",
    "leave the file out of all images but one, or move it into an image of its own",
  ),
  "same-content": rule(
    "info",
    "several images, or an image and the host, bring the same file; it does no harm and takes space",
    "leave the file out of one of them",
  ),
  "shadows-host": rule(
    "warning",
    "an image replaces a file of the host, which the host's updates then no longer reach",
    "leave the file out of the image",
  ),
  "shadows-critical": rule(
    "error",
    "an image replaces a file that the host cannot run without, or hides it",
    "leave the file out of the image; build it for hosts that have it",
  ),
  "type-conflict": rule(
    "error",
    "a name is a directory in one layer and something else in another, so that all that is in the directory is hidden or the other is",
    "give all layers the same kind of file there",
  ),
  "regenerated-cache": rule(
    "warning",
    "a file that is made from everything installed is replaced by one that knows of one image only",
    "leave it out of the image and make it again after the merge",
  ),
  whiteout: rule(
    "warning",
    "an image has a whiteout, which removes a name that another layer brings",
    "leave the whiteout out of the image; extensions should add only",
  ),
  "opaque-directory": rule(
    "warning",
    "a directory of an image is opaque: it hides all that the layers below have in it",
    "take the xattr trusted.overlay.opaque away from the directory",
  ),
  "directory-attributes": rule(
    "warning",
    "a directory that several layers have gets the owner, mode and xattrs of the topmost one",
    "give the directory the same owner, mode and xattrs as the host's",
  ),
  "case-only": rule(
    "info",
    "two names differ in upper and lower case only, which looks like one file under two spellings",
    "choose one spelling",
  ),
  "equal-order": rule(
    "warning",
    "names of images compare equal, so that which of them is on top changes from one merge to the next",
    "rename one of the images",
  ),
  "ambiguous-name": rule(
    "warning",
    "one search directory has an image twice; which of them is used depends on how the file system lists it",
    "remove one of them",
  ),
  unreadable: rule(
    "error",
    "a directory of an image cannot be read, so that nothing is known of what is in it",
    "check the image: sextant check IMAGE",
  ),
} as const satisfies Record<string, Rule>;

/** The name of a rule. */
export type RuleName = keyof typeof rules;

/** Something about a plan that somebody should know. */
export interface Finding {
  readonly rule: RuleName;
  readonly severity: Severity;
  readonly message: string;
  /** Absolute, in the host; in byte order. */
  readonly paths: readonly string[];
  /** The extensions that take part, the topmost first. */
  readonly images: readonly string[];
  readonly fix: string;
}

/** Whether a finding is one that a caller wants to fail on: a rule's name, or a severity, which means that and worse. */
export function isWanted(finding: Finding, word: string): boolean {
  const least = (severities as readonly string[]).indexOf(word);
  return finding.rule === word || (least >= 0 && severities.indexOf(finding.severity) >= least);
}

/** Files that hosts cannot run without. */
const critical = [
  /^\/usr\/lib(?:64|32)?\/(?:[^/]+\/)?(?:ld-linux[^/]*|ld-musl[^/]*|libc\.so\.6|libc\.musl[^/]*|libcrypto\.so[^/]*|libsystemd[^/]*)$/,
  /^\/usr\/lib\/systemd\/(?:systemd[^/]*|libsystemd[^/]*)$/,
  /^\/usr\/lib\/systemd\/system\/(?:[^/]+\.target|systemd-[^/]+)$/,
  /^\/usr\/lib\/modules\/[^/]+\/(?:vmlinuz|modules\.(?:dep|alias|symbols|builtin)[^/]*)$/,
  /^\/usr\/lib\/os-release$/,
  /^\/usr\/s?bin\/(?:init|mount|umount|sh|bash)$/,
  /^\/etc\/(?:passwd|group|shadow|fstab|machine-id|os-release)$/,
];

/** Whether a host depends on this path. */
export const isCritical = (path: string) => critical.some((pattern) => pattern.test(path));

/** Files that are made from all that is installed, and how they are made again. */
const caches: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /^\/usr\/lib\/modules\/[^/]+\/modules\.(?!order|builtin$|builtin\.modinfo)[^/]+$/,
    "leave it out and run depmod after the merge",
  ],
  [/^\/etc\/ld\.so\.cache$/, "leave it out and run ldconfig after the merge"],
  [/^\/usr\/share\/icons\/[^/]+\/icon-theme\.cache$/, "leave it out and run gtk-update-icon-cache after the merge"],
  [
    /^\/usr\/share\/mime\/(?:mime\.cache|globs2?|magic|aliases|subclasses|icons|generic-icons|treemagic|types|XMLnamespaces)$/,
    "leave it out and run update-mime-database after the merge",
  ],
  [/^\/usr\/share\/applications\/mimeinfo\.cache$/, "leave it out and run update-desktop-database after the merge"],
  [
    /^\/usr\/share\/glib-2\.0\/schemas\/gschemas\.compiled$/,
    "leave it out and run glib-compile-schemas after the merge",
  ],
  [
    /^\/usr\/lib\/udev\/hwdb\.bin$|^\/etc\/udev\/hwdb\.bin$/,
    "leave it out and run systemd-hwdb update after the merge",
  ],
  [/^\/usr\/(?:share|lib\/sysimage)\/rpm\//, "leave it out: the host's package manager cannot know of extensions"],
  [/^\/usr\/share\/info\/dir$/, "leave it out and run install-info after the merge"],
  [/^\/usr\/lib\/locale\/locale-archive$/, "leave it out and run localedef after the merge"],
];

/** How to make a file again that is made from all that is installed; undefined: it is none. */
export const remedyOf = (path: string) => caches.find(([pattern]) => pattern.test(path))?.[1];
