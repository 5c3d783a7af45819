import { PolicyError } from "./errors.js";
import {
  type Attribute,
  attributes,
  type Designator,
  designators,
  type Filesystem,
  type Flag,
  filesystems,
  flags,
  shorthands,
  signatureOf,
  type Use,
  uses,
  verityOf,
} from "./words.js";

/** The words that a rule has, as it was written. */
export type Flags = ReadonlySet<Flag>;

/** A policy as it was written: a rule for each designator that it names, and one for the others. */
export interface ImagePolicy {
  readonly rules: ReadonlyMap<Designator, Flags>;
  readonly otherwise: Flags;
}

/** What a policy lets a partition be, with everything that the words imply. */
export interface Allowed {
  /** Empty: nothing that the partition could be is allowed. */
  readonly uses: readonly Use[];
  /** Of the bit in the partition table; undefined: it does not matter. */
  readonly readOnly: boolean | undefined;
  readonly growFileSystem: boolean | undefined;
  /** Undefined: any. */
  readonly filesystems: readonly Filesystem[] | undefined;
}

const ignored: Flags = new Set(["unused", "absent"]);
const nothing: Flags = new Set();

/** Lets every image be anything. */
export const allowPolicy: ImagePolicy = { rules: new Map(), otherwise: new Set(uses) };
/** Uses nothing of an image. */
export const ignorePolicy: ImagePolicy = { rules: new Map(), otherwise: ignored };
/** Lets images have no partitions at all. */
export const denyPolicy: ImagePolicy = { rules: new Map(), otherwise: new Set(["absent"]) };

/**
 * Parses a policy such as `root=verity+signed:usr=absent:=unprotected`; `*`, `-` and `~` are `allowPolicy`, `ignorePolicy` and
 * `denyPolicy`. Throws `PolicyError` where systemd refuses it (systemd.image-policy(7)).
 */
export function parsePolicy(text: string): ImagePolicy {
  const trimmed = trim(text);
  if (trimmed === "" || trimmed === "-") return ignorePolicy;
  if (trimmed === "*") return allowPolicy;
  if (trimmed === "~") return denyPolicy;
  const rules = new Map<Designator, Flags>();
  let otherwise: Flags | undefined;
  let at = 0;
  for (const entry of trimmed.split(":")) {
    const offset = at;
    at += entry.length + 1;
    const equals = entry.indexOf("=");
    if (equals < 0) throw malformed("MALFORMED_ENTRY", `"${trim(entry)}" is not a rule such as root=signed`, offset);
    const name = trim(entry.slice(0, equals));
    const found = parseFlags(entry.slice(equals + 1), offset + equals + 1);
    if (name === "") {
      if (otherwise) throw malformed("MALFORMED_DUPLICATE", "there are two rules for what is not named", offset);
      otherwise = found;
      continue;
    }
    const designator = designators.find((one) => one === name);
    if (designator === undefined) throw malformed("MALFORMED_DESIGNATOR", `there is no partition "${name}"`, offset);
    if (rules.has(designator)) throw malformed("MALFORMED_DUPLICATE", `there are two rules for ${name}`, offset);
    rules.set(designator, found);
  }
  return { rules: sorted(rules), otherwise: otherwise ?? ignored };
}

const malformed = (code: PolicyError["code"], message: string, offset: number) =>
  new PolicyError(code, message, { path: "policy", offset });

/** Blanks as C's `isspace` without vertical tabs and form feeds, which systemd keeps. */
const trim = (text: string) => text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "");

function parseFlags(text: string, offset: number): Flags {
  const trimmed = trim(text);
  if (trimmed === "" || trimmed === "-") return nothing;
  const found = new Set<Flag>();
  for (const part of trimmed.split("+")) {
    const word = trim(part);
    const shorthand = Object.hasOwn(shorthands, word) ? shorthands[word] : undefined;
    const flag = flags.find((one) => one === word);
    if (shorthand === undefined && flag === undefined) {
      throw malformed("MALFORMED_FLAG", `"${word}" is no word of image policies`, offset);
    }
    for (const one of shorthand ?? (flag ? [flag] : [])) found.add(one);
  }
  return found;
}

/** In the order in which systemd keeps and prints them. */
const sorted = (rules: ReadonlyMap<Designator, Flags>): ReadonlyMap<Designator, Flags> =>
  new Map([...rules].sort(([a], [b]) => designators.indexOf(a) - designators.indexOf(b)));

const has = (found: Flags, words: readonly Flag[]) => words.some((word) => found.has(word));

/** Where nothing of a kind is said, everything of it is meant. */
function extend(found: Flags): Set<Flag> {
  const extended = new Set(found);
  const add = (words: readonly Flag[]) => {
    if (!has(found, words)) for (const word of words) extended.add(word);
  };
  add(uses);
  add(["read-only-on", "read-only-off"]);
  add(["growfs-on", "growfs-off"]);
  return extended;
}

/** What the words come to for that partition: some mean nothing there. */
function normalize(designator: Designator, found: Flags): Flags {
  const extended = extend(found);
  const drop = (...words: Flag[]) => {
    for (const word of words) extended.delete(word);
  };
  const isData = designator === "root" || designator === "usr";
  if (verityOf[designator] || signatureOf[designator]) drop("verity", "signed", "encrypted", "encryptedwithintegrity");
  if (!isData) drop("verity", "signed");
  if (uses.every((use) => extended.has(use) === (use === "absent"))) drop(...attributes);
  return extended;
}

/** The rule for a designator; of verity data and signatures derived from what they belong to, if they have none. */
function ruleOf(policy: ImagePolicy, designator: Designator): Flags | undefined {
  const own = policy.rules.get(designator);
  if (own) return normalize(designator, own);
  const data = verityOf[designator] ?? signatureOf[designator];
  const ofData = data && ruleOf(policy, data);
  if (ofData === undefined) return undefined;
  const needed: readonly Flag[] = verityOf[designator] ? ["verity", "signed"] : ["signed"];
  if (!has(ofData, needed)) return undefined;
  const inherited: readonly Flag[] = ["unused", "absent", ...attributes];
  return extend(new Set<Flag>(["unprotected", ...inherited.filter((word) => ofData.has(word))]));
}

/** All that a policy says of a partition. */
export function allowedFor(policy: ImagePolicy, designator: Designator): Allowed {
  const found = ruleOf(policy, designator) ?? normalize(designator, policy.otherwise);
  const bit = (on: Attribute, off: Attribute) => (found.has(on) === found.has(off) ? undefined : found.has(on));
  const named = filesystems.filter((one) => found.has(one));
  return {
    uses: uses.filter((use) => found.has(use)),
    readOnly: bit("read-only-on", "read-only-off"),
    growFileSystem: bit("growfs-on", "growfs-off"),
    filesystems: named.length > 0 ? named : undefined,
  };
}

const sameUses = (a: Allowed, b: readonly Use[]) =>
  a.uses.length === b.length && b.every((use) => a.uses.includes(use));

/** Whether every partition may be just that. */
function isEquivalent(policy: ImagePolicy, like: ImagePolicy): boolean {
  return designators.every((designator) => {
    const ours = allowedFor(policy, designator);
    const theirs = allowedFor(like, designator);
    const isSame = ours.readOnly === theirs.readOnly && ours.growFileSystem === theirs.growFileSystem;
    return isSame && sameUses(ours, theirs.uses) && `${ours.filesystems}` === `${theirs.filesystems}`;
  });
}

/** A rule's words as systemd writes them, in full: `-` where there are none. */
function formatFlags(found: Flags, simplify: boolean): string {
  const words: string[] = [];
  const used = uses.filter((use) => found.has(use));
  if (simplify && used.length === uses.length) words.push("open");
  else if (simplify && used.length === 2 && found.has("unused") && found.has("absent")) words.push("ignore");
  else words.push(...used);
  const pair = (on: Attribute, off: Attribute) => {
    if (simplify && found.has(on) && found.has(off)) return;
    for (const word of attributes) if ((word === on || word === off) && found.has(word)) words.push(word);
  };
  pair("read-only-on", "read-only-off");
  pair("growfs-on", "growfs-off");
  words.push(...filesystems.filter((one) => found.has(one)));
  return words.length > 0 ? words.join("+") : "-";
}

/** How a policy is written. */
export interface FormatOptions {
  /** `full` spells out shorthands and the default, as `systemd-analyze image-policy` does in its long form. Default `short`. */
  readonly form?: "short" | "full" | undefined;
}

/** A policy as systemd prints it. */
export function formatPolicy(policy: ImagePolicy, { form = "short" }: FormatOptions = {}): string {
  const simplify = form === "short";
  if (simplify) {
    if (isEquivalent(policy, allowPolicy)) return "*";
    if (isEquivalent(policy, ignorePolicy)) return "-";
    if (isEquivalent(policy, denyPolicy)) return "~";
  }
  const entries: string[] = [];
  for (const [designator, found] of policy.rules) entries.push(`${designator}=${formatFlags(found, simplify)}`);
  const isIgnored =
    policy.otherwise.size === ignored.size && has(policy.otherwise, ["unused"]) && has(policy.otherwise, ["absent"]);
  if (!simplify || !isIgnored) entries.push(`=${formatFlags(policy.otherwise, simplify)}`);
  return entries.join(":");
}
