import { releaseFilePrefix } from "@sextant/extension-release";
import { treeOf } from "@sextant/testkit";
import type { FatalCode } from "../src/index.js";
import { chaseMax } from "../src/index.js";
import { imageOf } from "./images.js";
import type { RandomHost } from "./random-hosts.js";

/** A host at a corner, and what the command says of it; systemd is asked too where it is at hand. */
export interface Edge extends RandomHost {
  readonly what: string;
  /** Undefined: it works. */
  readonly fatal: FatalCode | undefined;
}

type Tree = Parameters<Parameters<typeof treeOf>[0]>[0];

const store = "var/lib/extensions";
const mutableUsr = "var/lib/extensions.mutable/usr";
const hash = "a".repeat(64);

function extension(tree: Tree, at: string, name = at.slice(at.lastIndexOf("/") + 1)): void {
  tree.text(`${at}/usr/lib/extension-release.d/${releaseFilePrefix}${name}`, "ID=_any\n");
  tree.text(`${at}/usr/share/w`, name);
}

/** `x0` leads through so many symlinks to a directory. */
function chain(tree: Tree, length: number): void {
  extension(tree, "srv/d", "x0");
  tree.link(`${store}/x0`, "/srv/x1");
  for (let at = 1; at < length; at++) tree.link(`srv/x${at}`, at === length - 1 ? "d" : `x${at + 1}`);
}

type Row = readonly [
  what: string,
  fatal: FatalCode | undefined,
  fill: (tree: Tree) => void,
  options?: Partial<Omit<RandomHost, "seed" | "tree">>,
];

const a = (tree: Tree) => extension(tree, `${store}/a`);
const optFile = (tree: Tree) => tree.text("opt/h", "");

const rows: readonly Row[] = [
  ["nothing at all", undefined, () => {}],
  ["no os-release and no images", "fatal:host-os-release-unreadable", (tree) => tree.remove("etc/os-release")],
  ["a search directory that is a file", "fatal:discovery", (tree) => tree.text("run/extensions", "")],
  ["a search directory that is a loop", "fatal:symlink-loop", (tree) => tree.link("run/extensions", "extensions")],
  [
    "an entry that leads through a file",
    "fatal:discovery",
    (tree) => {
      a(tree);
      tree.text("f", "");
      tree.link(`${store}/c`, "/f/x");
    },
  ],
  ["as many symlinks as are followed", undefined, (tree) => chain(tree, chaseMax)],
  ["many more", "fatal:symlink-loop", (tree) => chain(tree, chaseMax + 20)],
  [
    "one directory under two names",
    "fatal:symlink-loop",
    (tree) => {
      extension(tree, "srv/d", "c");
      extension(tree, "srv/d", "d");
      for (const name of ["c", "d"]) tree.link(`${store}/${name}`, "/srv/d");
    },
  ],
  [
    "an extension inside of another",
    "fatal:symlink-loop",
    (tree) => {
      a(tree);
      extension(tree, `${store}/a/usr/share/b`);
      tree.link(`${store}/b`, "a/usr/share/b");
    },
  ],
  [
    "a hierarchy that is a file in an extension",
    "fatal:hierarchy",
    (tree) => {
      a(tree);
      tree.text(`${store}/a/opt`, "");
    },
  ],
  [
    "a hierarchy that is a loop in an extension",
    "fatal:hierarchy",
    (tree) => {
      a(tree);
      tree.link(`${store}/a/opt`, "opt");
    },
  ],
  [
    "a hierarchy that is a symlink in an extension",
    undefined,
    (tree) => {
      a(tree);
      tree.link(`${store}/a/opt`, "usr/share");
    },
  ],
  [
    "a hierarchy of the host that is a file",
    "fatal:hierarchy",
    (tree) => {
      a(tree);
      tree.text(`${store}/a/opt/x`, "");
      tree.text("opt", "");
    },
  ],
  [
    "a hierarchy of the host that leads nowhere",
    undefined,
    (tree) => {
      a(tree);
      tree.text(`${store}/a/opt/x`, "");
      tree.link("opt", "srv/opt");
    },
  ],
  [
    "one that would have to be made in another that is read-only",
    "fatal:hierarchy",
    (tree) => {
      a(tree);
      tree.text(`${store}/a/opt/x`, "");
      tree.link("opt", "/usr/opt");
    },
  ],
  [
    "the same, where an extension brings the directory",
    undefined,
    (tree) => {
      a(tree);
      tree.text(`${store}/a/opt/x`, "");
      tree.text(`${store}/a/usr/opt/y`, "");
      tree.link("opt", "/usr/opt");
    },
  ],
  [
    "a path of the host that options cannot hold",
    "fatal:name",
    (tree) => {
      a(tree);
      tree.text(`${store}/a/opt/x`, "");
      tree.text("srv/a:b/h", "");
      tree.link("opt", "srv/a:b");
    },
  ],
  [
    "a name that options cannot hold, of nothing that is merged",
    undefined,
    (tree) => extension(tree, `${store}/a:b`),
    { hierarchies: "/opt" },
  ],
  ["a name that options cannot hold", "fatal:name", (tree) => extension(tree, `${store}/a,b`)],
  ["imports where nothing would be a second layer", "fatal:mutable", a, { mutable: "import" }],
  [
    "imports of nothing",
    undefined,
    (tree) => {
      a(tree);
      optFile(tree);
    },
    { mutable: "import" },
  ],
  [
    "imports of an empty directory of another mode",
    undefined,
    (tree) => {
      a(tree);
      optFile(tree);
      tree.folder(mutableUsr, 0o700);
    },
    { mutable: "import" },
  ],
  [
    "imports of a file",
    "fatal:mutable",
    (tree) => {
      a(tree);
      optFile(tree);
      tree.text(mutableUsr, "");
    },
    { mutable: "import" },
  ],
  [
    "imports from inside of the hierarchy",
    "fatal:mutable",
    (tree) => {
      a(tree);
      optFile(tree);
      tree.text("usr/u/x", "");
      tree.link(mutableUsr, "/usr/u");
    },
    { mutable: "import" },
  ],
  [
    "an upper directory inside of the hierarchy",
    undefined,
    (tree) => {
      a(tree);
      optFile(tree);
      tree.folder("usr/u");
      tree.link(mutableUsr, "/usr/u");
    },
    { mutable: "auto" },
  ],
  [
    "an upper directory around the hierarchy",
    "fatal:mutable",
    (tree) => {
      a(tree);
      optFile(tree);
      tree.link(mutableUsr, "/");
    },
    { mutable: "auto" },
  ],
  [
    "an upper directory that is a loop",
    "fatal:mutable",
    (tree) => {
      a(tree);
      tree.link(mutableUsr, "usr");
    },
    { mutable: "auto" },
  ],
  [
    "a work directory that is a file",
    "fatal:mutable",
    (tree) => {
      a(tree);
      optFile(tree);
      tree.text(`${mutableUsr}/z`, "");
      tree.text("var/lib/extensions.mutable/.systemd-usr-workdir", "");
    },
    { mutable: "auto" },
  ],
  ["options that overlayfs does not know", "fatal:options", a, { overlayOptions: "nonsense" }],
  ["flags among the options", undefined, a, { overlayOptions: "noexec,nosuid,xino=off,dev" }],
  ["options that take what can be written away", undefined, a, { mutable: "yes", overlayOptions: "ro,nodiratime" }],
];

/** Sidecars beside a bare image, and whether the merge works. */
const sidecars: readonly (readonly [what: string, FatalCode | undefined, files: Readonly<Record<string, string>>])[] = [
  ["a hash without a hash tree", undefined, { roothash: hash }],
  ["a hash with blanks around it and another line", undefined, { roothash: ` ${hash.toUpperCase()} \nmore\n` }],
  ["a short hash", "fatal:sidecar", { roothash: "a".repeat(30) }],
  ["a hash that is none", "fatal:sidecar", { roothash: "junk" }],
  ["an empty hash", "fatal:sidecar", { roothash: "" }],
  ["a hash of zeros", "fatal:sidecar", { roothash: "0".repeat(64) }],
  ["a usrhash that is none", "fatal:sidecar", { usrhash: "junk" }],
  ["a usrhash that is none behind a good roothash", undefined, { roothash: hash, usrhash: "junk" }],
  ["a hash tree that is none", "fatal:sidecar", { roothash: hash, verity: "junk" }],
  ["a hash tree that is none without a hash", undefined, { verity: "junk" }],
  ["an empty signature", "fatal:sidecar", { roothash: hash, "roothash.p7s": "" }],
  ["an empty signature without a hash", undefined, { "roothash.p7s": "" }],
];

/** All corners; images are made on the way. */
export async function edges(): Promise<readonly Edge[]> {
  const image = await imageOf(treeOf((tree) => extension(tree, "", "foo")));
  const withImage = sidecars.map(([what, fatal, files]): Row => {
    const fill = (tree: Tree) => {
      tree.bytes(`${store}/foo.raw`, image);
      for (const [suffix, content] of Object.entries(files)) tree.text(`${store}/foo.${suffix}`, content);
    };
    return [what, fatal, fill];
  });
  const defaults = { force: false, mutable: undefined, noexec: undefined, hierarchies: undefined };
  return [...rows, ...withImage].map(([what, fatal, fill, options]) => ({
    ...defaults,
    kind: "sysext",
    overlayOptions: undefined,
    ...options,
    what,
    fatal,
    seed: 0,
    tree: treeOf((tree) => {
      tree.text("etc/os-release", "ID=a\nVERSION_ID=1\n");
      for (const path of ["usr/share/h", "opt", "run", "srv", store]) tree.folder(path);
      fill(tree);
    }),
  }));
}
