import { equalBytes } from "@sextant/bytes";
import { arbitraryTree, compareTrees, shuffleTree } from "@sextant/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openBytes, pack } from "./helpers.js";

describe("any tree", () => {
  const trees = arbitraryTree({ disk: false });

  test("reads back as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const image = await openBytes(await pack(tree));
        expect(await compareTrees(tree, await image.root())).toEqual([]);
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
