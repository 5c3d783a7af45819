import { posix } from "node:path";
import ts from "typescript";
import { declaredNames, docblockProblem } from "../docblocks.js";
import { type Finding, reporter } from "../finding.js";
import { formatExports, formatFiles, formatPackages } from "../floors.js";
import { lineAt, type Member, type Workspace } from "../workspace.js";

type Report = (file: string, line: number, message: string) => void;

/** A name that an entry point exports, and where it says so. */
interface Export {
  readonly name: string;
  readonly line: number;
}

/** Entry points list their exports by name, each of them once, and each is declared with a docblock. */
export function checkExports(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("exports");
  for (const member of workspace.members) {
    if (member.kind !== "package") continue;
    const listed = new Map<string, string>();
    for (const entry of ["index.ts", "node.ts"]) {
      const path = `${member.directory}/src/${entry}`;
      if (!workspace.files.has(path)) continue;
      const names = exportsOf(workspace.syntax(path), error);
      if (names.length === 0) error(path, 1, "exports nothing; an entry point with nothing in it should not exist");
      for (const { name, line } of names) {
        const former = listed.get(name);
        if (former !== undefined) error(path, line, `${name} is exported twice, first by ${posix.basename(former)}`);
        listed.set(name, path);
        const problem = docblockProblem(workspace, path, name);
        if (problem) error(path, line, problem);
      }
    }
    if (!workspace.files.has(`${member.directory}/src/index.ts`)) {
      error(`${member.directory}/package.json`, 1, "the package has no src/index.ts");
    }
    if (formatPackages.includes(member.short)) checkFormat(workspace, member, listed, error);
  }
  return findings;
}

/**
 * The exports of an entry point; statements that do not belong there are reported. `node.ts` may declare what it
 * exports, where Node's part of a package is one file.
 */
function exportsOf(file: ts.SourceFile, error: Report): Export[] {
  const names: Export[] = [];
  for (const statement of file.statements) {
    const line = lineAt(file, statement.getStart(file));
    if (ts.isExportDeclaration(statement)) {
      if (statement.exportClause && ts.isNamedExports(statement.exportClause)) {
        for (const element of statement.exportClause.elements) {
          names.push({ name: element.name.text, line: lineAt(file, element.getStart(file)) });
        }
      } else error(file.fileName, line, "exports are listed by name, without a star");
    } else if (file.fileName.endsWith("/index.ts")) {
      error(file.fileName, line, "index.ts holds named re-exports and nothing else");
    } else if (ts.isExportAssignment(statement)) {
      error(file.fileName, line, "there are no default exports");
    } else if (isExported(statement)) {
      // Overloads declare a name several times.
      for (const name of declaredNames(statement)) if (names.at(-1)?.name !== name) names.push({ name, line });
    }
  }
  return names;
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

function checkFormat(workspace: Workspace, member: Member, listed: ReadonlyMap<string, string>, error: Report): void {
  for (const name of formatExports) {
    if (!listed.has(name)) error(`${member.directory}/src/index.ts`, 1, `a format package exports ${name}`);
  }
  for (const name of formatFiles) {
    const path = `${member.directory}/src/${name}`;
    if (!workspace.files.has(path)) error(`${member.directory}/package.json`, 1, `a format package has src/${name}`);
  }
}
