import { type Finding, reporter } from "../finding.js";
import { importsOf, packageOf, resolveRelative } from "../imports.js";
import { codeOf, type Workspace } from "../workspace.js";

interface Edge {
  readonly to: string;
  readonly file: string;
  readonly line: number;
}

/** No package imports itself by way of others, and no file does at run time (types may refer to each other). */
export function checkCycles(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("cycles");
  const packages = new Map<string, Edge[]>();
  for (const member of workspace.members) {
    const files = new Map<string, Edge[]>();
    const toPackages: Edge[] = [];
    for (const file of codeOf(workspace, member, "src")) {
      const edges: Edge[] = [];
      for (const { specifier, line, typeOnly } of importsOf(workspace.syntax(file))) {
        const name = packageOf(specifier);
        if (name?.startsWith("@sextant/")) toPackages.push({ to: name, file, line });
        const target = specifier.startsWith(".") ? resolveRelative(workspace, file, specifier) : undefined;
        if (target !== undefined && !typeOnly) edges.push({ to: target, file, line });
      }
      files.set(file, edges);
    }
    if (member.kind !== "tool") packages.set(member.manifest.name ?? member.short, toPackages);
    for (const { edge, loop } of cyclesOf(files))
      error(edge.file, edge.line, `imports in a circle: ${loop.join(" → ")}`);
  }
  for (const { edge, loop } of cyclesOf(packages))
    error(edge.file, edge.line, `packages in a circle: ${loop.join(" → ")}`);
  return findings;
}

/** One loop for each edge that leads back to where a depth-first walk is coming from. */
function cyclesOf(graph: ReadonlyMap<string, readonly Edge[]>): { edge: Edge; loop: string[] }[] {
  const found: { edge: Edge; loop: string[] }[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (node: string) => {
    trail.push(node);
    for (const edge of graph.get(node) ?? []) {
      const at = trail.indexOf(edge.to);
      if (at >= 0) found.push({ edge, loop: [...trail.slice(at), edge.to] });
      else if (!done.has(edge.to)) visit(edge.to);
    }
    trail.pop();
    done.add(node);
  };
  for (const node of graph.keys()) if (!done.has(node)) visit(node);
  return found;
}
