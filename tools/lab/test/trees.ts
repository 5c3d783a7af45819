import { concatBytes } from "@sextant/bytes";
import { arbitraryTree, seededRandom } from "@sextant/testkit";
import { type Directory, device, directory, file, nameFromText, special, symlink, type TreeNode } from "@sextant/tree";
import fc from "fast-check";

const random = seededRandom(612);

/** Text of a few hundred words, which compresses to about the half. */
function words(size: number): Uint8Array {
  const dictionary = Array.from({ length: 300 }, () => random.bytes(2 + random.below(8)));
  const parts: Uint8Array[] = [];
  for (let length = 0; length < size; length += parts.at(-1)?.length ?? 0) parts.push(random.pick(dictionary));
  return concatBytes(parts).slice(0, size);
}

function folder(nodes: Readonly<Record<string, TreeNode>>): Directory {
  const made = directory({ mtimeSeconds: 1_700_000_000, mtimeNanoseconds: 123_456_789 });
  for (const [name, node] of Object.entries(nodes)) made.entries.set(nameFromText(name), node);
  return made;
}

/** Content at the edges of blocks and clusters, repeated within files and across them, and one node of each other kind. */
function fixed(): Directory {
  const shared = words(200_000);
  const twice = file(words(5000), { mode: 0o4755, uid: 70_000, gid: 2 ** 32 - 2 });
  const release = folder({ "extension-release.lab": file(new TextEncoder().encode("ID=_any\n")) });
  const small = Array.from({ length: 60 }, (_, index): [string, TreeNode] => [`${index}`, file(words(31 * index))]);
  return folder({
    usr: folder({
      lib: folder({ "extension-release.d": release }),
      large: file(words(1_500_000)),
      zeros: file(new Uint8Array(900_000)),
      noise: file(random.bytes(150_001)),
      "noise and words": file(concatBytes([random.bytes(65_537), words(70_000), random.bytes(9000)])),
      shared: file(shared),
      "shared, shifted": file(concatBytes([words(131), shared, shared.subarray(0, 100_000)])),
      small: folder(Object.fromEntries(small)),
    }),
    twice,
    again: twice,
    link: symlink(nameFromText("a//b\n")),
    "odd\nname 'quoted' -> 'x'": file(words(4096)),
    null: device("character-device", 1, 3, { mode: 0o666 }),
    disk: device("block-device", 4095, 2 ** 20 - 1),
    fifo: special("fifo", { mtimeSeconds: -5, mtimeNanoseconds: 250_000_000 }),
  });
}

/** A tree without sockets, for writers that go through a tar archive. */
export const fixedTree: Directory = fixed();

/** Seeded trees at the edges of the format, each in a directory of its own. */
export const oddTree: Directory = folder(
  Object.fromEntries(
    fc
      .sample(arbitraryTree({ maxFileBytes: 140_000 }), { seed: 12, numRuns: 4 })
      .map((tree, index) => [`tree ${index}`, tree]),
  ),
);
