import { posix } from "node:path";
import { type Finding, reporter } from "../finding.js";
import { floorOf, testOnly } from "../floors.js";
import { type ImportUse, importsOf, isNodeModule, packageOf } from "../imports.js";
import { codeOf, lineOf, type Member, type Workspace } from "../workspace.js";

/** Floors, declared dependencies, test-only packages, and no reaching into another package's folder. */
export function checkImports(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("imports");
  for (const member of workspace.members) {
    const manifestPath = `${member.directory}/package.json`;
    if (member.kind !== "tool" && floorOf(member.short) === undefined) {
      error(manifestPath, 1, `${member.short} stands on no floor; give it one in tools/check/src/floors.ts`);
    }
    const used = new Set<string>();
    for (const area of ["src", "bin", "test"] as const) {
      for (const path of codeOf(workspace, member, area)) {
        for (const use of importsOf(workspace.syntax(path))) {
          const wrong = problemOf(workspace, member, area === "test", path, use);
          if (wrong) error(path, use.line, wrong);
          const name = packageOf(use.specifier);
          if (area !== "test" && name !== undefined) used.add(name);
        }
      }
    }
    for (const name of Object.keys(declared(member))) {
      if (used.has(name)) continue;
      const line = lineOf(workspace.files.get(manifestPath) ?? "", `"${name}":`);
      error(manifestPath, line, `${name} is a dependency and nothing imports it`);
    }
  }
  return findings;
}

function declared(member: Member): Readonly<Record<string, string>> {
  const { dependencies, optionalDependencies, peerDependencies } = member.manifest;
  return { ...dependencies, ...optionalDependencies, ...peerDependencies };
}

function problemOf(
  workspace: Workspace,
  member: Member,
  inTest: boolean,
  path: string,
  { specifier }: ImportUse,
): string | undefined {
  if (/^(?:\/|\w+:\/\/)/.test(specifier)) return `${specifier} is a place, not a package`;
  if (specifier.startsWith(".")) return relativeProblem(member, path, specifier);
  if (isNodeModule(specifier)) {
    return specifier.startsWith("node:") ? undefined : `write "node:${specifier}", so that it cannot be a package`;
  }
  const name = packageOf(specifier) as string;
  if (!inTest && member.kind !== "tool" && testOnly.includes(name)) return `${name} is for tests only`;
  if (name.startsWith("@sextant/")) return siblingProblem(workspace, member, inTest, name, specifier);
  const known = { ...declared(member), ...member.manifest.devDependencies };
  if (name in known) return undefined;
  if ((inTest || member.kind === "tool") && name in (workspace.root.devDependencies ?? {})) return undefined;
  return `${name} is not a dependency of ${member.manifest.name}`;
}

function relativeProblem(member: Member, path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (!target.startsWith(`${member.directory}/`)) return `${specifier} leaves ${member.directory}; import the package`;
  if (!/\.(?:js|mjs|json)$/.test(specifier)) return `${specifier} must end in .js`;
  return undefined;
}

/** What is wrong with importing another member of the workspace. */
function siblingProblem(
  workspace: Workspace,
  member: Member,
  inTest: boolean,
  name: string,
  specifier: string,
): string | undefined {
  const other = workspace.members.find((candidate) => candidate.manifest.name === name);
  if (!other) return `no package here is called ${name}`;
  const entry = specifier.slice(name.length);
  if (entry !== "" && entry !== "/node") return `${specifier} is no entry point; only ${name} and ${name}/node are`;
  if (member.kind === "tool") return undefined;
  if (other.kind === "tool") {
    return inTest && testOnly.includes(name) ? undefined : `${name} is a tool, and nothing that ships imports tools`;
  }
  if (other === member) return inTest ? undefined : "a package does not import itself by name";
  const own = floorOf(member.short) ?? 0;
  const theirs = floorOf(other.short) ?? 0;
  if (inTest) return theirs <= own ? undefined : `${name} (floor ${theirs}) is above ${member.short} (floor ${own})`;
  if (theirs >= own) return `${name} (floor ${theirs}) is not below ${member.short} (floor ${own})`;
  return name in declared(member) ? undefined : `${name} is not a dependency of ${member.manifest.name}`;
}
