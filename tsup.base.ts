import { existsSync, readFileSync } from "node:fs";
import { defineConfig } from "tsup";

/**
 * The one way packages are built: ESM with declarations, `index` for everywhere and, where the package has it,
 * `node` for what needs Node, and `worker` for the code that runs in a worker.
 */
export function library() {
  const entry = ["src/index.ts", "src/node.ts", "src/worker.ts"].filter((file) => existsSync(file));
  // tsup leaves dependencies and peers out of the bundle by itself, optional ones not.
  const { optionalDependencies = {} } = JSON.parse(readFileSync("package.json", "utf8"));
  return defineConfig({
    entry,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: [/^node:/, ...Object.keys(optionalDependencies)],
    dts: { entry: entry.filter((file) => file !== "src/worker.ts") },
    clean: true,
    sourcemap: false,
  });
}
