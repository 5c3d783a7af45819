import ts from "typescript";
import { type Finding, reporter } from "../finding.js";
import { importsOf, isNodeModule, reach } from "../imports.js";
import { codeOf, lineAt, type Workspace, walk } from "../workspace.js";

/** Files of a package that may use Node: its `node` entry point, what only that reaches, and code of worker threads. */
const nodePart = /^packages\/[^/]+\/src\/(?:node\.ts$|worker\.ts$|node\/)/;

/** What is reachable from a package's `index.ts` runs in a browser as well. */
export function checkPurity(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("purity");
  for (const member of workspace.members) {
    if (member.kind !== "package") continue;
    for (const path of codeOf(workspace, member, "src")) {
      if (nodePart.test(path)) continue;
      for (const { specifier, line } of importsOf(workspace.syntax(path))) {
        if (isNodeModule(specifier)) error(path, line, `${specifier} is for src/node.ts and src/node/ only`);
        else if (/^@sextant\/[^/]+\/node$/.test(specifier))
          error(path, line, `${specifier} needs Node, this file must not`);
      }
    }
    const entry = `${member.directory}/src/index.ts`;
    if (!workspace.files.has(entry)) continue;
    for (const [path, from] of reach(workspace, entry)) {
      if (nodePart.test(path)) error(from ?? entry, 1, `leads from index.ts to ${path}, which is for Node`);
    }
  }
  return findings;
}

/** What would make the same input give other bytes: clocks, chance, locale and environment. */
const forbidden: readonly [pattern: RegExp, why: string][] = [
  [/^Date\.now$/, "the clock is an option"],
  [/^performance\.now$/, "the clock is an option"],
  [/^Math\.random$/, "the seed is an option"],
  [/^Intl\b/, "order and text never depend on a locale"],
  [/\.(?:localeCompare|toLocale\w+)$/, "order and text never depend on a locale"],
  [/^process\.\w+$/, "the environment is the caller's"],
];

/** The pure part of packages is a function of its arguments. */
export function checkDeterminism(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("determinism");
  for (const member of workspace.members) {
    if (member.kind !== "package") continue;
    for (const path of codeOf(workspace, member, "src")) {
      if (nodePart.test(path)) continue;
      const file = workspace.syntax(path);
      walk(file, (node) => {
        const used = hiddenInput(node);
        if (used) error(path, lineAt(file, node.getStart(file)), used);
      });
    }
  }
  return findings;
}

function hiddenInput(node: ts.Node): string | undefined {
  const clock = ts.isNewExpression(node) && (node.arguments?.length ?? 0) === 0;
  if (clock && node.expression.getText() === "Date") return "new Date() reads the clock; the clock is an option";
  if (ts.isCallExpression(node) && node.expression.getText() === "Date") {
    return "Date() reads the clock; the clock is an option";
  }
  if (!ts.isPropertyAccessExpression(node)) return undefined;
  const text = node
    .getText()
    .replace(/\s|\?/g, "")
    .replace(/^globalThis\./, "");
  const rule = forbidden.find(([pattern]) => pattern.test(text));
  return rule ? `${text}: ${rule[1]}` : undefined;
}
