export { checkWorkspace } from "./check.js";
export { type Finding, formatFinding } from "./finding.js";
export { floorOf, floors } from "./floors.js";
export { machineWords } from "./machine.js";
export { checkPublishing } from "./publish.js";
export { createWorkspace, type Member, readWorkspace, type Workspace } from "./workspace.js";
