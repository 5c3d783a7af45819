import { type Name, nameFromText } from "./name.js";

/** Whether a pattern fits a path (from the root, no leading slash) that is a directory or not. */
export type PathMatcher = (path: Name, isDirectory: boolean) => boolean;

/** A byte, any byte, any run of bytes, or one byte out of a set. */
type Token = number | "any" | "run" | { readonly bytes: ReadonlySet<number>; readonly negated: boolean };

/** One name of a pattern, or `**`. */
type Part = readonly Token[] | "deep";

/**
 * Compiles a pattern for paths, much as in `.gitignore`:
 *
 * - `*` is any run of bytes within a name, `?` one byte, `[a-z]` and `[!a-z]` one of a set; `**` as a name is any number
 *   of directories, none too.
 * - A pattern with a slash at its start or inside is held against the whole path from the root; one without is held
 *   against the last name, at any depth. A slash at its end makes it fit directories only.
 * - A backslash takes the meaning from the next character; `\xNN` is a byte.
 *
 * Bytes, not characters, count: `?` fits a half of `ä`. Takes time linear in pattern and path for each run. Throws
 * `SyntaxError` for an empty pattern and unclosed sets.
 */
export function compileGlob(pattern: string): PathMatcher {
  const directoriesOnly = pattern.length > 1 && pattern.endsWith("/");
  const body = directoriesOnly ? pattern.slice(0, -1) : pattern;
  const anchored = body.includes("/");
  const parts = body.replace(/^\/+/, "").split("/").map(parsePart);
  if (parts.some((part) => part.length === 0))
    throw new SyntaxError(`the pattern "${pattern}" has an empty name in it`);
  return (path, isDirectory) => {
    if (directoriesOnly && !isDirectory) return false;
    const names = path.split("/");
    return anchored ? matchParts(parts, names) : matchParts(parts, names.slice(-1));
  };
}

/** A matcher that fits where any of the patterns does, on the path itself or on a directory above it. */
export function compileGlobs(patterns: readonly string[]): PathMatcher {
  const matchers = patterns.map(compileGlob);
  return (path, isDirectory) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const part = path.slice(0, end) as Name;
      if (matchers.some((matches) => matches(part, isDirectory || end < path.length))) return true;
    }
    return false;
  };
}

function parsePart(text: string): Part {
  if (text === "**") return "deep";
  const tokens: Token[] = [];
  const name = nameFromText(text);
  for (let at = 0; at < name.length; ) {
    const { token, end } = parseToken(name, at);
    if (token !== "run" || tokens.at(-1) !== "run") tokens.push(token);
    at = end;
  }
  return tokens;
}

function parseToken(name: Name, at: number): { readonly token: Token; readonly end: number } {
  const char = name[at];
  if (char === "*") return { token: "run", end: at + 1 };
  if (char === "?") return { token: "any", end: at + 1 };
  if (char === "[") return parseSet(name, at);
  return parseByte(name, at);
}

function parseByte(name: Name, at: number): { readonly token: number; readonly end: number } {
  if (name[at] !== "\\") return { token: name.charCodeAt(at), end: at + 1 };
  const hex = /^x([0-9a-fA-F]{2})/.exec(name.slice(at + 1))?.[1];
  if (hex !== undefined) return { token: Number.parseInt(hex, 16), end: at + 4 };
  if (at + 1 === name.length) throw new SyntaxError("the pattern ends in a backslash");
  return { token: name.charCodeAt(at + 1), end: at + 2 };
}

function parseSet(name: Name, start: number): { readonly token: Token; readonly end: number } {
  const negated = name[start + 1] === "!" || name[start + 1] === "^";
  const first = start + (negated ? 2 : 1);
  const bytes = new Set<number>();
  // A bracket right at the start stands for itself, as in fnmatch(3).
  for (let at = first; at < name.length && (name[at] !== "]" || at === first); ) {
    const low = parseByte(name, at);
    at = low.end;
    let high = low.token;
    if (name[at] === "-" && at + 1 < name.length && name[at + 1] !== "]")
      ({ token: high, end: at } = parseByte(name, at + 1));
    for (let byte = low.token; byte <= high; byte++) bytes.add(byte);
    if (name[at] === "]") return { token: { bytes, negated }, end: at + 1 };
  }
  throw new SyntaxError('the pattern has a "[" without its "]"');
}

/** Goes back to the last run only, which is enough: an earlier one could take no more than the later one can. */
function matchWild<P, T>(
  pattern: readonly P[],
  items: ArrayLike<T>,
  isRun: (part: P) => boolean,
  fits: (part: P, item: T) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let runAt = -1;
  let runItem = 0;
  while (item < items.length) {
    const part = pattern[at];
    if (part !== undefined && isRun(part)) {
      runAt = at++;
      runItem = item;
    } else if (part !== undefined && fits(part, items[item] as T)) {
      at++;
      item++;
    } else if (runAt >= 0) {
      at = runAt + 1;
      item = ++runItem;
    } else return false;
  }
  while (at < pattern.length && isRun(pattern[at] as P)) at++;
  return at === pattern.length;
}

const matchParts = (parts: readonly Part[], names: readonly string[]) =>
  matchWild(
    parts,
    names,
    (part) => part === "deep",
    (part, name) => part !== "deep" && matchName(part, name),
  );

const matchName = (tokens: readonly Token[], name: string) =>
  matchWild(
    tokens,
    name,
    (token) => token === "run",
    (token, char) => fitsByte(token, char.charCodeAt(0)),
  );

function fitsByte(token: Token, byte: number): boolean {
  if (typeof token === "number") return token === byte;
  if (typeof token === "string") return true;
  return token.bytes.has(byte) !== token.negated;
}
