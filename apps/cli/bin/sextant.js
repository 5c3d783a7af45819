#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../dist/main.js", import.meta.url);
if (existsSync(built)) {
  const { main } = await import(built.href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write(
    "sextant: not built yet: dist/main.js is missing (apps/cli)\nhint: run npm install, or npm run build\n",
  );
  process.exitCode = 4;
}
