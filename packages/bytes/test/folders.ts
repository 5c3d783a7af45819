import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach } from "vitest";

/** A folder for each test of a file, and paths in it. */
export function folders(): { readonly folder: () => string; readonly inFolder: (name: string) => string } {
  const base = mkdtempSync(join(tmpdir(), "sextant-bytes-"));
  let count = 0;
  let folder = base;
  beforeEach(() => {
    folder = join(base, String(count++));
    mkdirSync(folder);
  });
  afterAll(() => rmSync(base, { recursive: true }));
  return { folder: () => folder, inFolder: (name) => join(folder, name) };
}
