import { fromBytes } from "@sextant/bytes";
import {
  type FileContent,
  type LazyEntry,
  type LazyNode,
  type Name,
  type NodeKind,
  nameFromText,
  type Xattr,
} from "@sextant/tree";
import { text } from "./helpers.js";

/** What a damaged or malicious image may claim: everything a lazy tree can say, without the sense. */
export interface Hostile {
  readonly kind: NodeKind;
  /** Default: its own. */
  readonly id?: number;
  /** In this order, as often as they stand here. */
  readonly entries?: readonly (readonly [name: string, node: Hostile])[];
  /** What the directory entry claims, where it is not the kind. */
  readonly entryKind?: NodeKind;
  readonly target?: string;
  readonly content?: string | FileContent;
  readonly mode?: number;
  readonly uid?: number;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs?: readonly Xattr[];
  readonly mtimeSeconds?: number;
  readonly mtimeNanoseconds?: number;
}

let nextId = 1000;
const ids = new Map<Hostile, number>();

function idOf(hostile: Hostile): number {
  const id = hostile.id ?? ids.get(hostile) ?? nextId++;
  ids.set(hostile, id);
  return id;
}

/** The claims as a lazy tree. */
export function hostileNode(hostile: Hostile): LazyNode {
  const { kind, entries = [], target = "", content = "" } = hostile;
  const bytes = typeof content === "string" ? text(content) : undefined;
  const entryOf = ([name, node]: readonly [string, Hostile]): LazyEntry => ({
    name: nameFromText(name),
    kind: node.entryKind ?? node.kind,
    node: async () => hostileNode(node),
  });
  return {
    kind,
    id: idOf(hostile),
    mode: hostile.mode ?? 0o755,
    uid: hostile.uid ?? 0,
    gid: 0,
    mtimeSeconds: hostile.mtimeSeconds ?? 0,
    mtimeNanoseconds: hostile.mtimeNanoseconds ?? 0,
    nlink: 1,
    size: 0,
    device: hostile.device,
    xattrs: async () => hostile.xattrs ?? [],
    entries: async () => entries.map(entryOf),
    lookup: async (name: Name) => {
      const found = entries.find(([one]) => nameFromText(one) === name);
      return found && hostileNode(found[1]);
    },
    readlink: async () => nameFromText(target),
    content: () => (bytes ? { size: bytes.length, open: () => fromBytes(bytes) } : (content as FileContent)),
  };
}

/** Makers for hostile trees. */
export const dir = (...entries: readonly (readonly [string, Hostile])[]): Hostile => ({ kind: "directory", entries });
export const data = (content: Hostile["content"] = "evil", rest: Partial<Hostile> = {}): Hostile => ({
  kind: "file",
  content: content ?? "",
  ...rest,
});
export const link = (target: string): Hostile => ({ kind: "symlink", target });

/** A content that does something at the moment when it is read. */
export const when = (act: () => void): FileContent => ({
  size: 4,
  open() {
    act();
    return fromBytes(text("data"));
  },
});
