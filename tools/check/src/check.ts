import { type Finding, sortFindings } from "./finding.js";
import { checkChangesets } from "./rules/changesets.js";
import { checkCycles } from "./rules/cycles.js";
import { checkExports } from "./rules/exports.js";
import { checkImports } from "./rules/imports.js";
import { checkManifests } from "./rules/manifests.js";
import { checkPicture } from "./rules/picture.js";
import { checkDeterminism, checkPurity } from "./rules/purity.js";
import { checkSizes } from "./rules/sizes.js";
import { checkText, type MachineWords } from "./rules/text.js";
import type { Workspace } from "./workspace.js";

const rules: readonly ((workspace: Workspace) => Finding[])[] = [
  checkImports,
  checkCycles,
  checkPurity,
  checkDeterminism,
  checkExports,
  checkManifests,
  checkChangesets,
  checkSizes,
  checkPicture,
];

/** All that the rules of the house have to say about a workspace, by file and line. */
export function checkWorkspace(workspace: Workspace, words: MachineWords): Finding[] {
  return sortFindings([...rules.flatMap((rule) => rule(workspace)), ...checkText(workspace, words)]);
}
