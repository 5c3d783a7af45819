import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { checkWorkspace, formatFinding, machineWords, readWorkspace } from "../src/index.js";

it("this repository keeps the rules of the house", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
  const errors = checkWorkspace(readWorkspace(root), machineWords(root)).filter(({ severity }) => severity === "error");
  expect(errors.map(formatFinding)).toEqual([]);
});
