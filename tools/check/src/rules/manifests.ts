import { isDeepStrictEqual } from "node:util";
import { type Finding, reporter } from "../finding.js";
import { lineOf, type Manifest, type Member, type Workspace } from "../workspace.js";

type Report = (field: string, message: string) => void;

/** The package.json files are alike, and say what npm needs to publish them. */
export function checkManifests(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("manifest");
  const version = workspace.members.find((member) => !member.manifest.private)?.manifest.version;
  const ranges = new Map<string, string>();
  for (const member of workspace.members) {
    const path = `${member.directory}/package.json`;
    const report: Report = (field, message) => {
      error(path, lineOf(workspace.files.get(path) ?? "", `"${field}":`), message);
    };
    checkCommon(workspace.root, member, report);
    checkLock(workspace, member, report);
    if (member.kind === "tool") {
      if (member.manifest.private !== true) report("private", "tools are private");
      continue;
    }
    if (member.manifest.private) continue;
    checkPublic(workspace.root, member, version, report);
    checkRanges(workspace, member, version, ranges, report);
    if (member.kind === "package") checkEntryPoints(workspace, member, report);
  }
  return findings;
}

function checkCommon(root: Manifest, { manifest, short }: Member, report: Report): void {
  if (manifest.name !== `@sextant/${short}`) report("name", `the name is @sextant/${short}, after the folder`);
  if (manifest.type !== "module") report("type", 'type is "module"');
  if (manifest.license !== root.license) report("license", `license is ${root.license}, as the root's`);
  if (!manifest.description) report("description", "has no description; ARCHITECTURE.md prints it");
  else if (/\.$|\n/.test(manifest.description)) report("description", "the description is one line without a period");
}

/** The lock knows each member's dependencies, or the next `npm install` would change it. */
function checkLock(workspace: Workspace, { manifest, directory }: Member, report: Report): void {
  const text = workspace.files.get("package-lock.json");
  if (text === undefined) return;
  const { packages } = JSON.parse(text) as { packages?: Readonly<Record<string, Manifest>> };
  if (!packages) return;
  const locked = packages[directory];
  for (const field of ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"] as const) {
    if (isDeepStrictEqual(locked?.[field] ?? {}, manifest[field] ?? {})) continue;
    report(field, `package-lock.json has other ${field}; run npm install`);
  }
}

function checkPublic(root: Manifest, { manifest, kind }: Member, version: string | undefined, report: Report): void {
  if (manifest.version !== version) report("version", `version is ${version}, the same in all that is published`);
  if (!isDeepStrictEqual(manifest.engines, root.engines)) report("engines", "engines are the root's");
  if (!manifest.files?.includes("dist")) report("files", 'files has "dist"');
  if (manifest.publishConfig?.access !== "public") report("publishConfig", "publishConfig.access is public");
  if (kind === "package" && manifest.sideEffects !== false) report("sideEffects", "sideEffects is false");
}

/** One range for a dependency everywhere: caret on our own version, and the same for others'. */
function checkRanges(
  workspace: Workspace,
  { manifest }: Member,
  version: string | undefined,
  ranges: Map<string, string>,
  report: Report,
): void {
  const all = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  for (const [name, range] of Object.entries(all)) {
    const own = workspace.members.find((member) => member.manifest.name === name);
    if (own?.manifest.private) report(name, `${name} is private, so nobody could install this package`);
    if (own && range !== `^${version}`) report(name, `the range of ${name} is ^${version}`);
    const former = ranges.get(name);
    if (former !== undefined && former !== range) report(name, `${name} is ${former} elsewhere`);
    ranges.set(name, range);
  }
}

function checkEntryPoints(workspace: Workspace, { manifest, directory }: Member, report: Report): void {
  const expected: [string, unknown][] = [[".", entryPoint("index")]];
  if (workspace.files.has(`${directory}/src/node.ts`)) expected.push(["./node", entryPoint("node")]);
  expected.push(["./package.json", "./package.json"]);
  const found = Object.entries(manifest.exports ?? {});
  // As text, because the order counts: resolvers take the first condition that fits, so types stand first.
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    report("exports", `exports are ${expected.map(([name]) => name).join(", ")}, each with types, then default`);
  }
}

function entryPoint(name: string) {
  return { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` };
}
