import { equalBytes, fromBytes } from "@sextant/bytes";
import { arbitraryTree, compareTrees, shuffleTree } from "@sextant/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "../src/index.js";
import { openBytes, pack } from "./helpers.js";

describe("any tree", () => {
  const trees = arbitraryTree({ disk: false });

  test("reads back as it was written, and is sound", async () => {
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const image = await pack(tree);
        expect(await compareTrees(tree, await (await openBytes(image)).root())).toEqual([]);
        expect(await check(fromBytes(image))).toMatchObject({ findings: [], truncated: false, compressed: 0 });
      }),
      { seed: 20261123, numRuns: 300 },
    );
  });

  test("gives the same bytes in whatever order its directories are filled", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), async (tree, seed) => {
        expect(equalBytes(await pack(tree), await pack(shuffleTree(tree, seed)))).toBe(true);
      }),
      { seed: 20261124, numRuns: 100 },
    );
  });
});
