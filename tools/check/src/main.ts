import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkWorkspace } from "./check.js";
import { formatFinding } from "./finding.js";
import { machineWords } from "./machine.js";
import { checkPublishing } from "./publish.js";
import { drawInto } from "./rules/picture.js";
import { readWorkspace } from "./workspace.js";

const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
const { values } = parseArgs({
  options: {
    /** Draw the floors into ARCHITECTURE.md before checking. */
    write: { type: "boolean", default: false },
    /** Build, then try what npm would publish. */
    pack: { type: "boolean", default: false },
  },
});

if (values.write) {
  const path = `${root}/ARCHITECTURE.md`;
  const drawn = drawInto(readFileSync(path, "utf8"), readWorkspace(root));
  if (drawn !== undefined) writeFileSync(path, drawn);
}

const workspace = readWorkspace(root);
const findings = checkWorkspace(workspace, machineWords(root));
if (values.pack) {
  execFileSync("npm", ["run", "build"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  findings.push(...(await checkPublishing(root, workspace)));
}
for (const finding of findings) console.log(formatFinding(finding));
const errors = findings.filter((finding) => finding.severity === "error").length;
console.log(`check: ${errors} errors, ${findings.length - errors} hints`);
process.exitCode = errors > 0 ? 1 : 0;
