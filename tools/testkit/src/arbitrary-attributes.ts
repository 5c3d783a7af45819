import type { Attributes, Xattr } from "@sextant/tree";
import { type Name, nameFromBytes, nameFromText, sortXattrs } from "@sextant/tree";
import fc from "fast-check";

/** What the trees may have. Every option widens or narrows what a format or a disk can hold. */
export interface TreeOptions {
  /** Directories besides the root; default 6. */
  readonly maxDirectories?: number;
  /** Nodes that are no directories; default 14. */
  readonly maxLeaves?: number;
  /** Largest file in bytes; default 20,000. Edges above it are left out. */
  readonly maxFileBytes?: number;
  /** Default true. */
  readonly xattrs?: boolean;
  /** Device nodes, whiteouts, fifos; default true. */
  readonly devices?: boolean;
  /** Default true; tar and most archives have none. */
  readonly sockets?: boolean;
  /** Default true. */
  readonly hardLinks?: boolean;
  /** Default: -2^31 + 1 and 2^34 - 2^31 - 2. One more either way, and ext4 drops the nanoseconds. */
  readonly minSeconds?: number;
  readonly maxSeconds?: number;
  /** Times with parts of a second; default true. */
  readonly nanoseconds?: boolean;
  /**
   * Default true: only what root can put on a Linux disk. False adds owners of 2^32 - 1, large xattr values, and xattrs that the kernel
   * refuses on that kind of node.
   */
  readonly disk?: boolean;
}

export const defaultMinSeconds = 1 - 2 ** 31;
export const defaultMaxSeconds = 2 ** 34 - 2 ** 31 - 2;

/** One byte or more, none of them NUL or a slash. */
const nameBytes = (minLength: number, maxLength: number) =>
  fc
    .uint8Array({ min: 1, max: 255, minLength, maxLength })
    .map((bytes) => nameFromBytes(bytes.map((byte) => (byte === 0x2f ? 0x2e : byte))))
    .filter((name) => name !== "." && name !== "..");

/** Around `.` and `..` in byte order, beyond ASCII, and other names that go wrong somewhere. */
const oddNames: readonly Name[] = [
  ...["-", "-.", "...", ".-", ".!", "..-", "0", "a", "A", "a.", ".a", "~", "!", "\t", "\n", " ", "\\", "\\x41", "%00"],
  ...["lost+found", "PaxHeaders", "TRAILER!!!", "é", "e\u0301", "ÿ", "名前", "\u{1f980}"],
].map(nameFromText);
const notUtf8: readonly Name[] = [[0xff], [0x80], [0xc3], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0x01], [0x7f]].map(
  (bytes) => nameFromBytes(Uint8Array.from(bytes)),
);

/** A file name. */
export const arbitraryName: fc.Arbitrary<Name> = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z]{1,8}$/).map(nameFromText) },
  { weight: 2, arbitrary: fc.constantFrom(...oddNames) },
  { weight: 1, arbitrary: fc.constantFrom(...notUtf8) },
  { weight: 1, arbitrary: nameBytes(1, 3) },
  { weight: 1, arbitrary: nameBytes(252, 255) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 252, max: 255 }), fc.constantFrom("x", "y"))
      .map(([length, letter]) => nameFromText(letter.repeat(length))),
  },
);

const owner = (disk: boolean) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(1, 1000, 65534, 65535, 65536, 65537, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2),
    },
    { weight: disk ? 0 : 1, arbitrary: fc.constant(2 ** 32 - 1) },
  );

const modes = [0o644, 0o755, 0o600, 0o0, 0o777, 0o4755, 0o2755, 0o1777, 0o7777, 0o7000];

function seconds(options: TreeOptions): fc.Arbitrary<number> {
  const { minSeconds = defaultMinSeconds, maxSeconds = defaultMaxSeconds } = options;
  const edges = [0, 1, -1, 1_700_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, minSeconds, maxSeconds];
  return fc.constantFrom(...edges.filter((edge) => edge >= minSeconds && edge <= maxSeconds));
}

/** A POSIX ACL as the kernel's xattr has it (version 2): the mode's bits, one named user more, so that it is not dropped. */
function aclFor(mode: number, uid: number): Uint8Array {
  const undefinedId = 0xffff_ffff;
  const rows = [
    [0x01, (mode >> 6) & 7, undefinedId],
    [0x02, 5, uid],
    [0x04, 5, undefinedId],
    [0x10, (mode >> 3) & 7, undefinedId],
    [0x20, mode & 7, undefinedId],
  ] as const;
  const bytes = new Uint8Array(4 + 8 * rows.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 2, true);
  for (const [index, [tag, permissions, id]] of rows.entries()) {
    view.setUint16(4 + 8 * index, tag, true);
    view.setUint16(6 + 8 * index, permissions, true);
    view.setUint32(8 + 8 * index, id, true);
  }
  return bytes;
}

/** `cap_net_raw+ep` as `security.capability` has it, revision 2. */
const capability = Uint8Array.of(1, 0, 0, 2, 0, 0x20, ...new Array<number>(14).fill(0));

const values = (maxLength: number) =>
  fc.oneof(
    // Few values, so that inodes share them.
    { weight: 3, arbitrary: fc.constantFrom("", "y", "shared value", "x".repeat(100)).map((text) => bytesOf(text)) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: Math.min(maxLength, 40) }) },
    {
      weight: maxLength > 1000 ? 1 : 0,
      arbitrary: fc.constantFrom(4076, 4096, 8192, maxLength).map((length) => new Uint8Array(length).fill(0x5a)),
    },
  );

const bytesOf = (text: string) => new TextEncoder().encode(text);

const plainKeys = ["user.a", "user.mime_type", "user.é", "trusted.a", "trusted.b.c", "security.sextant", "security.a"];

/** What kind of node the attributes are for: the kernel allows different xattrs. */
export type AttributeKind = "directory" | "file" | "other";

function xattrsFor(kind: AttributeKind, mode: number, options: TreeOptions): fc.Arbitrary<Xattr[]> {
  const { disk = true, xattrs = true } = options;
  if (!xattrs) return fc.constant([]);
  const keys = plainKeys.filter((key) => !disk || kind !== "other" || !key.startsWith("user."));
  const value = values(disk ? 40 : 65535);
  const plain = fc.record({ name: fc.constantFrom(...keys).map(nameFromText), value });
  const special: Xattr[] = [];
  const add = (name: string, bytes: Uint8Array) => special.push({ name: nameFromText(name), value: bytes });
  if (kind !== "other" || !disk) add("system.posix_acl_access", aclFor(mode, 1000));
  if (kind === "directory") {
    add("system.posix_acl_default", aclFor(0o750, 65536));
    add("trusted.overlay.opaque", bytesOf("y"));
  }
  if (kind === "file") add("security.capability", capability);
  const longName = { name: nameFromText(`user.${"n".repeat(250)}`), value: bytesOf("long") };
  if (kind !== "other") special.push(longName);
  const one = special.length === 0 ? plain : fc.oneof({ weight: 3, arbitrary: plain }, fc.constantFrom(...special));
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<Xattr[]>([]) },
    { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength: 4 }).map(sortXattrs) },
  );
}

/** Owner, mode, time and xattrs of a node. */
export function arbitraryAttributes(kind: AttributeKind, options: TreeOptions): fc.Arbitrary<Attributes> {
  const { disk = true, nanoseconds = true } = options;
  const base = fc.record({
    mode: fc.constantFrom(...modes),
    uid: owner(disk),
    gid: owner(disk),
    mtimeSeconds: seconds(options),
    mtimeNanoseconds: fc.constantFrom(...(nanoseconds ? [0, 1, 123_456_789, 999_999_999] : [0])),
  });
  return base.chain((attributes) =>
    xattrsFor(kind, attributes.mode, options).map((xattrs) => ({ ...attributes, xattrs })),
  );
}
