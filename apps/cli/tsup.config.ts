import { readFileSync } from "node:fs";
import { defineConfig } from "tsup";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

// One small entry that knows the verbs, and a file a verb that is loaded when it runs.
export default defineConfig({
  entry: ["src/main.ts"],
  format: "esm",
  target: "es2022",
  platform: "node",
  splitting: true,
  clean: true,
  define: { SEXTANT_VERSION: JSON.stringify(version) },
});
