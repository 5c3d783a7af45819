import { type ExtensionKind, extensionKinds, imageFromEntry, kindTraits } from "@sextant/extension-release";

/** The name that systemd gives an image, and what its file name says about its class. */
export interface ImageName {
  readonly name: string;
  /** From `.sysext.raw` or `.confext.raw`, of a directory from `.sysext` or `.confext`. */
  readonly kind: ExtensionKind | undefined;
  /** Why systemd would not take a file of this name from a search directory, as the rest of a sentence. */
  readonly ignored: string | undefined;
}

/**
 * The image name in a path or URL: its last part without `.raw` and the suffix of its class, or, below a `NAME.raw.v/`
 * directory, NAME. `inode` is what stands there.
 */
export function imageNameOf(where: string, inode: "regular" | "directory", kind?: ExtensionKind): ImageName {
  const parts = pathOf(where)
    .split("/")
    .filter((part) => part !== "");
  const fileName = parts.at(-1) ?? "";
  const format = inode === "regular" ? ".raw" : "";
  const stated = extensionKinds.find((word) => fileName.endsWith(kindTraits[word].suffix + format));
  const used = kind ?? stated ?? "sysext";
  const folder = imageFromEntry(parts.at(-2) ?? "", "directory", used);
  if (folder.is === "versioned" && fileName.startsWith(`${folder.name}_`) && fileName.endsWith(folder.suffix)) {
    // Files are picked from NAME.raw.v/ only, directories from the others.
    if ((folder.type === "raw") === (inode === "regular")) {
      return { name: folder.name, kind: stated, ignored: undefined };
    }
  }
  const entry = imageFromEntry(fileName, inode, used);
  if (entry.is === "image") return { name: entry.name, kind: stated, ignored: undefined };
  return { name: fileName, kind: stated, ignored: entry.is === "ignored" ? entry.why : "is a directory of versions" };
}

/** The path of a URL, decoded; other text is a path already. */
function pathOf(where: string): string {
  if (!/^https?:\/\//i.test(where)) return where;
  const { pathname } = new URL(where);
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
