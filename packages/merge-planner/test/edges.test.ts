import { expect, it } from "vitest";
import { edges } from "./edges.js";
import { planHost } from "./planning.js";

it.each((await edges()).map((edge) => [edge.what, edge] as const))("%s", async (_what, edge) => {
  expect((await planHost(edge)).fatal?.code).toBe(edge.fatal);
});
