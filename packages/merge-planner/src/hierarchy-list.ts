import { PlanError } from "./errors.js";

const maxHierarchies = 256;

/**
 * The hierarchies in `$SYSTEMD_SYSEXT_HIERARCHIES` or its confext sister: absolute and normalized paths, separated by
 * colons. Throws `PlanError` `MALFORMED_HIERARCHIES` where systemd would refuse to start.
 */
export function parseHierarchies(text: string): readonly string[] {
  const paths = text.split(":");
  if (paths.length > maxHierarchies) {
    throw new PlanError("LIMIT_ENTRIES", `${paths.length} hierarchies are more than ${maxHierarchies}`);
  }
  return paths.map((path) => {
    const fail = (why: string) => new PlanError("MALFORMED_HIERARCHIES", `"${path}" ${why}`);
    if (!path.startsWith("/")) throw fail("is no absolute path");
    const parts = path.split("/").filter((part) => part !== "");
    if (parts.length === 0) throw fail("is the whole root");
    if (parts.includes(".") || parts.includes("..")) throw fail("has . or .. in it");
    return `/${parts.join("/")}`;
  });
}
