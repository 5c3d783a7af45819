import { expect, test } from "vitest";
import { describePrinted } from "../src/index.js";
import { parseResults } from "../src/results.js";

const bytes = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

test.each<[what: string, disk: string, names: string[], complete: boolean]>([
  ["nothing", "", [], false],
  ["an empty disk", "\0".repeat(100), [], false],
  ["an end without commands", "end\n\0\0", [], true],
  ["outputs that look like records", "a 0 4 4\nend\nend\nb 1 0 0\nend\n\0", ["a", "b"], true],
  ["a record that is cut off", "a 0 1 0\nxb 0 100 0\nxx", ["a"], false],
  ["no end", "a 0 1 0\nx\0\0\0", ["a"], false],
])("results: %s", (_, disk, names, complete) => {
  const results = parseResults(bytes(disk));
  expect([[...results.byName.keys()], results.complete]).toEqual([names, complete]);
});

const stat = (mode: string, size: number, inode: number, path: string, shown = path, links = 1) =>
  `${mode} 0 70000 ${size} ${links} ${inode} fff a -6 1969-12-31 23:59:54.750000000 +0000//${path}//${shown}//\n`;

test("a listing with names and targets that look like its own signs", () => {
  const hash = "ab".repeat(32);
  const printed = {
    stat: bytes(
      [
        stat("41ed", 27, 1, "."),
        stat("81a4", 3, 2, "./z\n", undefined, 2),
        stat("41ed", 27, 3, "./a"),
        stat("a1ff", 7, 4, "./a/ \xff", "'./a/ \xff' -> 'x//\n'//'"),
        stat("81a4", 3, 2, "./a/b", undefined, 2),
        stat("81a4", 9, 5, "./a!"),
        stat("61a4", 0, 6, "./disk"),
      ]
        .join("")
        .replace("//./a/ \xff' ->", "//'./a/ \xff' ->"),
    ),
    digests: bytes(`${hash}  ./z\n\n${hash}  ./a/b\n`),
    xattrs: bytes("# file: a\nuser.x=0x00ff\n\n"),
  };
  const common = "owner=0:70000 time=-6.750000000";
  expect(describePrinted(printed)).toEqual([
    `/ directory mode=0755 ${common}`,
    `/a directory mode=0755 ${common} xattr:user.x=0x00ff`,
    `/a/\\x20\\xff symlink mode=0777 ${common} links=1 target=x//\\x0a'//`,
    `/a/b file mode=0644 ${common} links=2 size=3 sha256=${hash}`,
    `/a! file mode=0644 ${common} links=1 size=9 sha256=unreadable`,
    `/disk block-device mode=0644 ${common} links=1 device=4095:10`,
    `/z\\x0a file mode=0644 ${common} links=2 same=/a/b size=3`,
  ]);
});
