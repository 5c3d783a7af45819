import { fromHex, toHex } from "@sextant/bytes";
import { type Name, nameFromBytes, sortXattrs, type Xattr } from "@sextant/tree";

/** Names in `getfattr` and `setfattr` texts: bytes that could end a line or a word are `\ooo`. */
function quote(name: Name): string {
  return name.replace(/[^A-Za-z0-9_./-]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function unquote(text: string): Name {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))) as Name;
}

/** What `setfattr --restore=-` reads: one paragraph a file. */
export function formatXattrs(files: Iterable<readonly [path: Name, xattrs: readonly Xattr[]]>): string {
  let text = "";
  for (const [path, xattrs] of files) {
    if (xattrs.length === 0) continue;
    text += `# file: ${quote(path)}\n`;
    for (const { name, value } of xattrs) text += `${quote(name)}=${value.length === 0 ? '""' : `0x${toHex(value)}`}\n`;
    text += "\n";
  }
  return text;
}

/** What `getfattr --dump --encoding=hex` prints, by path; empty values come as `0x`, `""` or nothing. */
export function parseXattrs(output: Uint8Array): Map<Name, readonly Xattr[]> {
  const files = new Map<Name, readonly Xattr[]>();
  for (const paragraph of nameFromBytes(output).split("\n\n")) {
    const [head = "", ...lines] = paragraph.split("\n").filter((line) => line !== "");
    if (!head.startsWith("# file: ")) continue;
    const xattrs = lines.map((line) => {
      const [, name = "", hex = ""] = /^([^=]*)(?:=(?:0x([0-9a-fA-F]*)|""))?$/.exec(line) ?? [];
      if (name === "") throw new Error(`getfattr printed a line that is not understood: ${line}`);
      return { name: unquote(name), value: fromHex(hex) };
    });
    files.set(unquote(head.slice("# file: ".length)), sortXattrs(xattrs));
  }
  return files;
}
