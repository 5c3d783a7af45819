// systemd's fundamental/string-util.c (strverscmp_improved), the order of image names, versions and `.v/` entries.

const isDigit = (char: string | undefined) => char !== undefined && char >= "0" && char <= "9";
const isLetter = (char: string | undefined) =>
  char !== undefined && ((char >= "a" && char <= "z") || (char >= "A" && char <= "Z"));
const counts = (char: string) =>
  isDigit(char) || isLetter(char) || char === "~" || char === "." || char === "^" || char === "-";

function skipOthers(text: string, start: number): number {
  let at = start;
  while (at < text.length && !counts(text[at] as string)) at++;
  return at;
}

function runEnd(text: string, start: number, belongs: (char: string | undefined) => boolean): number {
  let at = start;
  while (belongs(text[at])) at++;
  return at;
}

const compare = <T extends string | number | boolean>(a: T, b: T): -1 | 0 | 1 => (a < b ? -1 : a > b ? 1 : 0);

/**
 * What C reads at an offset, for the order of what is left: nothing, a character, or a byte over 0x7f, which is less than
 * nothing where `char` is signed, as on x86-64. It matters only directly after a `~`.
 */
const remainder = (text: string, at: number) => (at >= text.length ? 0 : text.charCodeAt(at) > 0x7f ? -1 : 1);

/** Two runs of digits: an absent run is older, then the number decides, of whatever size. */
function compareNumbers(a: string, b: string): -1 | 0 | 1 {
  if (a === "" || b === "") return compare(a !== "", b !== "");
  const left = a.replace(/^0+/, "");
  const right = b.replace(/^0+/, "");
  return compare(left.length, right.length) || compare(left, right);
}

/**
 * The order of versions that systemd uses everywhere (`systemd-analyze compare-versions`, the UAPI version format):
 * -1 when `a` is older than `b`, 1 when it is newer, 0 when they are the same version (`1.0` and `1.00`, `a_b` and `a+b`).
 *
 * `1~` < `1` < `1-` < `1^` < `1.` < `1a` < `11`; all characters but letters, digits and `~.^-` only separate. For image
 * names a greater one lies higher in the merged hierarchy. ASCII strings are totally ordered; where other characters follow
 * a `~` the order is not transitive, in systemd neither.
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  let i = 0;
  let j = 0;
  for (;;) {
    i = skipOthers(a, i);
    j = skipOthers(b, j);
    if (a[i] === "~" || b[j] === "~") {
      // What a `~` introduces comes before everything, also before the end.
      if (a[i] !== b[j]) return a[i] === "~" ? -1 : 1;
      i++;
      j++;
    }
    if (i >= a.length || j >= b.length) return compare(remainder(a, i), remainder(b, j));
    for (const separator of "-^.") {
      if (a[i] !== separator && b[j] !== separator) continue;
      if (a[i] !== b[j]) return a[i] === separator ? -1 : 1;
      i++;
      j++;
    }
    const digits = isDigit(a[i]) || isDigit(b[j]);
    const iEnd = runEnd(a, i, digits ? isDigit : isLetter);
    const jEnd = runEnd(b, j, digits ? isDigit : isLetter);
    const left = a.slice(i, iEnd);
    const right = b.slice(j, jEnd);
    // A word that starts another one is the older of the two, as in `compare`.
    const order = digits ? compareNumbers(left, right) : compare(left, right);
    if (order !== 0) return order;
    i = iEnd;
    j = jEnd;
  }
}

/** Whether this is a version as `.v/` entries have it: not empty, and only letters, digits and `~.^-`. */
export function isVersion(text: string): boolean {
  return /^[0-9A-Za-z.~^-]+$/.test(text);
}
