import { type ExtensionKind, kindTraits, releaseFilePrefix, searchPaths } from "@sextant/extension-release";
import { type SeededRandom, seededRandom, treeOf } from "@sextant/testkit";
import { type Directory, special } from "@sextant/tree";
import type { MutableMode } from "../src/index.js";
import { imageOf } from "./images.js";

/** A host tree, and what the command is told. */
export interface RandomHost {
  readonly seed: number;
  readonly tree: Directory;
  readonly kind: ExtensionKind;
  readonly force: boolean;
  readonly mutable: MutableMode | undefined;
  readonly noexec: boolean | undefined;
  readonly hierarchies: string | undefined;
  readonly overlayOptions: string | undefined;
}

/** Names of which no two compare equal. Those that overlay options cannot hold are rare: they make everything fail. */
const names = [
  "a",
  "b",
  "c",
  "foo",
  "foo-1",
  "foo-10",
  "foo-9",
  "x.y",
  "x~1",
  "x^2",
  ".dot",
  "Z",
  "1",
  "20",
  "3",
  "a b",
  "ä7",
];
const badNames = ["p,q", "p:q", "p'q", 'p"q', "p\\q"];

const goodReleases = [
  "ID=_any\n",
  "ID=a\nVERSION_ID=1\n",
  "ID=like\nVERSION_ID=1\n",
  'ID="a"\nVERSION_ID=1\nARCHITECTURE=x86-64\n',
];
const badReleases = ["ID=b\n", "ID=a\nVERSION_ID=2\n", "VERSION_ID=1\n", "", "ID=_any\nARCHITECTURE=arm64\n", "ID=a\n"];

type Tree = Parameters<Parameters<typeof treeOf>[0]>[0];

function release(random: SeededRandom, kind: ExtensionKind): string {
  const text = random.below(4) > 0 ? random.pick(goodReleases) : random.pick(badReleases);
  const key = kind === "sysext" ? "SYSEXT_SCOPE" : "CONFEXT_SCOPE";
  const scope = random.pick([
    "",
    "",
    `${key}="system initrd"\n`,
    `${key}="system initrd"\n`,
    `${key}=initrd\n`,
    `${key}=\n`,
  ]);
  return text === "" ? "" : text + scope;
}

/** An extension that mostly fits, and has some of the hierarchies. */
function extension(random: SeededRandom, kind: ExtensionKind, name: string): Directory {
  return treeOf((tree) => {
    const place = `${kindTraits[kind].releaseDirectory}/${releaseFilePrefix}`;
    const wrong = random.below(12) === 0;
    tree.text(`${place}${wrong ? "other" : name}`, release(random, kind));
    if (random.below(3) > 0) tree.text("usr/share/file", name);
    if (random.below(8) === 0) tree.folder("opt");
    else if (random.below(2) === 0) tree.text("opt/x/file", name);
    else if (random.below(10) === 0) tree.link("opt", random.pick(["usr/share", "/usr", "nowhere", "/", "../../usr"]));
    if (random.below(60) === 0) tree.text("usr/lib/os-release", "ID=a\n");
    if (random.below(80) === 0) tree.text("srv", "no directory");
    else if (random.below(5) === 0) tree.text("srv/y", name);
  });
}

interface Placing {
  readonly random: SeededRandom;
  readonly kind: ExtensionKind;
  readonly tree: Tree;
  readonly images: readonly Uint8Array[];
  readonly stored: string;
  readonly name: string;
  readonly at: string;
}

/** What may stand in a search directory, the frequent kinds several times. */
const forms: Readonly<Record<string, (placing: Placing) => void>> = {
  directory: ({ tree, at, random, kind, name }) => tree.put(at, extension(random, kind, name)),
  suffixed: ({ tree, at, random, kind, name }) => tree.put(at + kindTraits[kind].suffix, extension(random, kind, name)),
  link: ({ tree, at, random, kind, name, stored }) => {
    tree.put(`${stored}/${name}`, extension(random, kind, name));
    tree.link(at, `${random.pick(["/", "../../../../"])}${stored}/${name}`);
  },
  mask: ({ tree, at }) => tree.folder(at),
  dangling: ({ tree, at }) => tree.link(at, "nowhere"),
  loop: ({ tree, at, name, random }) => (random.below(8) === 0 ? tree.link(at, name) : tree.folder(at)),
  fifo: ({ tree, at }) => tree.put(`${at}.raw`, special("fifo")),
  junk: ({ tree, at, random }) => tree.text(random.below(12) === 0 ? `${at}.raw` : at, "junk"),
  updating: ({ tree, at, random, kind, name }) =>
    tree.put(at.replace(/[^/]*$/, `.sysupdate.${name}`), extension(random, kind, name)),
  versions: ({ tree, at, random, kind, name }) => {
    for (const version of ["1", "2", "10", "2+0", "3_arm64", "1_x86-64"]) {
      if (random.below(2) === 0) tree.put(`${at}.v/${name}_${version}`, extension(random, kind, name));
    }
    if (random.below(8) === 0) tree.link(`${at}.v/${name}_99`, "nowhere");
  },
  raw: ({ tree, at, random, images, name }) => {
    const image = images[names.indexOf(name)];
    if (image !== undefined) tree.bytes(random.below(3) === 0 ? `${at}.sysext.raw` : `${at}.raw`, image);
  },
};

const often = [
  ...["directory", "directory", "directory", "directory", "directory", "directory", "suffixed", "link", "link"],
  ...["versions", "mask", "dangling", "loop", "fifo", "junk", "updating", "raw"],
];

function layHost(random: SeededRandom, tree: Tree): boolean {
  const initrd = random.below(6) === 0;
  const broken = random.below(40) === 0;
  tree.text(
    "etc/os-release",
    broken ? "VERSION_ID=1\n" : random.pick(["ID=a\nVERSION_ID=1\n", "ID=a\nVERSION_ID=1\nID_LIKE=like\n", "ID=a\n"]),
  );
  if (initrd) tree.text("etc/initrd-release", "");
  tree.text("usr/share/h", "host");
  if (random.below(6) === 0) tree.folder("usr", random.pick([0o700, 0o711, 0o555]));
  tree.folder("run");
  if (random.below(2) === 0) tree.text("opt/h", "host");
  else if (random.below(3) === 0) tree.folder("opt", random.pick([0o755, 0o700]));
  else if (random.below(4) === 0) tree.link("opt", random.pick(["srv/opt", "/usr/opt", "usr/share"]));
  return initrd;
}

function layMutable(random: SeededRandom, tree: Tree, mode: MutableMode, kind: ExtensionKind): void {
  for (const flat of kind === "sysext" ? ["usr", "opt"] : ["etc"]) {
    const at = `var/lib/extensions.mutable/${flat}`;
    const what = random.below(8);
    if (what < 3) tree.text(`${at}/written`, mode);
    else if (what === 3) tree.folder(at, random.pick([0o755, 0o700]));
    else if (what === 4) tree.link(at, random.pick([`../../../${flat}`, "nowhere", "../../../srv", "elsewhere"]));
  }
  tree.folder("srv");
}

/** Sysexts of all names as EROFS images, which hosts share. */
export async function sharedImages(): Promise<readonly Uint8Array[]> {
  const random = seededRandom(1);
  return Promise.all(names.map((name) => imageOf(extension(random, "sysext", name))));
}

/** The host tree of a seed. */
export function randomHost(seed: number, images: readonly Uint8Array[]): RandomHost {
  const random = seededRandom(seed);
  const kind: ExtensionKind = random.below(4) === 0 ? "confext" : "sysext";
  const mutable =
    random.below(3) === 0
      ? random.pick(["auto", "yes", "import", "ephemeral", "ephemeral-import"] as const)
      : undefined;
  const tree = treeOf((host) => {
    const initrd = layHost(random, host);
    const places = searchPaths[kind][initrd ? "initrd" : "host"];
    const elsewhere = ["/usr/lib/extensions", "/etc/confexts"];
    const used = new Set<string>();
    for (let count = random.below(7); count > 0; count--) {
      const name = random.below(80) === 0 ? random.pick(badNames) : random.pick(names);
      const folder = random.below(15) === 0 ? random.pick(elsewhere) : random.pick(places);
      const at = `${folder}/${name}`;
      if (used.has(at)) continue;
      used.add(at);
      forms[random.pick(often)]?.({ random, kind, tree: host, images, stored: "srv/store", name, at });
    }
    if (mutable !== undefined) layMutable(random, host, mutable, kind);
  });
  const hierarchies = random.below(8) === 0 ? random.pick(["/usr", "/opt:/usr", "/srv:/usr", "/usr/share"]) : undefined;
  return {
    seed,
    tree,
    kind,
    force: random.below(8) === 0,
    mutable,
    noexec: random.below(6) === 0 ? random.below(2) === 0 : undefined,
    hierarchies: kind === "sysext" ? hierarchies : undefined,
    overlayOptions:
      random.below(10) === 0
        ? random.pick(["", "noatime", "metacopy=off,nosuid", "nonsense", "redirect_dir=x"])
        : undefined,
  };
}
