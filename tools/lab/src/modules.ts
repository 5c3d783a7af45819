import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type CompressionFormat, decompress } from "@sextant/codecs";
import type { Kernel } from "@sextant/peers";
import { gather } from "./gather.js";

/** A kernel module as the kernel takes it, decompressed. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Endings of module files, and what they are compressed with. */
const endings: readonly (readonly [ending: string, format: CompressionFormat | undefined])[] = [
  [".ko", undefined],
  [".ko.xz", "xz"],
  [".ko.zst", "zstd"],
];

/** The kernel takes `-` and `_` in names of modules for the same. */
const normal = (name: string) => name.replaceAll("-", "_");

/** The name of the module in a file, and what the file is compressed with; undefined for files that are no modules. */
function moduleFile(path: string): readonly [name: string, format: CompressionFormat | undefined] | undefined {
  const [ending, format] = endings.find(([candidate]) => path.endsWith(candidate)) ?? [];
  return ending === undefined ? undefined : [normal(basename(path, ending)), format];
}

/** Values of a field of `.modinfo`, which is `NAME=VALUE` strings between NULs. */
function modinfo(bytes: Uint8Array, field: string): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return [...text.matchAll(new RegExp(`\\0${field}=([^\\0]*)\\0`, "g"))].map(([, value = ""]) => value);
}

/**
 * Modules of a kernel with those that they depend on, each behind what it needs, as `insmod` takes them. Debian's packages
 * have no `modules.dep`, so the modules themselves are asked. What is built into the kernel needs nothing; throws `Error`
 * for a name that is neither.
 */
export async function loadModules(kernel: Kernel, names: readonly string[]): Promise<KernelModule[]> {
  const folder = kernel.modulesDirectory;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const places = new Map(
    files.flatMap((path) => {
      const [name, format] = moduleFile(path) ?? [];
      return name === undefined ? [] : [[name, { path: join(folder, path), format }] as const];
    }),
  );
  const builtin = readFileSync(join(folder, "modules.builtin"), "utf8").split("\n");
  const known = new Set(builtin.map((path) => moduleFile(path)?.[0]));
  const loaded: KernelModule[] = [];
  const load = async (name: string): Promise<void> => {
    if (known.has(name)) return;
    known.add(name);
    const place = places.get(name);
    if (place === undefined) throw new Error(`the kernel ${kernel.version} has no module ${name}`);
    const file = readFileSync(place.path);
    const bytes = place.format === undefined ? file : await gather(decompress(place.format, [file]));
    for (const list of modinfo(bytes, "depends")) {
      for (const needed of list.split(",")) if (needed !== "") await load(normal(needed));
    }
    loaded.push({ name, bytes });
  };
  for (const name of names) await load(normal(name));
  return loaded;
}
