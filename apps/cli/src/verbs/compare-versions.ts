import { compareVersions } from "@sextant/extension-release";
import { print, printJson, warn } from "../output.js";

/** `systemd-analyze compare-versions`: exit 0 where equal, 11 where A is newer, 12 where B is. */
const outcomes = { "-1": ["<", 12], "0": ["==", 0], "1": [">", 11] } as const;

export async function compare(a: string, b: string, options: { json?: boolean }): Promise<number> {
  for (const version of [a, b]) {
    if (/[^0-9A-Za-z.~^_+-]/.test(version)) {
      warn(`version "${version}" has characters that versions do not have; they count as separators`);
    }
  }
  const result = compareVersions(a, b);
  const [sign, exit] = outcomes[`${result}`];
  if (options.json) printJson({ version: 1, a, b, result });
  else print(`${a || "''"} ${sign} ${b || "''"}`);
  return exit;
}
