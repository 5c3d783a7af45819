import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A folder that goes away when it is disposed of (`using`), with all that is in it. */
export interface TemporaryDirectory {
  readonly path: string;
  remove(): void;
  [Symbol.dispose](): void;
}

/** A new, empty folder in the machine's temporary folder. Remove it, or declare it with `using`. */
export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), "sextant-test-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  return { path, remove, [Symbol.dispose]: remove };
}

/** Calls `use` with a new, empty folder and removes it afterwards, whatever happened. */
export async function withTemporaryDirectory<T>(use: (path: string) => Promise<T> | T): Promise<T> {
  const folder = temporaryDirectory();
  try {
    return await use(folder.path);
  } finally {
    folder.remove();
  }
}

/** The checkout's root folder. */
export const repositoryPath = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

const told = new Set<string>();

/**
 * The path of a public corpus, which lies beside the checkout in `shared/corpora`, or undefined, saying so once, where it
 * is not there.
 */
export function corpusPath(name: string): string | undefined {
  const path = join(repositoryPath, "..", "shared", "corpora", name);
  if (existsSync(path)) return path;
  if (!told.has(name)) process.stderr.write(`skipped: no corpus "${name}" beside the checkout\n`);
  told.add(name);
  return undefined;
}
