import { builtinModules } from "node:module";
import { posix } from "node:path";
import ts from "typescript";
import { lineAt, type Workspace, walk } from "./workspace.js";

/** One module that a file names: `import`, `export … from`, `import()`, `require()` or a type's `import("…")`. */
export interface ImportUse {
  readonly specifier: string;
  readonly line: number;
  /** The import leaves nothing behind in JavaScript. */
  readonly typeOnly: boolean;
}

export function importsOf(file: ts.SourceFile): ImportUse[] {
  const uses: ImportUse[] = [];
  const add = (literal: ts.Node | undefined, typeOnly: boolean) => {
    if (literal && ts.isStringLiteralLike(literal)) {
      uses.push({ specifier: literal.text, line: lineAt(file, literal.getStart(file)), typeOnly });
    }
  };
  walk(file, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const loads =
        expression.kind === ts.SyntaxKind.ImportKeyword ||
        (ts.isIdentifier(expression) && expression.text === "require");
      if (loads) add(node.arguments[0], false);
    }
  });
  return uses;
}

/** Whether the specifier is one of Node's own modules, with or without `node:`. */
export function isNodeModule(specifier: string): boolean {
  return specifier.startsWith("node:") || builtinModules.includes(specifier.split("/")[0] as string);
}

/** The package of a bare specifier: `@scope/name` or `name`; undefined for relative ones and Node's own. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || isNodeModule(specifier)) return undefined;
  const [first, second] = specifier.split("/");
  return first?.startsWith("@") ? `${first}/${second}` : first;
}

/** The path that a relative specifier names, as source: `./x.js` is `x.ts`. Undefined if there is no such file. */
export function resolveRelative(workspace: Workspace, from: string, specifier: string): string | undefined {
  const path = posix.join(posix.dirname(from), specifier);
  const candidates = [path.replace(/\.js$/, ".ts"), path.replace(/\.js$/, ".tsx"), path];
  return candidates.find((candidate) => workspace.files.has(candidate));
}

/**
 * Everything that the entry reaches through relative imports, itself included, each with the file that led there first.
 */
export function reach(workspace: Workspace, entry: string): Map<string, string | undefined> {
  const from = new Map<string, string | undefined>([[entry, undefined]]);
  for (const path of from.keys()) {
    for (const { specifier } of importsOf(workspace.syntax(path))) {
      if (!specifier.startsWith(".")) continue;
      const target = resolveRelative(workspace, path, specifier);
      if (target !== undefined && !from.has(target) && /\.(?:ts|tsx|js|mjs)$/.test(target)) from.set(target, path);
    }
  }
  return from;
}
