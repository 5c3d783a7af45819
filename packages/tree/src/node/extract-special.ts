import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lstatSync, unlinkSync } from "node:fs";
import type { Name } from "../name.js";
import type { LazyNode } from "../types.js";
import { entryPath, type Place } from "./extract-place.js";
import { diskPath, textPath } from "./path.js";

/** A device or fifo that a directory should get. */
export interface WantedSpecial {
  readonly name: Name;
  readonly path: Name;
  readonly node: LazyNode;
}

/**
 * Makes devices and fifos under temporary names in a directory. Node has no call for it, so the program `mknod` does it,
 * all of a directory in one shell: a layer may have thousands of whiteouts. What could not be made says why.
 */
export function makeSpecials(place: Place, wanted: readonly WantedSpecial[]): (Name | { readonly why: string })[] {
  // No name of the image comes near the shell.
  const prefix = `.${randomBytes(6).toString("hex")}.`;
  const lines = wanted.map(({ node }, i) => `mknod ${prefix}${i} ${typeOf(node)}\n`);
  const folder = textPath(place.base);
  if (folder === undefined) return wanted.map(() => ({ why: "the path of the directory is not UTF-8" }));
  const { stderr, error } = spawnSync("/bin/sh", ["-s"], {
    cwd: folder,
    input: `umask 077\n${lines.join("")}`,
    encoding: "latin1",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    stdio: ["pipe", "ignore", "pipe"],
  });
  const complaints = (stderr ?? "").split("\n");
  return wanted.map((_, i) => {
    const made = `${prefix}${i}` as Name;
    if (lstatSync(diskPath(entryPath(place, made)), { throwIfNoEntry: false })) return made;
    const said = complaints.find((line) => line.includes(`${made}:`) || line.includes("not found"));
    return { why: error?.message ?? said?.replace(/^.*: /, "").toLowerCase() ?? "mknod did not make it" };
  });
}

function typeOf({ kind, device }: LazyNode): string {
  if (kind === "fifo") return "p";
  return `${kind === "block-device" ? "b" : "c"} ${device?.major ?? 0} ${device?.minor ?? 0}`;
}

/** Removes what was made under a temporary name. */
export function removeSpecial(place: Place, made: Name): void {
  unlinkSync(diskPath(entryPath(place, made)));
}
