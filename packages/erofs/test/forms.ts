import { concatBytes } from "@sextant/bytes";
import { advise } from "../src/compressed/layout.js";
import { featureIncompat } from "../src/features.js";
import { blockOf, type Crafted, full, header, type Low, lz4Run, pack, padded, records, run } from "./craft.js";

/** Clusters of several blocks have to fill all but the last one. */
const lz4 = (letter: string, count: number, blocks = 1) =>
  padded(lz4Run(letter.charCodeAt(0), count, 1 + (blocks - 1) * 4096), blocks);
const { bigCluster1, bigCluster2, compacted2b, extents, fragment, inlineCluster, interlaced } = advise;
/** Low bits of an extent's length: how it is compressed. */
const lz4Format = 2 ** 28;
const partial = 2 ** 27;
const recordSize = (bytes: number) => extents | ((Math.log2(bytes) - 2) << 1);

/** Everything that indexes and records can say, and the content that it makes. */
export const forms: readonly (readonly [string, Crafted, Uint8Array])[] = [
  [
    "full indexes, heads amid lclusters, the end of the data marked",
    {
      layout: "compressedFull",
      size: 11_000,
      map: full(header(), [
        { head: "head1", block: 1 },
        { head: "head1", at: 904, block: 2 },
        { head: "plain", at: 2808, block: 0 },
      ]),
      blocks: [lz4("a", 5000), lz4("b", 6000)],
    },
    concatBytes([run("a", 5000), run("b", 6000)]),
  ],
  [
    "full indexes, stored extents",
    {
      layout: "compressedFull",
      size: 8192,
      map: full(header(), [
        { head: "plain", block: 2 },
        { head: "plain", block: 1 },
      ]),
      blocks: [run("b", 4096), run("a", 4096)],
    },
    concatBytes([run("a", 4096), run("b", 4096)]),
  ],
  [
    "full indexes, stored extents turned round",
    {
      layout: "compressedFull",
      size: 9096,
      map: full(header({ advise: interlaced }), [
        { head: "head1", block: 1 },
        { head: "plain", at: 904, block: 2 },
        { head: "plain", at: 904, block: 0 },
      ]),
      blocks: [lz4("a", 5000), concatBytes([run("c", 904), run("b", 3192)])],
    },
    concatBytes([run("a", 5000), run("b", 3192), run("c", 904)]),
  ],
  [
    "full indexes, a big cluster, and one that only could be",
    {
      layout: "compressedFull",
      size: 30_000,
      map: full(header({ advise: bigCluster1 }), [
        { head: "head1", block: 1 },
        { blocks: 3, ahead: 3 },
        { back: 2, ahead: 2 },
        { back: 3, ahead: 1 },
        { head: "head1", at: 20_000 - 4 * 4096, block: 4 },
        { head: "head1", at: 24_000 - 5 * 4096, block: 5 },
        { blocks: 1, ahead: 2 },
        { back: 2, ahead: 1 },
      ]),
      blocks: [lz4("a", 20_000, 3), lz4("b", 4000), lz4("c", 6000)],
      algorithms: 1,
    },
    concatBytes([run("a", 20_000), run("b", 4000), run("c", 6000)]),
  ],
  [
    "full indexes, extents that share a cluster",
    {
      layout: "compressedFull",
      size: 8000,
      map: full(header(), [
        { head: "head1", block: 1, partial: true },
        { head: "head1", at: 904, block: 1, partial: true },
      ]),
      blocks: [lz4("a", 6000)],
      features: featureIncompat.fragments,
    },
    run("a", 8000),
  ],
  [
    "full indexes, the second algorithm",
    {
      layout: "compressedFull",
      size: 12_000,
      map: full(header({ algorithms: 0x03 }), [
        { head: "head1", block: 2 },
        { head: "head2", at: 1904, block: 1 },
        { back: 1, ahead: 1 },
      ]),
      blocks: [lz4("b", 6000), padded(zstdRun("a", 6000))],
      algorithms: 0x09,
      features: featureIncompat.deviceTable,
    },
    concatBytes([run("a", 6000), run("b", 6000)]),
  ],
  [
    "full indexes, an extent behind them",
    {
      layout: "compressedFull",
      size: 9000,
      map: concatBytes([
        full(header({ advise: inlineCluster, low: lz4Run(98, 4000).length * 65536 }), [
          { head: "head1", block: 1 },
          { head: "head1", at: 904, block: 0 },
          { back: 1, ahead: 1 },
        ]),
        lz4Run(98, 4000),
      ]),
      blocks: [lz4("a", 5000)],
      features: featureIncompat.ztailpacking,
    },
    concatBytes([run("a", 5000), run("b", 4000)]),
  ],
  [
    "full indexes, an extent in the packed inode",
    {
      layout: "compressedFull",
      size: 9000,
      map: full(header({ advise: fragment, low: 100 }), [
        { head: "head1", block: 1 },
        { head: "head1", at: 904, block: 0 },
        { back: 1, ahead: 1 },
      ]),
      blocks: [lz4("a", 5000), concatBytes([run("x", 100), run("b", 3996)]), run("b", 4096)],
      packed: { block: 2, size: 8192 },
      features: featureIncompat.fragments,
    },
    concatBytes([run("a", 5000), run("b", 4000)]),
  ],
  [
    "all of a file in the packed inode",
    {
      layout: "compressedFull",
      size: 5000,
      map: header({ low: 96, clusterBits: 0x80 }),
      blocks: [concatBytes([run("x", 96), run("b", 4000)]), run("c", 4096)],
      packed: { block: 1, size: 8192 },
      features: featureIncompat.fragments,
    },
    concatBytes([run("b", 4000), run("c", 1000)]),
  ],
  [
    "compact indexes of 4 bytes",
    {
      layout: "compressedCompact",
      size: 12_000,
      map: concatBytes([
        header(),
        pack(
          [
            ["head1", 0],
            ["head1", 904],
          ],
          0,
        ),
        pack(
          [
            ["nonhead", 1],
            ["plain", 0],
          ],
          2,
        ),
      ]),
      blocks: [lz4("a", 5000), lz4("b", 7000)],
    },
    concatBytes([run("a", 5000), run("b", 7000)]),
  ],
  [
    "compact indexes of 2 bytes between those of 4, with big clusters",
    {
      layout: "compressedCompact",
      size: 24 * 4096,
      map: concatBytes([
        header({ advise: compacted2b | bigCluster1 | bigCluster2 }),
        // The header ends at byte 1576: 6 indexes up to the next multiple of 32.
        pack(
          [
            ["head1", 0],
            ["nonhead", 0x802],
          ],
          1,
        ),
        pack(
          [
            ["nonhead", 2],
            ["nonhead", 2],
          ],
          3,
        ),
        pack(
          [
            ["nonhead", 4],
            ["head1", 0],
          ],
          3,
        ),
        pack(
          [
            ["nonhead", 0x801],
            ...Array.from({ length: 13 }, (_, index): Low => ["nonhead", index + 2]),
            ["head1", 0],
            ["plain", 0],
          ],
          3,
        ),
        pack(
          [
            ["head1", 0],
            ["nonhead", 0x801],
          ],
          6,
        ),
      ]),
      blocks: [lz4("a", 5 * 4096, 2), lz4("b", 15 * 4096), lz4("c", 4096), run("d", 4096), lz4("e", 2 * 4096)],
      algorithms: 1,
    },
    concatBytes([run("a", 5 * 4096), run("b", 15 * 4096), run("c", 4096), run("d", 4096), run("e", 2 * 4096)]),
  ],
  [
    "records of 4 bytes, clusters that begin anywhere",
    {
      layout: "compressedFull",
      size: 20_000,
      map: records(header({ advise: recordSize(4), clusterBits: 1 }), 4, [
        { length: lz4Format + lz4Run(97, 8192).length, at: 4096 + 7 },
        { length: lz4Format + lz4Run(98, 8192).length },
        { length: 3616 },
      ]),
      blocks: [blockOf(concatBytes([run("?", 7), lz4Run(97, 8192), lz4Run(98, 8192), run("c", 3616)]))],
      features: featureIncompat.layout48,
    },
    concatBytes([run("a", 8192), run("b", 8192), run("c", 3616)]),
  ],
  [
    "records of 8 bytes, the last one in the packed inode",
    {
      layout: "compressedFull",
      size: 10_000,
      map: records(header({ advise: recordSize(8) | fragment, clusterBits: 1 }), 8, [
        { length: lz4Format + partial + lz4Run(97, 9000).length, at: 4096 },
        { length: 50 },
      ]),
      blocks: [blockOf(lz4Run(97, 9000)), concatBytes([run("x", 50), run("b", 4046)])],
      packed: { block: 2, size: 4096 },
      features: featureIncompat.layout48 | featureIncompat.fragments,
    },
    concatBytes([run("a", 8192), run("b", 1808)]),
  ],
  [
    "records of 16 bytes, holes among them",
    {
      layout: "compressedFull",
      size: 50_000,
      map: records(header({ advise: recordSize(16), low: 4 }), 16, [
        { length: lz4Format + 4096, at: 4096, start: 0 },
        { length: 0, start: 3000 },
        { length: 100, at: 8192 + 1, start: 30_000 },
        { length: lz4Format, start: 30_100 },
      ]),
      blocks: [lz4("a", 3000), concatBytes([run("?", 1), run("b", 4095)])],
      features: featureIncompat.layout48,
    },
    concatBytes([run("a", 3000), new Uint8Array(27_000), run("b", 100), new Uint8Array(19_900)]),
  ],
  [
    "records of 32 bytes, the first one amid the data",
    {
      layout: "compressedFull",
      size: 6000,
      map: records(header({ advise: recordSize(32), low: 1 }), 32, [
        { length: lz4Format + 4096, at: 4096, start: 1000 },
      ]),
      blocks: [lz4("a", 5000)],
      features: featureIncompat.layout48,
    },
    concatBytes([new Uint8Array(1000), run("a", 5000)]),
  ],
];

/** A frame of one RLE block, in a single segment of 256 to 65791 bytes. */
export function zstdRun(letter: string, count: number): Uint8Array {
  const size = count * 8 + 3;
  const block = [size & 0xff, (size >> 8) & 0xff, size >> 16, letter.charCodeAt(0)];
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x60, (count - 256) & 0xff, (count - 256) >> 8, ...block);
}
