import { describe, expect, it } from "vitest";
import { checkWorkspace } from "../src/check.js";
import { formatFinding } from "../src/finding.js";
import { drawInto } from "../src/rules/picture.js";
import { createWorkspace } from "../src/workspace.js";

type Files = Readonly<Record<string, string | undefined>>;

function manifest(short: string, more: object = {}, entries: readonly string[] = ["index"]): string {
  const exports: Record<string, unknown> = {};
  for (const entry of entries) {
    exports[entry === "index" ? "." : `./${entry}`] = {
      types: `./dist/${entry}.d.ts`,
      default: `./dist/${entry}.js`,
    };
  }
  const common = { name: `@sextant/${short}`, version: "0.1.0", description: short, license: "MIT", type: "module" };
  const published = {
    sideEffects: false,
    engines: { node: ">=20.12" },
    exports: { ...exports, "./package.json": "./package.json" },
    files: ["dist"],
    publishConfig: { access: "public" },
  };
  return JSON.stringify({ ...common, ...published, ...more }, null, 2);
}

const architecture = "<!-- floors: written by `npm run check -- --write` -->\n<!-- /floors -->\n";

/** A small house in good order: two packages, a test tool, one changeset. */
const house: Files = {
  "package.json": JSON.stringify({
    license: "MIT",
    engines: { node: ">=20.12" },
    devDependencies: { vitest: "4", "fast-check": "4" },
  }),
  "packages/bytes/package.json": manifest("bytes", {}, ["index", "node"]),
  "packages/bytes/src/index.ts": 'export { one } from "./one.js";\n',
  "packages/bytes/src/one.ts": "/** The first number. */\nexport const one = 1;\n",
  "packages/bytes/src/node.ts":
    'import { sep } from "node:path";\n\n/** The separator. */\nexport const slash = sep;\n',
  "packages/tree/package.json": manifest("tree", { dependencies: { "@sextant/bytes": "^0.1.0" } }),
  "packages/tree/src/index.ts": 'export { two } from "./two.js";\n',
  "packages/tree/src/two.ts":
    'import { one } from "@sextant/bytes";\n\n/** Twice one. */\nexport const two = 2 * one;\n',
  "packages/tree/test/two.test.ts":
    'import { two } from "@sextant/tree";\nimport { it } from "vitest";\nit("is", () => void two);\n',
  "tools/testkit/package.json": JSON.stringify({
    name: "@sextant/testkit",
    private: true,
    description: "testkit",
    license: "MIT",
    type: "module",
  }),
  "tools/testkit/src/index.ts": 'import "@sextant/tree";\n',
  ".changeset/first.md": '---\n"@sextant/bytes": minor\n"@sextant/tree": minor\n---\n\nCounted.\n',
};

const words = { paths: ["/elsewhere/main"], hosts: ["packages.example.org"] };

/** The findings for the house with these files in place of its own; undefined takes a file away. */
function findings(changes: Files, drawn = true): string[] {
  const files = new Map<string, string>();
  for (const [path, text] of Object.entries({ "ARCHITECTURE.md": architecture, ...house, ...changes })) {
    if (text !== undefined) files.set(path, text);
  }
  const document = files.get("ARCHITECTURE.md");
  if (drawn && document !== undefined) {
    files.set("ARCHITECTURE.md", drawInto(document, createWorkspace(files)) ?? document);
  }
  return checkWorkspace(createWorkspace(files), words).map(formatFinding);
}

const two = house["packages/tree/src/two.ts"] as string;

// The parts of words in brackets keep this file out of its own findings.
const rows: readonly [what: string, changes: Files, expected: readonly string[]][] = [
  ["a house in good order", {}, []],

  // imports
  [
    "an import from the same floor",
    {
      "packages/bytes/package.json": manifest("bytes", { dependencies: { "@sextant/workers": "^0.1.0" } }, [
        "index",
        "node",
      ]),
      "packages/bytes/src/one.ts": 'import "@sextant/workers";\n/** The first number. */\nexport const one = 1;\n',
      "packages/workers/package.json": manifest("workers"),
      "packages/workers/src/index.ts": 'export { work } from "./work.js";\n',
      "packages/workers/src/work.ts": "/** Works. */\nexport function work() {}\n",
      ".changeset/second.md": '---\n"@sextant/workers": minor\n---\n\nWorked.\n',
    },
    ["packages/bytes/src/one.ts:1: imports: @sextant/workers (floor 0) is not below bytes (floor 0)"],
  ],
  [
    "a package without a floor",
    {
      "packages/attic/package.json": manifest("attic"),
      "packages/attic/src/index.ts": 'export { old } from "./old.js";\n',
      "packages/attic/src/old.ts": "/** Old. */\nexport const old = 1;\n",
      ".changeset/second.md": '---\n"@sextant/attic": minor\n---\n\nStored.\n',
    },
    ["packages/attic/package.json:1: imports: attic stands on no floor; give it one in tools/check/src/floors.ts"],
  ],
  [
    "an import of a package that is not declared",
    { "packages/tree/package.json": manifest("tree") },
    ["packages/tree/src/two.ts:1: imports: @sextant/bytes is not a dependency of @sextant/tree"],
  ],
  [
    "dependencies that nothing imports",
    { "packages/tree/src/two.ts": "/** Two. */\nexport const two = 2;\n" },
    ["packages/tree/package.json:25: imports: @sextant/bytes is a dependency and nothing imports it"],
  ],
  [
    "a third party's package that is not declared",
    { "packages/tree/src/two.ts": `import "fflate/browser";\n${two}` },
    ["packages/tree/src/two.ts:1: imports: fflate is not a dependency of @sextant/tree"],
  ],
  [
    "test tools outside of tests",
    { "packages/tree/src/two.ts": `import "vitest";\nimport type { Kit } from "@sextant/testkit";\n${two}` },
    [
      "packages/tree/src/two.ts:1: imports: vitest is for tests only",
      "packages/tree/src/two.ts:2: imports: @sextant/testkit is for tests only",
    ],
  ],
  [
    "reaching into another package",
    { "packages/tree/src/two.ts": `import "@sextant/bytes/one";\nimport "../../bytes/src/one.js";\n${two}` },
    [
      "packages/tree/src/two.ts:1: imports: @sextant/bytes/one is no entry point; only @sextant/bytes and @sextant/bytes/node are",
      "packages/tree/src/two.ts:2: imports: ../../bytes/src/one.js leaves packages/tree; import the package",
    ],
  ],
  [
    "specifiers that only some tools resolve",
    {
      "packages/tree/src/two.ts": `import "./three";\nexport type Load = typeof import("fs");\nimport "/three.js";\n${two}`,
    },
    [
      "packages/tree/src/two.ts:1: imports: ./three must end in .js",
      'packages/tree/src/two.ts:2: imports: write "node:fs", so that it cannot be a package',
      "packages/tree/src/two.ts:2: purity: fs is for src/node.ts and src/node/ only",
      "packages/tree/src/two.ts:3: imports: /three.js is a place, not a package",
    ],
  ],
  [
    "a test that imports a package of a higher floor",
    { "packages/bytes/test/one.test.ts": 'import "@sextant/tree";\n' },
    ["packages/bytes/test/one.test.ts:1: imports: @sextant/tree (floor 1) is above bytes (floor 0)"],
  ],

  // cycles
  [
    "files in a circle at run time",
    { "packages/tree/src/two.ts": `export * from "./a.js";\n${two}`, "packages/tree/src/a.ts": 'import "./two.js";\n' },
    [
      "packages/tree/src/two.ts:1: cycles: imports in a circle: packages/tree/src/a.ts → packages/tree/src/two.ts → packages/tree/src/a.ts",
    ],
  ],
  [
    "types may refer to each other",
    {
      "packages/tree/src/two.ts": `import type { A } from "./a.js";\n${two}export type B = A;\n`,
      "packages/tree/src/a.ts": 'export type A = 1;\nexport { two } from "./two.js";\n',
    },
    [],
  ],

  // purity and determinism
  [
    "Node in the pure part",
    {
      "packages/bytes/src/one.ts":
        'import { sep } from "node:path";\n/** The first number. */\nexport const one = sep;\n',
    },
    ["packages/bytes/src/one.ts:1: purity: node:path is for src/node.ts and src/node/ only"],
  ],
  [
    "Node's entry point behind a detour",
    {
      "packages/bytes/src/one.ts": 'export { slash as one } from "./node.js";\n',
      "packages/tree/src/two.ts":
        'import { slash } from "@sextant/bytes/node";\n/** Two. */\nexport const two = slash;\n',
    },
    [
      "packages/bytes/src/one.ts:1: purity: leads from index.ts to packages/bytes/src/node.ts, which is for Node",
      "packages/tree/src/two.ts:1: purity: @sextant/bytes/node needs Node, this file must not",
    ],
  ],
  [
    "clocks, chance, locale and environment",
    {
      "packages/bytes/src/one.ts": [
        "/** A Date.now() in a comment is only a comment. */",
        "export const one = [Date.now(), new Date(), Date()];",
        "export const two = Math.random() + globalThis.performance.now();",
        'export const three = ["b", "a"].sort((a, b) => a.localeCompare(b));',
        "export const four = new Intl.Collator();",
        "export const five = process.env.HOME;",
        "export const six = new Date(0);",
      ].join("\n"),
    },
    [
      "packages/bytes/src/one.ts:2: determinism: Date() reads the clock; the clock is an option",
      "packages/bytes/src/one.ts:2: determinism: Date.now: the clock is an option",
      "packages/bytes/src/one.ts:2: determinism: new Date() reads the clock; the clock is an option",
      "packages/bytes/src/one.ts:3: determinism: Math.random: the seed is an option",
      "packages/bytes/src/one.ts:3: determinism: performance.now: the clock is an option",
      "packages/bytes/src/one.ts:4: determinism: a.localeCompare: order and text never depend on a locale",
      "packages/bytes/src/one.ts:5: determinism: Intl.Collator: order and text never depend on a locale",
      "packages/bytes/src/one.ts:6: determinism: process.env: the environment is the caller's",
    ],
  ],

  // exports
  [
    "an index that is more than a list",
    { "packages/bytes/src/index.ts": 'export * from "./one.js";\nexport const three = 3;\n' },
    [
      "packages/bytes/src/index.ts:1: exports: exports are listed by name, without a star",
      "packages/bytes/src/index.ts:1: exports: exports nothing; an entry point with nothing in it should not exist",
      "packages/bytes/src/index.ts:2: exports: index.ts holds named re-exports and nothing else",
    ],
  ],
  [
    "names without a docblock, listed twice, or not there",
    {
      "packages/bytes/src/index.ts":
        'export {\n  one,\n  three,\n} from "./one.js";\nexport { one as slash } from "./two.js";\n',
      "packages/bytes/src/one.ts": "// Not a docblock.\nexport const one = 1;\n",
      "packages/bytes/src/two.ts": 'import { one as first } from "./one.js";\nexport { first as one };\n',
    },
    [
      "packages/bytes/src/index.ts:2: exports: one has no docblock (packages/bytes/src/one.ts)",
      "packages/bytes/src/index.ts:3: exports: three is not declared in packages/bytes/src/one.ts",
      "packages/bytes/src/index.ts:5: exports: one has no docblock (packages/bytes/src/one.ts)",
      "packages/bytes/src/node.ts:4: exports: slash is exported twice, first by index.ts",
    ],
  ],
  [
    "types that their members explain",
    {
      "packages/bytes/src/index.ts": 'export type { Code, Half, Options } from "./one.js";\n',
      "packages/bytes/src/one.ts": [
        "export interface Options {\n  /** Bytes. */\n  size: number;\n  /** Seconds. */\n  time(): number;\n}",
        "export interface Half {\n  /** Bytes. */\n  size: number;\n  time: number;\n}",
        'export type Code =\n  /** Ends early. */\n  | "SHORT"\n  /** Goes on. */\n  | "LONG";',
      ].join("\n"),
    },
    ["packages/bytes/src/index.ts:1: exports: Half has no docblock (packages/bytes/src/one.ts)"],
  ],
  [
    "a format package that lacks what the others have",
    {
      "packages/erofs/package.json": manifest("erofs"),
      "packages/erofs/src/index.ts": 'export { check, emit, plan } from "./plan.js";\n',
      "packages/erofs/src/plan.ts":
        "/** Does. */\nexport const plan = 1;\n/** Does. */\nexport const emit = 1;\n/** Does. */\nexport const check = 1;\n",
      ...Object.fromEntries(
        ["layout", "write", "check", "dump", "errors"].map((name) => [`packages/erofs/src/${name}.ts`, ""]),
      ),
      ".changeset/second.md": '---\n"@sextant/erofs": minor\n---\n\nWrote.\n',
    },
    [
      "packages/erofs/package.json:1: exports: a format package has src/read.ts",
      "packages/erofs/src/index.ts:1: exports: a format package exports open",
    ],
  ],

  // manifests, changesets, the lock
  [
    "a manifest unlike the others",
    {
      "packages/tree/package.json": manifest("tree", {
        name: "@sextant/trees",
        version: "0.2.0",
        description: "Trees.",
        type: "commonjs",
        engines: {},
        dependencies: { "@sextant/bytes": "*" },
        exports: { ".": { default: "./dist/index.js", types: "./dist/index.d.ts" } },
      }),
      "packages/tree/test/two.test.ts": undefined,
      "tools/testkit/src/index.ts": "",
      ".changeset/first.md": '---\n"@sextant/bytes": minor\n"@sextant/trees": minor\n---\n\nCounted.\n',
    },
    [
      "packages/tree/package.json:2: manifest: the name is @sextant/tree, after the folder",
      "packages/tree/package.json:3: manifest: version is 0.1.0, the same in all that is published",
      "packages/tree/package.json:4: manifest: the description is one line without a period",
      'packages/tree/package.json:6: manifest: type is "module"',
      "packages/tree/package.json:8: manifest: engines are the root's",
      "packages/tree/package.json:9: manifest: exports are ., ./package.json, each with types, then default",
      "packages/tree/package.json:22: manifest: the range of @sextant/bytes is ^0.1.0",
    ],
  ],
  [
    "changesets that release nothing",
    {
      ".changeset/first.md": '---\n"@sextant/bytes": minor\n---\n',
      ".changeset/second.md": '---\n"@sextant/testkit": minor\ntree: minor\n---\n\nGuessed.\n',
      ".changeset/third.md": "Forgot.\n",
    },
    [
      ".changeset/first.md:1: changesets: a changeset says in a sentence what callers will notice",
      ".changeset/second.md:2: changesets: @sextant/testkit is not published from here",
      '.changeset/second.md:3: changesets: "tree: minor" is not "@sextant/NAME": major|minor|patch',
      ".changeset/third.md:1: changesets: a changeset starts with its packages between two lines of ---",
      "packages/tree/package.json:1: changesets: is new, and no changeset in .changeset/ announces it",
    ],
  ],
  [
    "a lock that names a registry",
    { "package-lock.json": '{\n  "resolved": "https://registry.example/x.tgz"\n}' },
    ["package-lock.json:2: text: the lock names where packages came from"],
  ],

  [
    "a lock that the manifests have left behind",
    { "package-lock.json": '{ "packages": { "packages/tree": { "dependencies": { "@sextant/bytes": "^0.0.9" } } } }' },
    ["packages/tree/package.json:24: manifest: package-lock.json has other dependencies; run npm install"],
  ],

  // text and sizes
  [
    "notes, machines and hosts",
    {
      "README.md": `A TO${"DO"} left\ncd /elsewhere/main/packages\n/usr/elsewhere/main\nhttps://packages.example.org/x\nmypackages.example.org\n`,
    },
    [
      `README.md:1: text: TO${"DO"}: do it, or open an issue`,
      "README.md:2: text: names a folder of this machine",
      "README.md:4: text: names the host of a package source",
    ],
  ],
  [
    "tests that are switched off",
    {
      "packages/tree/test/two.test.ts":
        'import { it } from "vitest";\nit.skip("a", () => {});\nit.each([1]).only("b", () => {});\nit.skipIf(true)("c", () => {});\n',
    },
    [
      "packages/tree/test/two.test.ts:2: text: it.skip switches tests off; fix or delete them",
      "packages/tree/test/two.test.ts:3: text: it.each([1]).only switches tests off; fix or delete them",
    ],
  ],
  [
    "long files and functions",
    {
      "packages/tree/src/long.ts": "\n".repeat(301),
      "packages/tree/src/endless.ts": "\n".repeat(421),
      "packages/tree/test/table.test.ts": "\n".repeat(421),
      "packages/tree/src/scroll.ts": `function scroll() {${"\n".repeat(50)}}\n`,
    },
    [
      "packages/tree/src/endless.ts:1: sizes: 421 lines, more than 420",
      "packages/tree/src/long.ts:1: hint sizes: 301 lines, more than 300",
      "packages/tree/src/scroll.ts:1: hint sizes: a function of 51 lines, more than 50",
      "packages/tree/test/table.test.ts:1: hint sizes: 421 lines, more than 300",
    ],
  ],

  // the picture
  [
    "no place for the picture",
    { "ARCHITECTURE.md": "# Architecture\n" },
    [
      "ARCHITECTURE.md:1: picture: has no place for the floors: <!-- floors: written by `npm run check -- --write` --> … <!-- /floors -->",
    ],
  ],
];

describe("the rules", () => {
  it.each(rows)("%s", (_what, changes, expected) => {
    expect(findings(changes)).toEqual(expected);
  });

  it("a picture that the manifests have left behind", () => {
    expect(findings({}, false)).toEqual([
      "ARCHITECTURE.md:1: picture: the floors are not those of the manifests; run npm run check -- --write",
    ]);
  });
});

describe("the picture", () => {
  it("shows floors from the top, and what each package stands on", () => {
    const files = new Map(Object.entries(house) as [string, string][]);
    expect(drawInto(`before\n${architecture}after\n`, createWorkspace(files))).toBe(
      [
        "before",
        "<!-- floors: written by `npm run check -- --write` -->",
        "",
        "    1  tree",
        "    0  bytes",
        "",
        "| floor | package | is | stands on |",
        "| --- | --- | --- | --- |",
        "| 1 | [tree](packages/tree) | tree | bytes |",
        "| 0 | [bytes](packages/bytes) | bytes | – |",
        "",
        "<!-- /floors -->",
        "after",
        "",
      ].join("\n"),
    );
  });
});
