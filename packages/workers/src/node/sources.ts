import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is used of esbuild, which a checkout always has (tsup, tsx and vitest are made of it) and an installed package never needs. */
interface Esbuild {
  buildSync(options: Readonly<Record<string, unknown>>): { readonly outputFiles: readonly { contents: Uint8Array }[] };
}

const bundles = new Map<string, URL>();

/**
 * A worker file in TypeScript as one JavaScript module in a `data:` URL. Node 20 runs no TypeScript in workers, and tsx
 * does not reach into them. Imports between our packages go to their sources, through `paths` of the outermost tsconfig.json.
 */
export function bundleSources(file: URL): URL {
  const known = bundles.get(file.href);
  if (known) return known;
  const { buildSync } = createRequire(file)("esbuild") as Esbuild;
  const [output] = buildSync({
    entryPoints: [fileURLToPath(file)],
    tsconfig: outermostTsconfig(file),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
    logLevel: "silent",
  }).outputFiles;
  const url = new URL(`data:text/javascript;base64,${Buffer.from(output?.contents ?? []).toString("base64")}`);
  bundles.set(file.href, url);
  return url;
}

function outermostTsconfig(file: URL): string | undefined {
  let found: string | undefined;
  for (let folder = dirname(fileURLToPath(file)); folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, "tsconfig.json");
    if (existsSync(candidate)) found = candidate;
  }
  return found;
}
