import ts from "typescript";
import { type Finding, reporter } from "../finding.js";
import { isCode, lineAt, type Workspace, walk } from "../workspace.js";

/** A file that fits in one head, and one that fits in nobody's. */
const fileHintLines = 300;
const fileLimitLines = 420;
/** A function on one screen. */
const functionHintLines = 50;

/** Long files and functions. Tests may be long tables, so there it stays a hint. */
export function checkSizes(workspace: Workspace): Finding[] {
  const { findings, error, hint } = reporter("sizes");
  for (const [path, text] of workspace.files) {
    if (!isCode(path)) continue;
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    const isTest = path.includes("/test/");
    if (lines > fileLimitLines && !isTest) error(path, 1, `${lines} lines, more than ${fileLimitLines}`);
    else if (lines > fileHintLines) hint(path, 1, `${lines} lines, more than ${fileHintLines}`);
    if (isTest) continue;
    const file = workspace.syntax(path);
    walk(file, (node) => {
      if (!ts.isFunctionLike(node) || !("body" in node) || !node.body) return;
      const first = lineAt(file, node.getStart(file));
      const length = lineAt(file, node.end) - first + 1;
      if (length > functionHintLines)
        hint(path, first, `a function of ${length} lines, more than ${functionHintLines}`);
    });
  }
  return findings;
}
