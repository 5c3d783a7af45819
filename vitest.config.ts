import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Tests run against the sources, so they never see a stale build.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@sextant\/(testkit|peers|lab)$/, replacement: at("./tools/$1/src/index.ts") },
      { find: /^@sextant\/([^/]+)\/node$/, replacement: at("./packages/$1/src/node.ts") },
      { find: /^@sextant\/([^/]+)$/, replacement: at("./packages/$1/src/index.ts") },
    ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tools/*/test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    reporters: ["default", "./tools/testkit/bin/closing-line.mjs"],
  },
});
