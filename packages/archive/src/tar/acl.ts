import { type Name, nameFromText } from "@sextant/tree";

// ACLs as text in pax records (SCHILY.acl.access and .default, of star and libarchive) turned into the xattrs that Linux
// keeps them in (linux/posix_acl_xattr.h).

const version = 2;
const noId = 0xffffffff;
const tags = { userObject: 0x01, user: 0x02, groupObject: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const;

/** The pax keys, and the xattrs that they stand for. */
export const aclXattrs: ReadonlyMap<string, Name> = new Map([
  ["SCHILY.acl.access", nameFromText("system.posix_acl_access")],
  ["SCHILY.acl.default", nameFromText("system.posix_acl_default")],
]);

interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

/** An ACL as the kernel keeps it, and the mode bits that go with it. */
export interface Acl {
  readonly value: Uint8Array;
  /** User, group class (the mask where there is one) and others: 0…0o777. */
  readonly mode: number;
}

/**
 * Parses `user::rw-,user:joe:rw-:1000,mask::r--,…`. The fourth field is the numeric id, without which a name cannot be told
 * unless it is a number itself. Undefined for what is not such text.
 */
export function parseAcl(text: string): Acl | undefined {
  const entries: AclEntry[] = [];
  for (const part of text.split(/[,\n]/)) {
    const line = part.replace(/#.*/, "").trim();
    if (line === "") continue;
    const entry = parseEntry(line);
    if (!entry) return undefined;
    entries.push(entry);
  }
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  const find = (tag: number) => entries.find((entry) => entry.tag === tag)?.permissions;
  const [user, group, other] = [find(tags.userObject), find(tags.mask) ?? find(tags.groupObject), find(tags.other)];
  if (user === undefined || group === undefined || other === undefined) return undefined;
  return { value: encode(entries), mode: (user << 6) | (group << 3) | other };
}

function parseEntry(line: string): AclEntry | undefined {
  const [kind = "", qualifier = "", permissionText = "", numeric = ""] = line.split(":");
  const isNamed = qualifier !== "";
  const tag = {
    user: isNamed ? tags.user : tags.userObject,
    group: isNamed ? tags.group : tags.groupObject,
    mask: tags.mask,
    other: tags.other,
  }[kind];
  const match = /^([r-])([w-])([x-])$/.exec(permissionText);
  if (tag === undefined || !match) return undefined;
  const permissions = (match[1] === "r" ? 4 : 0) | (match[2] === "w" ? 2 : 0) | (match[3] === "x" ? 1 : 0);
  if (!isNamed) return { tag, permissions, id: noId };
  const idText = numeric === "" ? qualifier : numeric;
  const id = Number(idText);
  return /^\d{1,10}$/.test(idText) && id < noId ? { tag, permissions, id } : undefined;
}

function encode(entries: readonly AclEntry[]): Uint8Array {
  const value = new Uint8Array(4 + 8 * entries.length);
  const view = new DataView(value.buffer);
  view.setUint32(0, version, true);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const at = 4 + 8 * index;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, id, true);
  }
  return value;
}
