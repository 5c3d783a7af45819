import type { ExtensionKind } from "@sextant/extension-release";
import { describe, expect, test } from "vitest";
import { type ImageName, imageNameOf } from "../src/index.js";

type Row = readonly [
  where: string,
  inode: "regular" | "directory",
  kind: ExtensionKind | undefined,
  expected: Partial<ImageName>,
];

const rows: readonly Row[] = [
  ["foo.raw", "regular", undefined, { name: "foo", kind: undefined, ignored: undefined }],
  ["/var/lib/extensions/foo.raw", "regular", undefined, { name: "foo" }],
  ["foo.sysext.raw", "regular", undefined, { name: "foo", kind: "sysext" }],
  ["foo.confext.raw", "regular", undefined, { name: "foo", kind: "confext" }],
  ["foo.confext.raw", "regular", "sysext", { name: "foo.confext", kind: "confext" }],
  ["foo_1.2_x86-64.raw", "regular", undefined, { name: "foo_1.2_x86-64" }],
  ["é.raw", "regular", undefined, { name: "é" }],
  ["foo", "directory", undefined, { name: "foo", kind: undefined, ignored: undefined }],
  ["foo/", "directory", undefined, { name: "foo" }],
  ["foo.raw", "directory", undefined, { name: "foo.raw" }],
  ["foo.sysext.raw", "directory", undefined, { name: "foo.sysext.raw", kind: undefined }],
  ["foo.sysext", "directory", undefined, { name: "foo", kind: "sysext" }],
  ["etc/foo.confext/", "directory", undefined, { name: "foo", kind: "confext" }],
  ["foo.mstack", "directory", undefined, { name: "foo" }],
  ["foo.img", "regular", undefined, { name: "foo.img", ignored: "is a file whose name does not end in .raw" }],
  [".#foo.raw", "regular", undefined, { ignored: "its image name .#foo starts with .#, as temporary files do" }],
  [".sysupdate.foo.raw", "regular", undefined, { ignored: "systemd-sysupdate is still writing it" }],
  ["foo.raw.v", "directory", undefined, { name: "foo.raw.v", ignored: "is a directory of versions" }],
  // What systemd picks out of a directory of versions has that directory's name.
  ["foo.raw.v/foo_1.raw", "regular", undefined, { name: "foo", ignored: undefined }],
  ["/x/foo.raw.v//foo_1.2_arm64+3-0.raw", "regular", undefined, { name: "foo" }],
  ["foo.sysext.raw.v/foo_1.sysext.raw", "regular", undefined, { name: "foo", kind: "sysext" }],
  ["foo.confext.raw.v/foo_1.confext.raw", "regular", undefined, { name: "foo", kind: "confext" }],
  ["foo.v/foo_1", "directory", undefined, { name: "foo" }],
  ["foo.sysext.raw.v/foo_1.raw", "regular", undefined, { name: "foo_1" }],
  ["foo.v/foo_1.raw", "regular", undefined, { name: "foo_1" }],
  ["foo.raw.v/foo_1.raw", "directory", undefined, { name: "foo_1.raw" }],
  ["bar.raw.v/foo_1.raw", "regular", undefined, { name: "foo_1" }],
  // Of a URL its decoded path, without what is behind it.
  ["https://example.com/a/foo.raw", "regular", undefined, { name: "foo" }],
  ["https://example.com/a/foo%20bar.sysext.raw?x=/y.raw#z", "regular", undefined, { name: "foo bar", kind: "sysext" }],
  ["http://example.com/foo.raw.v/foo_2.raw", "regular", undefined, { name: "foo" }],
  ["HTTP://example.com/%ff.raw", "regular", undefined, { name: "%ff" }],
];

describe("the name that an image has", () => {
  test.each(rows)("%s, %s, %s", (where, inode, kind, expected) => {
    expect(imageNameOf(where, inode, kind)).toMatchObject(expected);
  });
});
