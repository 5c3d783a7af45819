import type { ExtensionKind, ImageReason } from "@sextant/extension-release";

/** What stands at a path of an image: a file's content, a symlink, a directory, or a file with the strict attribute. */
export type Content =
  | string
  | { readonly link: string }
  | { readonly directory: true }
  | { readonly text: string; readonly strict: string };

/** One image, and what systemd-sysext does with it on a host that is `ID=debian`, `VERSION_ID=13`. */
export interface ImageCase {
  readonly what: string;
  readonly form: "directory" | "raw";
  readonly kind?: ExtensionKind;
  readonly name?: string;
  readonly force?: true;
  readonly files: Readonly<Record<string, Content>>;
  readonly reason: ImageReason;
  /** systemd 262.1 says so too, but takes six seconds until it gives up its loop device: not run again and again. */
  readonly slow?: true;
}

export const release = "ID=debian\nVERSION_ID=13\n";
const sysext = "usr/lib/extension-release.d/extension-release.";
const confext = "etc/extension-release.d/extension-release.";

const open = { text: release, strict: "0" };
const ambiguous = { [`${sysext}bar`]: open, [`${sysext}baz`]: open };
const ambiguousConfext = { [`${confext}bar`]: open, [`${confext}baz`]: open };
const longName = "f".repeat(240);
const noData = "reject:no-release-data";
const fits = "accept:version-or-level";
const noFile = "fatal:metadata-no-release-file";
const several = "fatal:metadata-ambiguous-release-files";
const unreadable = "fatal:metadata-unreadable-release-file";

/** Corners that the recorded merges don't reach. */
export const imageCases: readonly ImageCase[] = [
  { what: "a good file", form: "raw", files: { [`${sysext}foo`]: release }, reason: fits },
  { what: "a good file", form: "directory", files: { [`${sysext}foo`]: release }, reason: fits },
  {
    what: "an os-release in etc and no release file",
    form: "raw",
    files: { "etc/os-release": release },
    reason: noData,
  },
  { what: "the same", form: "raw", force: true, files: { "etc/os-release": release }, reason: "accept:forced" },
  {
    what: "the same, ambiguous",
    form: "raw",
    files: { "etc/os-release": release, ...ambiguous },
    reason: several,
    slow: true,
  },
  {
    what: "the same, ambiguous",
    form: "raw",
    force: true,
    files: { "etc/os-release": release, ...ambiguous },
    reason: "accept:forced",
  },
  { what: "ambiguous", form: "raw", force: true, files: ambiguous, reason: several },
  {
    what: "the host's own os-release and no release file",
    form: "raw",
    files: { "usr/lib/os-release": release },
    reason: "reject:forbidden-os-release",
    slow: true,
  },
  {
    what: "the same, ambiguous",
    form: "raw",
    files: { "usr/lib/os-release": release, ...ambiguous },
    reason: "reject:forbidden-os-release",
    slow: true,
  },
  {
    what: "the same",
    form: "directory",
    files: { "usr/lib/os-release": release, [`${sysext}foo`]: release },
    reason: "fatal:forbidden-os-release",
  },
  {
    what: "the same",
    form: "directory",
    force: true,
    files: { "usr/lib/os-release": release, [`${sysext}foo`]: release },
    reason: "fatal:forbidden-os-release",
  },
  {
    what: "the same, dangling",
    form: "raw",
    files: { "usr/lib/os-release": { link: "nowhere" }, [`${sysext}foo`]: release },
    reason: fits,
  },
  {
    what: "the same, dangling",
    form: "directory",
    files: { "usr/lib/os-release": { link: "nowhere" }, [`${sysext}foo`]: release },
    reason: fits,
  },
  {
    what: "a name too long for any release file",
    form: "raw",
    name: longName,
    files: { [`${sysext}x`]: release },
    reason: "fatal:name",
  },
  { what: "the same", form: "directory", name: longName, files: { [`${sysext}x`]: release }, reason: noData },
  {
    what: "the same without a directory for them",
    form: "raw",
    name: longName,
    files: { "usr/x": "" },
    reason: noFile,
  },
  {
    what: "a symlink to itself",
    form: "raw",
    files: { [`${sysext}foo`]: { link: "extension-release.foo" } },
    reason: "fatal:symlink-loop",
  },
  {
    what: "the same",
    form: "directory",
    files: { [`${sysext}foo`]: { link: "extension-release.foo" } },
    reason: noData,
  },
  {
    what: "a directory as release file",
    form: "raw",
    files: { [`${sysext}foo`]: { directory: true } },
    reason: unreadable,
  },
  { what: "the same", form: "raw", force: true, files: { [`${sysext}foo`]: { directory: true } }, reason: unreadable },
  {
    what: "the same, of the other class",
    form: "raw",
    files: { [`${confext}foo`]: { directory: true } },
    reason: unreadable,
  },
  {
    what: "the same beside a good one",
    form: "raw",
    files: { [`${sysext}foo`]: release, [`${confext}foo`]: { directory: true } },
    reason: unreadable,
  },
  {
    what: "the same and an os-release in etc",
    form: "raw",
    files: { [`${sysext}foo`]: { directory: true }, "etc/os-release": release },
    reason: unreadable,
  },
  { what: "the same", form: "directory", files: { [`${sysext}foo`]: { directory: true } }, reason: noData },
  { what: "only the other class", form: "raw", files: { [`${confext}foo`]: release }, reason: noData },
  {
    what: "only the other class",
    form: "raw",
    force: true,
    files: { [`${confext}foo`]: release },
    reason: "accept:forced",
  },
  {
    what: "ambiguous sysexts in a good confext",
    form: "raw",
    kind: "confext",
    files: { [`${confext}foo`]: release, ...ambiguous },
    reason: several,
  },
  {
    what: "a good sysext in ambiguous confexts",
    form: "raw",
    kind: "confext",
    files: { [`${sysext}foo`]: release, ...ambiguousConfext },
    reason: noData,
  },
  {
    what: "ambiguous confexts in a good sysext",
    form: "raw",
    files: { [`${sysext}foo`]: release, ...ambiguousConfext },
    reason: fits,
  },
  { what: "ambiguous confexts and no sysext", form: "raw", files: ambiguousConfext, reason: several },
  {
    what: "an unreadable confext in a good sysext",
    form: "raw",
    files: { [`${sysext}foo`]: release, [`${confext}foo`]: "X=\ufdd0" },
    reason: fits,
  },
  {
    what: "an open file behind a dangling exact name",
    form: "directory",
    files: { [`${sysext}foo`]: { link: "nowhere" }, [`${sysext}bar`]: open },
    reason: fits,
  },
  {
    what: "a version after a suffix",
    form: "directory",
    name: "foo.raw_1",
    files: { [`${sysext}foo.raw`]: release },
    reason: fits,
  },
  {
    what: "a C string as attribute",
    form: "directory",
    files: { [`${sysext}bar`]: { text: release, strict: "0\0" } },
    reason: fits,
  },
  {
    what: "a line as attribute",
    form: "directory",
    files: { [`${sysext}bar`]: { text: release, strict: "0\n" } },
    reason: noData,
  },
  {
    what: "an mstack",
    form: "directory",
    name: "foo.mstack",
    files: { [`${sysext}foo`]: release },
    reason: "fatal:mstack",
  },
  {
    what: "an mstack",
    form: "directory",
    force: true,
    name: "foo.mstack",
    files: { [`${sysext}foo`]: release },
    reason: "fatal:mstack",
  },
];
