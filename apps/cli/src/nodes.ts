import { type LazyNode, type Name, nameFromEscaped, type Resolved, resolvePath } from "@sextant/tree";
import { inputError } from "./errors.js";

/** The node at a path that the user typed; `\xNN` in it stands for a byte, as in listings. */
export async function findNode(root: LazyNode, path: string, where: string, followLast = true): Promise<Resolved> {
  const name: Name = nameFromEscaped(path);
  const found = await resolvePath(root, name, { followLast });
  if (found === undefined) throw inputError(path, "no such file or directory in the image", where);
  return found;
}

const typeLetters = {
  directory: "d",
  file: "-",
  symlink: "l",
  "character-device": "c",
  "block-device": "b",
  fifo: "p",
  socket: "s",
} as const satisfies Record<LazyNode["kind"], string>;

/** `-rwxr-xr-x`, as `ls -l` has it. */
export function formatMode({ kind, mode }: Pick<LazyNode, "kind" | "mode">): string {
  const triad = (bits: number, special: boolean, letter: string) => {
    const run = bits & 1;
    const last = special ? (run ? letter : letter.toUpperCase()) : run ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  const user = triad(mode >> 6, (mode & 0o4000) !== 0, "s");
  const group = triad(mode >> 3, (mode & 0o2000) !== 0, "s");
  return `${typeLetters[kind]}${user}${group}${triad(mode, (mode & 0o1000) !== 0, "t")}`;
}

/** ISO 8601 in UTC, to the second. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `@${seconds}` : date.toISOString().replace(".000Z", "Z");
}
