import { existsSync } from "node:fs";
import { defineConfig } from "tsup";

/**
 * The one way packages are built: ESM with declarations, `index` for everywhere and, where the package has it,
 * `node` for what needs Node, and `worker` for the code that runs in a worker.
 */
export function library() {
  const entry = ["src/index.ts", "src/node.ts", "src/worker.ts"].filter((file) => existsSync(file));
  return defineConfig({
    entry,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: [/^node:/],
    dts: { entry: entry.filter((file) => file !== "src/worker.ts") },
    clean: true,
    sourcemap: false,
  });
}
