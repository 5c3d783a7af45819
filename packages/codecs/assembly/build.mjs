/**
 * Compiles each module of this folder (`NAME/index.ts`, AssemblyScript) to WebAssembly and writes it as
 * `src/wasm/NAME.ts`: a string is what Node, workers and browsers all load without a file or a request. The same sources
 * give the same bytes everywhere, so the results are not kept in the repository.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = fileURLToPath(new URL("../src/wasm/", import.meta.url));

/** No runtime, no imports: memory is laid out by the module itself and grown by its caller. */
const flags = [
  "--runtime=stub",
  "--use=abort=",
  "--noAssert",
  "-O3",
  "--shrinkLevel=0",
  "--converge",
  "--enable=simd,bulk-memory",
];

const newest = (folder) =>
  Math.max(...readdirSync(folder, { recursive: true }).map((file) => statSync(`${folder}/${file}`).mtimeMs));

/** The folders that a module's sources come from: its own, and those that it imports from. */
function foldersOf(name, known = new Set()) {
  known.add(name);
  for (const file of readdirSync(`${here}${name}`, { recursive: true })) {
    const text = readFileSync(`${here}${name}/${file}`, "utf8");
    for (const [, other] of text.matchAll(/from "\.\.\/(\w+)\//g)) if (!known.has(other)) foldersOf(other, known);
  }
  return [...known];
}

async function compile(name) {
  const output = `${target}${name}.ts`;
  const folders = foldersOf(name).map((folder) => newest(`${here}${folder}`));
  const sources = Math.max(...folders, statSync(`${here}build.mjs`).mtimeMs);
  if (existsSync(output) && statSync(output).mtimeMs >= sources) return;
  const { default: asc } = await import("assemblyscript/asc");
  let wasm;
  const { error, stderr } = await asc.main(["index.ts", "--outFile=module.wasm", ...flags], {
    readFile: (path) => {
      const file = `${here}${name}/${path}`;
      return existsSync(file) && statSync(file).isFile() ? readFileSync(file, "utf8") : null;
    },
    writeFile: (path, contents) => {
      if (path === "module.wasm") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${name}: ${error.message}\n${stderr.toString()}`);
  const text = Buffer.from(wasm).toString("base64");
  writeFileSync(output, `/** Compiled from assembly/${name}. */\nexport const ${name}Wasm: string =\n  "${text}";\n`);
}

mkdirSync(target, { recursive: true });
for (const entry of readdirSync(here, { withFileTypes: true })) if (entry.isDirectory()) await compile(entry.name);
