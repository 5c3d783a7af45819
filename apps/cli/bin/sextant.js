#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";

const built = new URL("../dist/main.js", import.meta.url);
const [first, ...rest] = process.argv.slice(2);
if (rest.length === 0 && (first === "--version" || first === "-V")) {
  // Scripts ask this often, and it needs no parser: starting Node is then nearly all that it costs.
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  process.stdout.write(`${version}\n`);
} else if (existsSync(built)) {
  const { main } = await import(built.href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write(
    "sextant: not built yet: dist/main.js is missing (apps/cli)\nhint: run npm install, or npm run build\n",
  );
  process.exitCode = 4;
}
