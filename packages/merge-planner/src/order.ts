import { compareVersions } from "@sextant/extension-release";
import { nameFromText } from "@sextant/tree";

/**
 * The order of extensions, the lowest layer first (sysext/sysext.c, merge_subprocess: `strverscmp_improved` of the names).
 * Where names compare equal systemd's order is that of its hash table, which changes from run to run; here the greater name
 * in byte order is lower, so that plans are the same every time, and `equalNames` tells which names these are.
 */
export function layerOrder(names: readonly string[]): string[] {
  return [...names].sort((a, b) => compareVersions(a, b) || byBytes(b, a));
}

/** The groups of names that have no order among them, each of two or more. */
export function equalNames(names: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  for (const name of layerOrder(names)) {
    const group = groups.at(-1);
    if (group?.[0] !== undefined && compareVersions(group[0], name) === 0) group.push(name);
    else groups.push([name]);
  }
  return groups.filter(({ length }) => length > 1);
}

/** Byte order of texts in UTF-8. */
export function byBytes(a: string, b: string): number {
  const [left, right] = [nameFromText(a), nameFromText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
