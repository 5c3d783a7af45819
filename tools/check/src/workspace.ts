import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly sideEffects?: unknown;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly access?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** One npm workspace. */
export interface Member {
  readonly kind: "package" | "app" | "tool";
  /** The folder's name, which is the name without `@sextant/`. */
  readonly short: string;
  /** Such as `packages/erofs`. */
  readonly directory: string;
  readonly manifest: Manifest;
}

/** The repository as data: rules are functions of it, so that tests can hand them a broken one. */
export interface Workspace {
  readonly root: Manifest;
  readonly members: readonly Member[];
  /** Text by path from the root, for every file that git tracks or would track. Binary files hold "". */
  readonly files: ReadonlyMap<string, string>;
  /** The parsed TypeScript or JavaScript of a path; throws for a path that is not in `files`. */
  syntax(path: string): ts.SourceFile;
}

const kinds = { packages: "package", apps: "app", tools: "tool" } as const;

/** A workspace of these files. */
export function createWorkspace(files: ReadonlyMap<string, string>): Workspace {
  const members: Member[] = [];
  for (const path of [...files.keys()].sort()) {
    const match = /^(packages|apps|tools)\/([^/]+)\/package\.json$/.exec(path);
    if (!match) continue;
    const folder = match[1] as keyof typeof kinds;
    const short = match[2] as string;
    members.push({ kind: kinds[folder], short, directory: `${folder}/${short}`, manifest: manifestOf(files, path) });
  }
  const parsed = new Map<string, ts.SourceFile>();
  return {
    root: manifestOf(files, "package.json"),
    members,
    files,
    syntax(path) {
      const known = parsed.get(path);
      if (known) return known;
      const text = files.get(path);
      if (text === undefined) throw new RangeError(`no such file: ${path}`);
      const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
      parsed.set(path, file);
      return file;
    },
  };
}

function manifestOf(files: ReadonlyMap<string, string>, path: string): Manifest {
  const text = files.get(path);
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as Manifest;
  } catch (cause) {
    throw new Error(`${path} is not JSON`, { cause });
  }
}

/** The most bytes of a file that rules look at. What is larger is data, such as an image. */
const maxTextBytes = 1 << 20;

/** The workspace in a folder: what git tracks there, and what it would track (not ignored). */
export function readWorkspace(root: string): Workspace {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const files = new Map<string, string>();
  for (const path of new Set(listed.split("\0"))) {
    if (path === "") continue;
    const at = statSync(join(root, path), { throwIfNoEntry: false });
    if (!at?.isFile()) continue;
    const text = at.size > maxTextBytes ? "" : readFileSync(join(root, path), "utf8");
    files.set(path, text.includes("\0") ? "" : text);
  }
  return createWorkspace(files);
}

/** Whether rules about code apply to the path. */
export function isCode(path: string): boolean {
  return /\.(?:ts|tsx|js|mjs)$/.test(path) && !path.endsWith(".d.ts");
}

/** The paths of code in a member's `src`, `bin` or `test`. */
export function codeOf(workspace: Workspace, member: Member, area: "src" | "bin" | "test"): string[] {
  const prefix = `${member.directory}/${area}/`;
  return [...workspace.files.keys()].filter((path) => path.startsWith(prefix) && isCode(path)).sort();
}

/** The line, 1…n, where `text` has `needle` first; 1 if it has not. */
export function lineOf(text: string, needle: string): number {
  const at = text.indexOf(needle);
  return at < 0 ? 1 : text.slice(0, at).split("\n").length;
}

/** The line, 1…n, of a node of a parsed file. */
export function lineAt(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line + 1;
}

/** Calls `visit` for the node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}
