import { describeWithPeers } from "@sextant/peers";
import { expect, test } from "vitest";
import { repositoryPath, withChromium } from "../src/index.js";
import { compressedDigests, engine, imageDigests } from "./browser/erofs.js";

const modules = { erofs: `${repositoryPath}/tools/testkit/test/browser/erofs.ts` };

describeWithPeers("in Chromium", ["chromium"], () => {
  test("images have the same bytes as in Node, whatever they are compressed with", async () => {
    await withChromium({ modules }, async ({ call }) => {
      expect([engine(), await call("erofs", "engine")]).toEqual(["node", "browser"]);
      for (const method of [undefined, "lz4", "lz4hc", "deflate", "zstd"] as const) {
        const here = await imageDigests(2026, 8, method);
        const args = method === undefined ? [] : [method];
        expect([method, await call("erofs", "imageDigests", 2026, 8, ...args)]).toEqual([method, here]);
        expect(new Set(here).size).toBe(8);
      }
    });
  });

  test("compressed images have the same bytes as in Node", async () => {
    const here = await compressedDigests(6);
    await withChromium({ modules }, async ({ call }) => {
      expect(await call("erofs", "compressedDigests", 6)).toEqual(here);
    });
    expect(new Set(here).size).toBeGreaterThan(6);
  });

  test("errors come out, those that nobody catches too", async () => {
    await withChromium({ modules }, ({ call }) =>
      expect(call("erofs", "fail", "no such thing")).rejects.toThrow(/no such thing/),
    );
    const late = withChromium({ modules }, ({ page }) =>
      page.evaluate(
        "new Promise((resolve) => { setTimeout(() => { setTimeout(resolve, 50); throw new Error('late'); }); })",
      ),
    );
    await expect(late).rejects.toThrow("late");
  });

  test("nothing but the page's own server is there", async () => {
    await withChromium({ modules }, async ({ page, origin }) => {
      expect(await page.evaluate(`fetch("${origin}/none").then(({ status }) => status)`)).toBe(404);
      await expect(page.evaluate(`fetch("http://example.com/")`)).rejects.toThrow("Failed to fetch");
    });
  });

  test("what needs Node cannot be bundled", async () => {
    const node = { node: `${repositoryPath}/packages/bytes/src/node.ts` };
    await expect(withChromium({ modules: node }, async () => {})).rejects.toThrow(/node:/);
  });
});
