import ts from "typescript";
import { type Finding, reporter } from "../finding.js";
import { isCode, lineAt, lineOf, type Workspace, walk } from "../workspace.js";

/** What must never be written down because it is of one machine only. Each is found out when the check runs. */
export interface MachineWords {
  /** Absolute folders, such as the one that the repository stands in. */
  readonly paths: readonly string[];
  /** Where packages come from: npm's registry, the mirrors of the distribution. */
  readonly hosts: readonly string[];
}

/** Notes to oneself, tests that are switched off, and the marks of one machine. */
export function checkText(workspace: Workspace, words: MachineWords): Finding[] {
  const { findings, error } = reporter("text");
  // The letters in brackets keep this file from finding itself.
  const notes = /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/;
  const paths = words.paths.map((path) => new RegExp(`(?<![\\w./-])${quoted(path)}(?:/|\\b)`));
  const hosts = words.hosts.map((host) => new RegExp(`(?<![\\w.-])${quoted(host)}(?![\\w-])`));
  for (const [path, text] of workspace.files) {
    for (const [index, line] of text.split("\n").entries()) {
      const note = notes.exec(line);
      if (note && path !== "package-lock.json") error(path, index + 1, `${note[0]}: do it, or open an issue`);
      if (paths.some((pattern) => pattern.test(line))) error(path, index + 1, "names a folder of this machine");
      if (hosts.some((pattern) => pattern.test(line))) error(path, index + 1, "names the host of a package source");
    }
    if (isCode(path) && /\.test\.\w+$/.test(path)) checkSwitchedOff(workspace, path, error);
  }
  const lock = workspace.files.get("package-lock.json") ?? "";
  const resolved = '"resolved": "http';
  if (lock.includes(resolved))
    error("package-lock.json", lineOf(lock, resolved), "the lock names where packages came from");
  return findings;
}

function checkSwitchedOff(
  workspace: Workspace,
  path: string,
  error: (file: string, line: number, message: string) => void,
) {
  const file = workspace.syntax(path);
  walk(file, (node) => {
    const text = ts.isPropertyAccessExpression(node) || ts.isIdentifier(node) ? node.getText(file) : "";
    if (!/^(?:x(?:it|test|describe)|(?:it|test|describe)\b.*\.(?:skip|only|todo|fails))$/.test(text)) return;
    error(path, lineAt(file, node.getStart(file)), `${text} switches tests off; fix or delete them`);
  });
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
