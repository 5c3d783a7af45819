import { type Finding, reporter } from "../finding.js";
import { lineOf, type Workspace } from "../workspace.js";

/**
 * Pending changesets are well formed and name packages that are published; a package that was never released
 * (it has no CHANGELOG.md) is named by one.
 */
export function checkChangesets(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("changesets");
  const published = workspace.members.filter((member) => !member.manifest.private);
  const announced = new Set<string>();
  for (const [path, text] of workspace.files) {
    if (!/^\.changeset\/[^/]+\.md$/.test(path) || path.endsWith("/README.md")) continue;
    const match = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(text);
    if (!match) {
      error(path, 1, "a changeset starts with its packages between two lines of ---");
      continue;
    }
    for (const line of (match[1] ?? "").split("\n")) {
      if (line.trim() === "") continue;
      const entry = /^(["']?)(@sextant\/[\w-]+)\1: (?:major|minor|patch)$/.exec(line);
      const name = entry?.[2];
      if (name === undefined) error(path, lineOf(text, line), `"${line}" is not "@sextant/NAME": major|minor|patch`);
      else if (!published.some((member) => member.manifest.name === name)) {
        error(path, lineOf(text, line), `${name} is not published from here`);
      } else announced.add(name);
    }
    if (match[2]?.trim() === "") error(path, 1, "a changeset says in a sentence what callers will notice");
  }
  for (const { manifest, directory } of published) {
    if (announced.has(manifest.name ?? "") || workspace.files.has(`${directory}/CHANGELOG.md`)) continue;
    error(`${directory}/package.json`, 1, "is new, and no changeset in .changeset/ announces it");
  }
  return findings;
}
