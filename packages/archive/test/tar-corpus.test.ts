import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ArchiveWarning, readTar } from "@sextant/archive";
import { concatenated, fromBytes, zeros } from "@sextant/bytes";
import { corpusPath } from "@sextant/testkit";
import { nameFromText } from "@sextant/tree";
import { describe, expect, test } from "vitest";
import { expectError, linesOf } from "./helpers.js";

// What GNU tar 1.34 shows of these archives with `--numeric-owner --full-time -tv`, and the digests of what it extracts.
const test5 = "size=5 sha256=f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2";
const sparse = "size=2097152 sha256=1d8ea67ef6a38396c9ecce081769fb4617336cbb87a7ef4fda582cf4baf48748";
const owner = "owner=1000:1000";
const input = (time: string, more = "") => `/input.txt file mode=0644 ${owner} time=${time} links=1 ${test5}${more}`;
const chain = (part: string, count: number, separator = "/") => new Array<string>(count).fill(part).join(separator);
const deep = chain("012345678901234567890123456789", 5);
const here = ["01", "02", "03", "04"].map((number) => `20_characters_here${number}`);
const links = ["001", "002", "003", "004"].map((number) => `20CharsForLnkTest${number}`);
const hereTimes = [1597524781, 1597524787, 1597524792, 1597524858];
const linkTimes = [1597525019, 1597525023, 1597525028, 1597524532];
const nested = (names: readonly string[], times: readonly number[]) =>
  names.map((_, i) => `/${names.slice(0, i + 1).join("/")} directory mode=0777 ${owner} time=${times[i]}.000000000`);
const linked = `/${links.join("/")}/01234567890123456789`;

const rows: readonly (readonly [file: string, lines: readonly string[]])[] = [
  ["format-acceptance/gnu.tar", [input("1542905892.000000000")]],
  // With atime and ctime where ustar has its prefix.
  ["format-acceptance/gnu-g.tar", [input("1542905892.000000000")]],
  ["format-acceptance/pax.tar", [input("1542905892.629967955")]],
  ["format-acceptance/ustar.tar", [input("1542905892.000000000")]],
  ["format-acceptance/ustar-pre-posix.tar", [input("1542905892.000000000")]],
  ["format-acceptance/v7.tar", [input("1542905892.000000000")]],
  ["large-mtime/gnu.tar", [input("8589934592.000000000")]],
  ["user-group-largenum/gnu.tar", [input("1542995392.000000000").replace(owner, "owner=2147483648:2147483648")]],
  ["sparse-files/gnu.tar", [`/input.bin file mode=0644 ${owner} time=1543055162.000000000 links=1 ${sparse}`]],
  ["sparse-files/pax-gnu1-0.tar", [`/input.bin file mode=0644 ${owner} time=1543055162.245810774 links=1 ${sparse}`]],
  [
    "xattr/xattr-schily-binary.tar",
    [input("1543094477.803174898", " xattr:security.capability=0x0000000200300000000000000000000000000000")],
  ],
  // The mode in the header is 0600, of which the ACL's mask makes 0640 wherever it is set.
  [
    "xattr/acl.tar",
    [
      input(
        "1543082345.191275018",
        " xattr:system.posix_acl_access=0x0200000001000600ffffffff02000600feff000004000000ffffffff08000600fdff000010000400ffffffff20000000ffffffff",
      ).replace("0644", "0640"),
    ],
  ],
  [
    "long-paths/pax.tar",
    [
      ...[1, 2, 3, 4, 5].map(
        (count) => `/${deep.split("/").slice(0, count).join("/")} directory mode=0755 owner=0:0 time=0.000000000`,
      ),
      input("1542909670.281837797").replace("/input.txt", `/${deep}/input.txt`),
    ],
  ],
  [
    "format-acceptance/link_filled.tar",
    [
      ...nested(links, linkTimes),
      `${linked} file mode=0777 ${owner} time=1597523997.000000000 links=2 ${test5}`,
      ...nested(here, hereTimes),
      `/${here.join("/")}/errored_file_tst file mode=0777 ${owner} time=1597523997.000000000 links=2 same=${linked} size=5`,
      `/${here.join("/")}/some_test_file file mode=0777 ${owner} time=1597523997.000000000 links=1 ${test5}`,
    ],
  ],
];

const corpus = corpusPath("tar");
const load = (file: string) => fromBytes(new Uint8Array(readFileSync(join(corpus ?? "", file))), file);

describe.runIf(corpus !== undefined)("archives of squashfs-tools-ng", () => {
  test.each(rows)("%s", async (file, lines) => {
    const warnings: ArchiveWarning[] = [];
    const tree = await readTar(load(file), { onWarning: (warning) => warnings.push(warning) });
    expect((await linesOf(tree)).slice(1)).toEqual(lines);
    expect(warnings).toEqual([]);
  });

  // These stop in the middle of a file of 8 GiB.
  test.each([
    ["file-size/12-digit.tar", 512],
    ["file-size/gnu.tar", 512],
    ["file-size/pax.tar", 1536],
  ])("%s", async (file, offset) => {
    await expectError(readTar(load(file)), "MALFORMED_TRUNCATED", "tar.data", offset);
    const whole = concatenated([load(file), zeros(2 ** 33 + 1024)]);
    const node = (await readTar(whole)).entries.get(nameFromText("big-file.bin"));
    expect(node?.kind === "file" && node.content.size).toBe(2 ** 33);
  });

  test("the sparse files know their holes", async () => {
    for (const file of ["sparse-files/gnu.tar", "sparse-files/pax-gnu1-0.tar"]) {
      const node = (await readTar(load(file))).entries.get(nameFromText("input.bin"));
      const extents = node?.kind === "file" ? node.content.extents : undefined;
      expect(extents?.length).toBe(8);
      expect(extents?.reduce((total, { start, end }) => total + end - start, 0)).toBe(8 * 4096);
    }
  });
});
