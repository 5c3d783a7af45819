import { spawn } from "node:child_process";
import { once } from "node:events";
import { errnoCode } from "@sextant/bytes/node";
import { sortXattrs } from "../build.js";
import { type Name, nameFromText } from "../name.js";
import type { Xattr } from "../types.js";
import { textPath, unreadable } from "./path.js";

/** The calls of the optional package `@napi-rs/xattr`; none of them follows a symlink at the end of the path. */
export interface XattrCalls {
  listAttributesSync(path: string): string[];
  getAttributeSync(path: string, name: string): Uint8Array | null;
  setAttributeSync(path: string, name: string, value: Uint8Array): void;
}

let calls: Promise<XattrCalls | undefined> | undefined;

/** The xattr calls, or undefined where the package is not installed or not made for this machine. */
export function xattrCalls(): Promise<XattrCalls | undefined> {
  calls ??= import("@napi-rs/xattr").then(
    (module) => ("default" in module ? module.default : module) as XattrCalls,
    () => undefined,
  );
  return calls;
}

/** Its errors carry the number of the system call's error in their text only. */
export function xattrErrno(error: unknown): number | undefined {
  const digits = /\(os error (\d+)\)/.exec(error instanceof Error ? error.message : "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** EOPNOTSUPP: the file system has no xattrs, which is no failure when reading. */
const notSupported = 95;

const none: readonly Xattr[] = [];

/** The xattrs at a path that is UTF-8, a symlink's own where it is one. */
export function readXattrs(calls: XattrCalls, path: string, wanted: (name: Name) => boolean): readonly Xattr[] {
  let names: string[];
  try {
    names = calls.listAttributesSync(path);
  } catch (cause) {
    if (xattrErrno(cause) === notSupported) return none;
    throw unreadable(nameFromText(path), cause);
  }
  if (names.length === 0) return none;
  const xattrs: Xattr[] = [];
  for (const text of names) {
    const name = nameFromText(text);
    if (!wanted(name)) continue;
    try {
      const value = calls.getAttributeSync(path, text);
      if (value) xattrs.push({ name, value: Uint8Array.from(value) });
    } catch (cause) {
      throw unreadable(nameFromText(path), cause);
    }
  }
  return sortXattrs(xattrs);
}

/**
 * All xattrs below a directory by one run of `getfattr`, by path relative to it (`.` is the directory). Undefined where
 * there is no such program.
 */
export async function readXattrsByProgram(directory: Name): Promise<Map<Name, readonly Xattr[]> | undefined> {
  const text = textPath(directory);
  if (text === undefined) return undefined;
  const args = ["--recursive", "--physical", "--no-dereference", "--dump", "--match=-", "--encoding=hex", "--", "."];
  const child = spawn("getfattr", args, {
    cwd: text,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
  });
  const output: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => output.push(part));
  child.stderr.on("data", (part: Buffer) => complaints.push(part));
  try {
    const [status] = (await once(child, "close")) as [number | null];
    if (status !== 0)
      throw unreadable(directory, new Error(`getfattr failed: ${Buffer.concat(complaints).toString().trim()}`));
  } catch (cause) {
    if (errnoCode(cause) === "ENOENT") return undefined;
    throw cause;
  }
  return parseGetfattr(Buffer.concat(output).toString("latin1"));
}

/** The dump that `getfattr` prints: per file `# file: PATH`, lines `NAME=0xHEX`, and an empty line. */
export function parseGetfattr(dump: string): Map<Name, readonly Xattr[]> {
  const found = new Map<Name, readonly Xattr[]>();
  for (const block of dump.split("\n\n")) {
    const [head = "", ...lines] = block.split("\n");
    if (!head.startsWith("# file: ")) continue;
    const path = unquote(head.slice("# file: ".length)).replace(/^\.\//, "") as Name;
    const xattrs = lines.flatMap((line): Xattr[] => {
      const [, name, hex] = /^(.*?)=0x([0-9a-f]*)$/.exec(line) ?? [];
      if (name !== undefined && hex !== undefined)
        return [{ name: unquote(name), value: Uint8Array.from(Buffer.from(hex, "hex")) }];
      return line === "" ? [] : [{ name: unquote(line), value: new Uint8Array(0) }];
    });
    found.set(path, sortXattrs(xattrs));
  }
  return found;
}

/** attr's quote(): a backslash and three octal digits. */
function unquote(text: string): Name {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as Name;
}
