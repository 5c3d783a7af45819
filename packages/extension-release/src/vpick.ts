import { type Architecture, isArchitecture, secondaryArchitectures } from "./architecture.js";
import type { ExtensionKind } from "./kind.js";
import { versionedDirectory } from "./names.js";
import { byteString, type FileName, textOf } from "./text.js";
import { compareVersions, isVersion } from "./version.js";

// systemd's shared/vpick.c (make_choice, parse_tries, pick_result_compare, path_pick).

/** What an entry of a `.v/` directory leads to, after following symlinks inside the root. */
export type VersionedEntryType = "regular" | "directory" | "block" | "other" | "unresolvable";

/** An entry of a `.v/` directory. A bare name stands for an entry of the type that is looked for. */
export interface VersionedEntry<N extends FileName = FileName> {
  readonly name: N;
  readonly type?: VersionedEntryType | undefined;
  /** File name that a symlink leads to, where it is one: it decides between entries that are equal otherwise. */
  readonly target?: FileName | undefined;
}

/** What to look for in a directory. */
export interface PickFilter {
  /** Names are `BASENAME_…`; empty or undefined: the whole name is version, architecture and counter. */
  readonly basename?: FileName | undefined;
  /** What names end in; undefined or empty: anything. */
  readonly suffix?: FileName | undefined;
  /** Only this version, as a string. */
  readonly version?: string | undefined;
  /** Only entries that name this architecture; undefined: the native one, the secondary one, or none named. */
  readonly architecture?: Architecture | undefined;
  /** Types that are wanted; undefined: any. Entries of other types are passed over. */
  readonly types?: readonly VersionedEntryType[] | undefined;
}

/** An entry that was picked. */
export interface Picked<N extends FileName = FileName> {
  readonly name: N;
  readonly type: VersionedEntryType | undefined;
  readonly version: string;
  /** The architecture in the name, undefined where there is none that systemd knows. */
  readonly architecture: Architecture | undefined;
  /** The counter in the name: `+LEFT-DONE`, or `+LEFT`, which means none done. */
  readonly tries: { readonly left: number; readonly done: number } | undefined;
}

/** What comes of picking from a directory. */
export type PickResult<N extends FileName = FileName> =
  | { readonly status: "picked"; readonly pick: Picked<N> }
  | { readonly status: "none" }
  /** An entry that matches cannot be resolved, so systemd gives up on the directory. */
  | { readonly status: "unresolvable"; readonly name: N };

const counterMax = 0xffff_ffff;

/** A counter as `safe_atou` reads it: digits, but a leading 0 makes it octal. */
function parseCounter(digits: string): number | undefined {
  if (!/^(?:0[0-7]*|[1-9][0-9]*)$/.test(digits)) return undefined;
  const value = Number.parseInt(digits, digits.startsWith("0") ? 8 : 10);
  return value <= counterMax ? value : undefined;
}

interface Parsed {
  readonly version: string;
  readonly architecture: Architecture | undefined;
  readonly tries: Picked["tries"];
}

/** Takes apart what is between basename and suffix: `VERSION[_ARCHITECTURE][+LEFT[-DONE]]`. */
function parseMiddle(middle: string): Parsed | undefined {
  let rest = middle;
  let tries: Picked["tries"];
  const plus = rest.lastIndexOf("+");
  const counter = plus < 0 ? null : /^\+(\d+)(?:-(\d+))?$/.exec(rest.slice(plus));
  if (counter !== null) {
    const left = parseCounter(counter[1] as string);
    const done = counter[2] === undefined ? 0 : parseCounter(counter[2]);
    if (left !== undefined && done !== undefined) {
      tries = { left, done };
      rest = rest.slice(0, plus);
    }
  }
  // Whatever stands after the last `_` goes; a word that names no architecture means any.
  const underscore = rest.lastIndexOf("_");
  const word = underscore < 0 ? "" : rest.slice(underscore + 1);
  const version = underscore < 0 ? rest : rest.slice(0, underscore);
  if (!isVersion(version)) return undefined;
  return { version, architecture: isArchitecture(word) ? word : undefined, tries };
}

/** The part of a name between basename and suffix, or undefined where it has another form. */
function middleOf(name: string, basename: string, suffix: string): string | undefined {
  const start = basename === "" ? 0 : basename.length + 1;
  if (basename !== "" && !name.startsWith(`${basename}_`)) return undefined;
  const end = name.length - suffix.length;
  if (end < start || !name.endsWith(suffix)) return undefined;
  return name.slice(start, end);
}

interface Candidate<N extends FileName> {
  readonly pick: Picked<N>;
  /** Bytes of the name that decides last. */
  readonly bytes: string;
}

const compareNumbers = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);

/** Which of two candidates is better, positive for `a`. */
function compareCandidates(a: Candidate<FileName>, b: Candidate<FileName>, native: Architecture): number {
  const secondary = secondaryArchitectures[native];
  const left = (candidate: Candidate<FileName>) => candidate.pick.tries?.left ?? counterMax;
  const done = (candidate: Candidate<FileName>) => candidate.pick.tries?.done ?? counterMax;
  const rank = ({ pick: { architecture } }: Candidate<FileName>) =>
    architecture === undefined ? 0 : architecture === native ? 2 : architecture === secondary ? 1 : 0;
  return (
    compareNumbers(Math.sign(left(a)), Math.sign(left(b))) ||
    compareVersions(a.pick.version, b.pick.version) ||
    compareNumbers(rank(a), rank(b)) ||
    compareNumbers(left(a), left(b)) ||
    compareNumbers(done(b), done(a)) ||
    (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0)
  );
}

/**
 * Picks the best entry of a versioned directory, as `systemd-vpick` and everything in systemd that follows `.v/` does:
 * entries with tries left first, then the newest version, the native before the secondary architecture before none, more
 * tries left, fewer done, and the greater file name.
 *
 * @param native The machine's own architecture, which stands for "any that runs here" unless the filter names one.
 */
export function pickEntry<N extends FileName>(
  entries: Iterable<N | VersionedEntry<N>>,
  filter: PickFilter,
  native: Architecture,
): PickResult<N> {
  const basename = byteString(filter.basename ?? "");
  const suffix = byteString(filter.suffix ?? "");
  const wanted =
    filter.architecture === undefined ? [native, secondaryArchitectures[native], undefined] : [filter.architecture];
  let best: Candidate<N> | undefined;
  for (const given of entries) {
    const entry: VersionedEntry<N> =
      typeof given === "string" || given instanceof Uint8Array ? { name: given as N } : (given as VersionedEntry<N>);
    const middle = middleOf(byteString(entry.name), basename, suffix);
    const parsed = middle === undefined ? undefined : parseMiddle(middle);
    if (parsed === undefined || !wanted.includes(parsed.architecture)) continue;
    if (filter.version !== undefined && filter.version !== parsed.version) continue;
    if (entry.type === "unresolvable") return { status: "unresolvable", name: entry.name };
    if (entry.type !== undefined && filter.types !== undefined && !filter.types.includes(entry.type)) continue;
    const pick: Picked<N> = { name: entry.name, type: entry.type, ...parsed };
    const candidate = { pick, bytes: byteString(entry.target ?? entry.name) };
    if (best === undefined || compareCandidates(candidate, best, native) > 0) best = candidate;
  }
  return best === undefined ? { status: "none" } : { status: "picked", pick: best.pick };
}

/** The machine and class to pick for. */
export interface PickVersionedOptions {
  /** The machine's own architecture, as systemd spells it. */
  readonly architecture: string;
  readonly kind: ExtensionKind;
}

const typesOf = { raw: ["regular", "block"], directory: ["directory"], mstack: ["directory"] } as const;

/** The last component of a path. */
const lastComponent = (path: string) => path.replace(/\/+$/, "").replace(/^.*\//s, "");

/** The machine's own architecture, from a caller. */
function nativeOf(architecture: string): Architecture {
  if (!isArchitecture(architecture)) throw new RangeError(`systemd knows no architecture ${String(architecture)}`);
  return architecture;
}

/**
 * The entry that systemd-sysext takes from a `.v/` directory in its search path, `NAME[.sysext|.confext][.raw|.mstack].v`,
 * or undefined where it takes none: because nothing matches, because an entry that matches cannot be resolved, or because
 * the directory's own name is none of an image. Only files are wanted from `.raw.v`, only directories from the others.
 *
 * @param directoryName The directory's name; of a path, the last component counts.
 * @param entries Names, or names with types.
 * @returns The name of the entry, as it was given.
 * @throws RangeError for a class or architecture that systemd doesn't know.
 */
export function pickVersioned<N extends FileName>(
  directoryName: FileName,
  entries: Iterable<N | VersionedEntry<N>>,
  options: PickVersionedOptions,
): N | undefined {
  const native = nativeOf(options.architecture);
  const text = textOf(directoryName);
  const directory = text === undefined ? undefined : versionedDirectory(lastComponent(text), options.kind);
  if (directory?.is !== "versioned") return undefined;
  const filter = { basename: directory.name, suffix: directory.suffix, types: typesOf[directory.type] };
  const result = pickEntry(entries, filter, native);
  return result.status === "picked" ? result.pick.name : undefined;
}

/** A directory to pick from, and what to look for in it. */
export interface PickPattern {
  /** Path of the directory, without slashes at its end. */
  readonly directory: string;
  readonly filter: PickFilter;
}

/**
 * What a path with versions in it asks for (path_pick): `dir/NAME[SUFFIX].v` looks in that directory for `NAME_*SUFFIX`,
 * `dir.v/NAME___SUFFIX` looks in `dir.v`, and with a basename in the filter any directory will do. Undefined where the
 * path is no pattern and is to be taken literally.
 */
export function pickPattern(path: string, filter: PickFilter = {}): PickPattern | undefined {
  const trimmed = path.replace(/\/+$/, "");
  if (filter.basename !== undefined) return { directory: trimmed, filter };
  const name = lastComponent(trimmed);
  if (name.endsWith(".v")) {
    const suffix = textOf(filter.suffix ?? "") ?? "";
    const stem = name.slice(0, -".v".length);
    return {
      directory: trimmed,
      filter: { ...filter, basename: stem.endsWith(suffix) ? stem.slice(0, stem.length - suffix.length) : stem },
    };
  }
  const wildcard = name.lastIndexOf("___");
  const directory = trimmed.slice(0, trimmed.length - name.length).replace(/\/+$/, "");
  if (wildcard < 0 || !directory.endsWith(".v")) return undefined;
  const found = { ...filter, basename: name.slice(0, wildcard), suffix: name.slice(wildcard + "___".length) };
  return { directory, filter: trimmed === path ? found : { ...found, types: ["directory"] } };
}
