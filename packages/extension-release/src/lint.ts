import { isArchitecture, suggestArchitecture } from "./architecture.js";
import { type ExtensionKind, kindTraits, otherKind, scopes, traitsOf } from "./kind.js";
import type { ReleaseAssignment, ReleaseFields } from "./parse.js";
import { parseBoolean, show, splitWords } from "./text.js";
import { isUnitName } from "./units.js";

/** What a finding is about. */
export type ReleaseRule =
  | "no-release-data"
  | "id-missing"
  | "id-several-words"
  | "id-unusual"
  | "version-id-unusual"
  /** ID=_any: VERSION_ID and the level are never looked at. */
  | "any-gates-nothing"
  /** Neither VERSION_ID nor a level: only rolling hosts take it. */
  | "no-version"
  | "scope-empty"
  | "scope-unknown-word"
  | "scope-matches-nothing"
  | "architecture-unknown"
  /** A key that is read only in the other class's files. */
  | "key-of-other-class"
  /** A key that looks like a gate and is never read. */
  | "key-not-read"
  | "key-misspelt"
  | "key-twice"
  /** Quotes or a `#` that became part of a value. */
  | "value-looks-quoted"
  | "value-looks-commented"
  | "reload-manager-not-boolean"
  | "unit-name-invalid"
  | "unit-in-both-lists"
  | "name-invalid"
  | "name-too-long"
  | "name-breaks-merge"
  | "name-unusual";

/** Something worth saying about a release file or an image name. */
export interface ReleaseFinding {
  readonly rule: ReleaseRule;
  /** `error`: no host takes the extension, or the merge fails. `warning`: it does not do what it seems to. */
  readonly severity: "error" | "warning";
  /** A sentence without a period. */
  readonly message: string;
  readonly key?: string | undefined;
  /** Line of the file, where the positions were given. */
  readonly line?: number | undefined;
  /** What to do about it, where there is one thing. */
  readonly fix?: string | undefined;
}

/** What more is known of a file that is looked at. */
export interface LintOptions {
  /** The assignments of the file, for line numbers and for keys that stand there twice. */
  readonly assignments?: readonly ReleaseAssignment[] | undefined;
}

/** The keys of a service manager that a merge acts on, each a list of units. */
export const unitListKeys = ["EXTENSION_RESTART_UNITS", "EXTENSION_RELOAD_OR_RESTART_UNITS"] as const;

export const reloadManagerKey = "EXTENSION_RELOAD_MANAGER";

/** Values of os-release(5) that compare well: lower-case letters, digits and `._-`. */
const plainValue = /^[a-z0-9._-]+$/;

type Findings = ReleaseFinding[];

function lintId(fields: ReleaseFields, kind: ExtensionKind, findings: Findings): void {
  const { levelKey } = traitsOf(kind);
  const id = fields.get("ID") ?? "";
  const gates = ["VERSION_ID", levelKey].filter((key) => (fields.get(key) ?? "") !== "");
  if (id === "") {
    findings.push({
      rule: "id-missing",
      severity: "error",
      key: "ID",
      message: "there is no ID, so no host takes the extension",
    });
  } else if (id === "_any") {
    for (const key of gates) {
      const message = `${key}=${show(fields.get(key) ?? "")} gates nothing: ID=_any fits every host, whatever its version`;
      findings.push({
        rule: "any-gates-nothing",
        severity: "warning",
        key,
        message,
        fix: `name the system in ID, or leave ${key} out`,
      });
    }
  } else {
    if (splitWords(id).length > 1) {
      const message = `ID=${show(id)} is compared as one word, so no ordinary host has it`;
      findings.push({
        rule: "id-several-words",
        severity: "error",
        key: "ID",
        message,
        fix: "build one image for each ID",
      });
    } else if (!plainValue.test(id)) {
      const message = `ID=${show(id)} has characters that IDs don't have; it is compared letter by letter`;
      findings.push({ rule: "id-unusual", severity: "warning", key: "ID", message });
    }
    if (gates.length === 0) {
      const message = `there is neither VERSION_ID nor ${levelKey}, so only hosts without a VERSION_ID take the extension`;
      findings.push({
        rule: "no-version",
        severity: "warning",
        message,
        fix: `set VERSION_ID or ${levelKey}, or ID=_any`,
      });
    }
  }
}

function lintVersionId(fields: ReleaseFields, findings: Findings): void {
  const version = fields.get("VERSION_ID") ?? "";
  if (version !== "" && !plainValue.test(version)) {
    const message = `VERSION_ID=${show(version)} has characters that versions don't have; it is compared letter by letter`;
    findings.push({ rule: "version-id-unusual", severity: "warning", key: "VERSION_ID", message });
  }
}

function lintScope(fields: ReleaseFields, kind: ExtensionKind, findings: Findings): void {
  const { scopeKey: key } = traitsOf(kind);
  const value = fields.get(key);
  if (value === undefined) return;
  const known: readonly string[] = scopes;
  const words = splitWords(value);
  const unknown = words.filter((word) => !known.includes(word));
  const fix = `use ${scopes.join(", ")}, separated by blanks`;
  if (words.length === 0) {
    const message = `${key} is empty, which allows no host at all`;
    findings.push({ rule: "scope-empty", severity: "error", key, message, fix: `leave ${key} out, or ${fix}` });
  } else if (unknown.length === words.length) {
    const message = `${key}=${show(value)} has no scope that systemd knows, so no host takes the extension`;
    findings.push({ rule: "scope-matches-nothing", severity: "error", key, message, fix });
  } else {
    for (const word of unknown) {
      findings.push({
        rule: "scope-unknown-word",
        severity: "warning",
        key,
        message: `${key} has ${show(word)}, which systemd passes over`,
        fix,
      });
    }
  }
}

function lintArchitecture(fields: ReleaseFields, findings: Findings): void {
  const key = "ARCHITECTURE";
  const value = fields.get(key) ?? "";
  if (value === "" || value === "_any" || isArchitecture(value)) return;
  const meant = suggestArchitecture(value);
  findings.push({
    rule: "architecture-unknown",
    severity: "error",
    key,
    message: `${key}=${show(value)} is no architecture that systemd knows, so no host takes the extension`,
    fix: meant === undefined ? undefined : `${key}=${meant}`,
  });
}

function lintUnits(fields: ReleaseFields, findings: Findings): void {
  const reload = fields.get(reloadManagerKey) ?? "";
  if (reload !== "" && parseBoolean(reload) === undefined) {
    const message = `${reloadManagerKey}=${show(reload)} is no boolean, so it is ignored`;
    findings.push({
      rule: "reload-manager-not-boolean",
      severity: "warning",
      key: reloadManagerKey,
      message,
      fix: `${reloadManagerKey}=1`,
    });
  }
  const [restart, reloadOrRestart] = unitListKeys.map((key) => {
    const units = splitWords(fields.get(key) ?? "");
    for (const unit of units.filter((unit) => !isUnitName(unit))) {
      const message = `${key} has ${show(unit)}, which names no unit and is passed over`;
      findings.push({ rule: "unit-name-invalid", severity: "warning", key, message });
    }
    return units.filter(isUnitName);
  });
  for (const unit of restart ?? []) {
    if (!reloadOrRestart?.includes(unit)) continue;
    const message = `${unit} is in both lists, so it is restarted`;
    findings.push({ rule: "unit-in-both-lists", severity: "warning", key: unitListKeys[1], message });
  }
}

const sharedKeys: readonly string[] = ["ID", "VERSION_ID", "ARCHITECTURE", reloadManagerKey, ...unitListKeys];

/** Keys that people set as if the match read them. SYSEXT_ID and SYSEXT_VERSION_ID name the extension itself: no gates. */
const deafKeys: readonly string[] = ["ID_LIKE"];

function lintKeys(fields: ReleaseFields, kind: ExtensionKind, findings: Findings): void {
  const { levelKey, scopeKey } = traitsOf(kind);
  const other = kindTraits[otherKind(kind)];
  const read = [...sharedKeys, levelKey, scopeKey];
  for (const key of fields.keys()) {
    if (key === other.levelKey || key === other.scopeKey) {
      const fix = key === other.levelKey ? levelKey : scopeKey;
      const message = `${key} is not read in the release file of a ${kind}`;
      findings.push({ rule: "key-of-other-class", severity: "warning", key, message, fix });
    } else if (deafKeys.includes(key)) {
      findings.push({
        rule: "key-not-read",
        severity: "warning",
        key,
        message: `${key} of an extension is never read`,
      });
    } else if (!read.includes(key)) {
      // A BOM before the first key, shell's `export`, another case, a stray `=`: the field is lost without a word.
      const meant = key
        .replace(/^\uFEFF/, "")
        .replace(/^export\s+/, "")
        .replace(/^=+|^["']|["']$/g, "")
        .toUpperCase();
      if (!read.includes(meant)) continue;
      const message = `the key ${show(key)} is not ${meant}, so it is never read`;
      findings.push({ rule: "key-misspelt", severity: "warning", key, message, fix: meant });
    }
  }
  for (const key of read) {
    const value = fields.get(key) ?? "";
    if (/["']/.test(value)) {
      const message = `${key}=${show(value)} has quotes in it: they count only before the first other character`;
      findings.push({ rule: "value-looks-quoted", severity: "warning", key, message });
    } else if (/\s[#;]/.test(value)) {
      const message = `${key}=${show(value)} has a comment in it: comments stand on lines of their own`;
      findings.push({ rule: "value-looks-commented", severity: "warning", key, message });
    }
  }
}

function lintTwice(assignments: readonly ReleaseAssignment[], findings: Findings): void {
  const seen = new Map<string, ReleaseAssignment>();
  for (const assignment of assignments) {
    const earlier = seen.get(assignment.key);
    seen.set(assignment.key, assignment);
    if (earlier === undefined || earlier.value === assignment.value) continue;
    const { key, line } = assignment;
    const message = `${key} stands in line ${earlier.line} and again in line ${line}, where the last one counts`;
    findings.push({ rule: "key-twice", severity: "warning", key, line, message });
  }
}

/**
 * What is questionable about a release file: gates that gate nothing (P1), gates that shut everybody out, keys that
 * nobody reads. The same findings come with a file that `writeRelease` writes.
 */
export function lintRelease(
  fields: ReleaseFields,
  kind: ExtensionKind,
  options: LintOptions = {},
): readonly ReleaseFinding[] {
  traitsOf(kind);
  if (fields.size === 0) {
    return [
      { rule: "no-release-data", severity: "error", message: "the file has no fields, so no host takes the extension" },
    ];
  }
  const findings: Findings = [];
  lintId(fields, kind, findings);
  lintVersionId(fields, findings);
  lintScope(fields, kind, findings);
  lintArchitecture(fields, findings);
  lintUnits(fields, findings);
  lintKeys(fields, kind, findings);
  const { assignments } = options;
  if (assignments === undefined) return findings;
  lintTwice(assignments, findings);
  const lines = new Map(assignments.map(({ key, line }) => [key, line]));
  return findings.map((finding) =>
    finding.key === undefined || finding.line !== undefined ? finding : { ...finding, line: lines.get(finding.key) },
  );
}
