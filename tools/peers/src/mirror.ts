/** The format of apt's list of index files that `mirrorFromTargets` reads, a line a file. */
export const targetsFormat = "$(REPO_URI)|$(ORIGIN)|$(RELEASE)|$(COMPONENT)";

/**
 * The archive that this machine takes Debian itself from: it has the other suites too, which archives of security updates
 * and of other vendors don't. Undefined where apt's configuration names none.
 */
export function mirrorFromTargets(targets: string): string | undefined {
  const rows = targets.split("\n").map((line) => line.split("|"));
  return rows.find(
    ([uri = "", origin, release = "", component]) =>
      /^(https?|file):/.test(uri) && origin === "Debian" && component === "main" && !release.includes("security"),
  )?.[0];
}
