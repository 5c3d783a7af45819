import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { checkPublishing, formatFinding, readWorkspace } from "../src/index.js";

it("what npm would publish installs and runs outside of the workspace", { timeout: 180_000 }, async () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
  const findings = await checkPublishing(root, readWorkspace(root));
  expect(findings.map(formatFinding), "of what `npm run build` made last").toEqual([]);
});
