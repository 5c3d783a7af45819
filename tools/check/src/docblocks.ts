import ts from "typescript";
import { resolveRelative } from "./imports.js";
import type { Workspace } from "./workspace.js";

/** A chain of re-exports longer than this is a circle. */
const maxReexports = 16;

/**
 * What is wrong with the documentation of `name` as the file `path` exports it, followed through re-exports to where it
 * is declared; undefined if nothing is. Names of other projects are documented there.
 */
export function docblockProblem(workspace: Workspace, path: string, name: string, depth = 0): string | undefined {
  if (depth > maxReexports) return `${name} is re-exported in a circle`;
  for (const statement of workspace.syntax(path).statements) {
    if (!ts.isExportDeclaration(statement) || !statement.exportClause) continue;
    if (!ts.isNamedExports(statement.exportClause)) continue;
    const element = statement.exportClause.elements.find((candidate) => candidate.name.text === name);
    if (!element) continue;
    const original = (element.propertyName ?? element.name).text;
    if (!statement.moduleSpecifier) return declaredHere(workspace, path, original, depth);
    return declaredIn(workspace, path, statement.moduleSpecifier, original, depth);
  }
  return declaredHere(workspace, path, name, depth);
}

function declaredIn(
  workspace: Workspace,
  path: string,
  module: ts.Expression,
  name: string,
  depth: number,
): string | undefined {
  const specifier = ts.isStringLiteralLike(module) ? module.text : "";
  const sibling = /^@sextant\/([^/]+)(\/node)?$/.exec(specifier);
  if (!sibling && !specifier.startsWith(".")) return undefined;
  const target = sibling
    ? `packages/${sibling[1]}/src/${sibling[2] ? "node" : "index"}.ts`
    : resolveRelative(workspace, path, specifier);
  if (target === undefined || !workspace.files.has(target)) return `${specifier} does not exist`;
  return docblockProblem(workspace, target, name, depth + 1);
}

function declaredHere(workspace: Workspace, path: string, name: string, depth: number): string | undefined {
  let found = false;
  for (const statement of workspace.syntax(path).statements) {
    if (declaredNames(statement).includes(name)) {
      found = true;
      if (hasDocblock(statement) || isSelfExplained(statement)) return undefined;
    }
    const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined;
    if (!bindings || !ts.isNamedImports(bindings) || !ts.isImportDeclaration(statement)) continue;
    const element = bindings.elements.find((candidate) => candidate.name.text === name);
    if (!element) continue;
    return declaredIn(workspace, path, statement.moduleSpecifier, (element.propertyName ?? element.name).text, depth);
  }
  return found ? `${name} has no docblock (${path})` : `${name} is not declared in ${path}`;
}

function hasDocblock(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).some(ts.isJSDoc);
}

/** An interface each of whose own members has a docblock, or a list of codes with docblocks between them, says it all. */
function isSelfExplained(statement: ts.Statement): boolean {
  if (ts.isInterfaceDeclaration(statement)) {
    const hasContent = statement.members.length > 0 || statement.heritageClauses !== undefined;
    return hasContent && statement.members.every(hasDocblock);
  }
  if (!ts.isTypeAliasDeclaration(statement) || !ts.isUnionTypeNode(statement.type)) return false;
  const text = statement.getSourceFile().text;
  const [first] = statement.type.types;
  const before = text.slice(statement.type.pos, first?.getStart() ?? statement.type.pos);
  return before.includes("/**");
}

/** The names that a statement declares at the top of a module. */
export function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    const names: string[] = [];
    for (const { name } of statement.declarationList.declarations) if (ts.isIdentifier(name)) names.push(name.text);
    return names;
  }
  const named =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement);
  return named && statement.name ? [statement.name.text] : [];
}
