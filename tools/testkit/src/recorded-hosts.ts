import { type Directory, directory, file, nameFromText, special, symlink, treeBuilder } from "@sextant/tree";
import type { Content, DiscoveryCase, MatchCase, OrderCase } from "./recorded-cases.js";

const text = (content: string) => file(new TextEncoder().encode(content));

const bytesOf = ({ text: plain, base64 }: Content) =>
  base64 === null ? new TextEncoder().encode(plain ?? "") : Uint8Array.from(Buffer.from(base64, "base64"));

/** A tree that grows by paths written as text. */
export function treeOf(fill: (tree: TreeFiller) => void): Directory {
  const tree = tools();
  fill(tree);
  return tree.build();
}

/** What fills a tree, with paths as text. */
export type TreeFiller = ReturnType<typeof tools>;

function tools() {
  const builder = treeBuilder({ parentSymlinks: "follow" });
  return {
    text: (path: string, content: string) => builder.put(nameFromText(path), text(content)),
    bytes: (path: string, content: Uint8Array, xattrs = {}) => builder.put(nameFromText(path), file(content, xattrs)),
    link: (path: string, target: string) => builder.put(nameFromText(path), symlink(nameFromText(target))),
    folder: (path: string, mode = 0o755) => builder.put(nameFromText(path), directory({ mode })),
    put: (path: string, node: Parameters<typeof builder.put>[1]) => builder.put(nameFromText(path), node),
    remove: (path: string) => builder.remove(nameFromText(path)),
    build: () => builder.build(),
  };
}

/** Makes an image of a tree. Those that were recorded with squashfs may be EROFS: systemd decides the same of both. */
export type MakeImage = (tree: Directory) => Promise<Uint8Array>;

const releaseFilePrefix = "extension-release.";

const releaseDirectory = (kind: "sysext" | "confext") => `${kind === "sysext" ? "usr/lib" : "etc"}/extension-release.d`;

/** The host of a recorded discovery. */
export async function discoveryHost(row: DiscoveryCase, imageOf: MakeImage): Promise<Directory> {
  const kind = row.extension_class;
  const scope = `${kind === "sysext" ? "SYSEXT" : "CONFEXT"}_SCOPE="system initrd"\n`;
  const extension = (name: string) =>
    treeOf((tree) => {
      tree.text(`${releaseDirectory(kind)}/${releaseFilePrefix}${name}`, `ID=_any\n${scope}`);
      tree.text(kind === "sysext" ? "usr/share/src" : "etc/x/src", name);
    });
  const images = new Map<string, Uint8Array>();
  for (const [path, what] of row.items) {
    if (what.startsWith("sqfs:")) images.set(path, await imageOf(extension(what.slice("sqfs:".length))));
  }
  return treeOf((tree) => {
    tree.text("etc/os-release", "ID=a\n");
    for (const path of ["usr/share/h", "opt", "var/lib", "run"]) tree.folder(path);
    if (row.host_kind === "initrd") tree.text("etc/initrd-release", "");
    for (const [path, what] of row.items) {
      const image = images.get(path);
      if (image !== undefined) tree.bytes(path, image);
      else if (what.startsWith("tree:")) tree.put(path, extension(what.slice("tree:".length)));
      else if (what.startsWith("link:")) tree.link(path, what.slice("link:".length));
      else if (what === "empty") tree.folder(path);
      else if (what === "fifo") tree.put(path, special("fifo"));
      else tree.text(path, what === "file" ? "junk" : "");
    }
  });
}

/** The host of a recorded merge, with the set-up that some of the notes tell in words. */
export function orderHost(row: OrderCase): Directory {
  const kind = row.extension_class;
  return treeOf((tree) => {
    tree.text("etc/os-release", "ID=a\nVERSION_ID=1\n");
    tree.folder("usr/share");
    tree.folder("opt/h");
    for (const each of row.names) {
      const { file: fileName, name } = typeof each === "string" ? { file: each, name: each } : each;
      const at = `var/lib/${kind === "sysext" ? "extensions" : "confexts"}/${fileName}`;
      tree.text(`${at}/${releaseDirectory(kind)}/${releaseFilePrefix}${name}`, "ID=_any\n");
      for (const path of kind === "sysext" ? ["usr/share", "opt/x"] : ["etc/x"])
        tree.text(`${at}/${path}/winner`, name);
    }
    const self = "var/lib/extensions.mutable/usr";
    if (row.note === "host /opt missing") tree.remove("opt");
    if (row.note === "mode mismatch refused") tree.folder(self, 0o700);
    if (row.note?.startsWith("mutable/usr symlink to the host")) tree.link(self, "/usr");
    if (row.note?.startsWith("import of host itself")) tree.link(self, "/usr");
  });
}

/** The image of a recorded verdict. */
function matchImage(row: MatchCase): Directory {
  const kind = row.extension_class;
  const at = (suffix: string) => `${releaseDirectory(kind)}/${releaseFilePrefix}${suffix}`;
  return treeOf((tree) => {
    tree.folder(kind === "sysext" ? "usr" : "etc");
    for (const [suffix, content] of Object.entries(row.release_files)) {
      const strict = content.strict_xattr;
      const xattr = {
        name: nameFromText("user.extension-release.strict"),
        value: new TextEncoder().encode(strict ?? ""),
      };
      tree.bytes(at(suffix), bytesOf(content), strict === null ? {} : { xattrs: [xattr] });
    }
    const { extra } = row;
    const link = extra?.["@reldir"];
    if (link !== undefined) tree.link(at(link[1]), `${releaseFilePrefix}${link[2]}`);
    const other = kind === "sysext" ? "confext" : "sysext";
    if (extra?.["@other"]) tree.text(`${releaseDirectory(other)}/${releaseFilePrefix}${row.image_name}`, "ID=_any\n");
    for (const path of ["etc/os-release", "usr/lib/os-release"] as const) {
      const content = extra?.[path];
      if (content !== undefined) tree.text(path, content);
    }
  });
}

/** The host of a recorded verdict. */
export async function matchHost(row: MatchCase, imageOf: MakeImage): Promise<Directory> {
  const folder = row.extension_class === "sysext" ? "extensions" : "confexts";
  const image = matchImage(row);
  const raw = row.image_type === "directory" ? undefined : await imageOf(image);
  return treeOf((tree) => {
    for (const path of ["usr/share/h", "opt", "etc", "run"]) tree.folder(path);
    const { host_os_release: plain, host_os_release_base64: base64, host_os_release_path: path } = row;
    if (path !== null && (plain !== null || base64 !== null)) tree.bytes(path, bytesOf({ text: plain, base64 }));
    if (row.host_kind === "initrd") tree.text("etc/initrd-release", "");
    for (const [at, content] of Object.entries(row.extra_host_files ?? {})) tree.text(at, content);
    for (const [at, link] of Object.entries(row.extra?.["@host"] ?? {})) tree.link(at, link[1]);
    const at = `var/lib/${folder}/${row.image_file_name}`;
    if (raw === undefined) tree.put(at, image);
    else tree.bytes(at, raw);
  });
}
