import { isArchitecture, suggestArchitecture } from "./architecture.js";
import { ReleaseError, type ReleaseErrorCode } from "./errors.js";
import { type ExtensionKind, scopes, traitsOf } from "./kind.js";
import { lintRelease, type ReleaseFinding, reloadManagerKey, unitListKeys } from "./lint.js";
import { lintImageName } from "./lint-name.js";
import type { ReleaseFields } from "./parse.js";
import { releasePath } from "./places.js";
import { encodeText, isText, show, splitWords } from "./text.js";
import { isUnitName } from "./units.js";

/** What goes into a release file. */
export interface ReleaseSpec {
  readonly kind: ExtensionKind;
  /** Image name, which names the file. */
  readonly name: string;
  /** ID of the system that the extension is for (or that its hosts are like), or `_any`. */
  readonly id: string;
  readonly versionId?: string | undefined;
  /** SYSEXT_LEVEL or CONFEXT_LEVEL, after the class. */
  readonly level?: string | undefined;
  /** Out of `system`, `initrd`, `portable`; undefined: system and portable, as systemd assumes. */
  readonly scope?: readonly string[] | undefined;
  /** systemd's spelling, or `_any`; undefined: any. */
  readonly architecture?: string | undefined;
  /** Reload the service manager after a merge. */
  readonly reloadManager?: boolean | undefined;
  /** Units to restart after a merge. */
  readonly restartUnits?: readonly string[] | undefined;
  /** Units to reload, or to restart where they cannot be reloaded. */
  readonly reloadOrRestartUnits?: readonly string[] | undefined;
  /** Other fields, such as IMAGE_VERSION. They are written in byte order of their keys. */
  readonly extra?: Readonly<Record<string, string>> | undefined;
}

/** A release file, ready to be put into an image. */
export interface WrittenRelease {
  /** Where it belongs, relative to the image's root. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What a parser makes of `bytes`. */
  readonly fields: ReleaseFields;
  /** Warnings: what is written and does not do what it seems to. */
  readonly findings: readonly ReleaseFinding[];
}

const fail = (code: ReleaseErrorCode, message: string, path: string): never => {
  throw new ReleaseError(code, message, { path });
};

function checkValue(key: string, value: string): void {
  if (/[\r\n]/.test(value)) fail("MALFORMED_VALUE", `${key} has a line break in ${show(value)}`, key);
  if (/[\0-\x1f\x7f]/.test(value)) fail("MALFORMED_VALUE", `${key} has a control character in ${show(value)}`, key);
  if (!isText(value)) fail("MALFORMED_VALUE", `${key} has characters in ${show(value)} that UTF-8 doesn't have`, key);
}

function checkKey(key: string): void {
  if (!/^[A-Z_][A-Z0-9_]*$/.test(key)) {
    fail("MALFORMED_KEY", `a key has capital letters, digits and _, not ${show(key)}`, key);
  }
}

/**
 * A value as it stands behind `=`, so that env files and shells both read it back: as it is where no character means
 * anything, else in double quotes.
 */
function quote(value: string): string {
  return /^[A-Za-z0-9@%+,./:^_-]*$/.test(value) ? value : `"${value.replace(/["\\`$]/g, "\\$&")}"`;
}

/**
 * The bytes of a release file with these fields, in their order; `parseReleaseFile` gives the fields back.
 *
 * @throws ReleaseError MALFORMED_KEY or MALFORMED_VALUE for what would not come back, or has control characters.
 */
export function encodeReleaseFields(fields: ReleaseFields): Uint8Array {
  let text = "";
  for (const [key, value] of fields) {
    checkKey(key);
    checkValue(key, value);
    text += `${key}=${quote(value)}\n`;
  }
  return encodeText(text);
}

function checkId(id: string): void {
  if (id === "") fail("MALFORMED_ID", "ID is empty, and no host takes an extension without an ID", "ID");
  if (splitWords(id).length !== 1 || /\s/.test(id)) {
    fail("MALFORMED_ID", `ID is one word, not ${show(id)}; several systems need several images, or ID=_any`, "ID");
  }
}

function checkFilled(key: string, value: string | undefined): void {
  if (value === "") fail("MALFORMED_VALUE", `${key} is empty, which counts as absent; leave it out`, key);
}

function checkArchitecture(value: string | undefined): void {
  if (value === undefined || value === "_any" || isArchitecture(value)) return;
  const meant = suggestArchitecture(value);
  const hint = meant === undefined ? "" : `; systemd spells it ${meant}`;
  fail("UNSUPPORTED_ARCHITECTURE", `systemd knows no architecture ${show(value)}${hint}`, "ARCHITECTURE");
}

function checkScope(key: string, words: readonly string[] | undefined): void {
  if (words === undefined) return;
  if (words.length === 0) fail("MALFORMED_SCOPE", `${key} without a word allows no host at all`, key);
  const known: readonly string[] = scopes;
  for (const word of words) {
    if (!known.includes(word))
      fail("MALFORMED_SCOPE", `${key} has the words ${scopes.join(", ")}, not ${show(word)}`, key);
  }
}

function checkUnits(key: string, units: readonly string[] | undefined): void {
  for (const unit of units ?? []) {
    if (!isUnitName(unit)) fail("MALFORMED_UNIT", `${show(unit)} in ${key} is not the name of a unit`, key);
  }
}

function checkSpec(spec: ReleaseSpec): void {
  const { levelKey, scopeKey } = traitsOf(spec.kind);
  const wrong = lintImageName(spec.name).find((finding) => finding.severity === "error");
  if (wrong !== undefined) fail("MALFORMED_NAME", wrong.message, "name");
  checkId(spec.id);
  checkFilled("VERSION_ID", spec.versionId);
  checkFilled(levelKey, spec.level);
  checkArchitecture(spec.architecture);
  checkScope(scopeKey, spec.scope);
  checkUnits(unitListKeys[0], spec.restartUnits);
  checkUnits(unitListKeys[1], spec.reloadOrRestartUnits);
}

/** The fields in the order in which they are written: what decides first, what is extra last. */
function fieldsOf(spec: ReleaseSpec): ReleaseFields {
  const { levelKey, scopeKey } = traitsOf(spec.kind);
  const fields = new Map<string, string>();
  const set = (key: string, value: string | undefined) => {
    if (value !== undefined) fields.set(key, value);
  };
  const list = (words: readonly string[] | undefined) => words?.join(" ") || undefined;
  set("ID", spec.id);
  set("VERSION_ID", spec.versionId);
  set(levelKey, spec.level);
  set(scopeKey, list(spec.scope));
  set("ARCHITECTURE", spec.architecture);
  set(reloadManagerKey, spec.reloadManager === undefined ? undefined : spec.reloadManager ? "1" : "0");
  set(unitListKeys[0], list(spec.restartUnits));
  set(unitListKeys[1], list(spec.reloadOrRestartUnits));
  const own = ["ID", "VERSION_ID", levelKey, scopeKey, "ARCHITECTURE", reloadManagerKey, ...unitListKeys];
  for (const key of Object.keys(spec.extra ?? {}).sort()) {
    if (own.includes(key)) fail("MALFORMED_KEY", `${key} has an option of its own and cannot be an extra field`, key);
    set(key, spec.extra?.[key]);
  }
  return fields;
}

/**
 * Writes the release file of an extension, refusing what systemd would never accept, and saying with `findings` what it
 * would accept and not do (`ID=_any` with a VERSION_ID, no version at all, names that tools stumble over).
 *
 * @throws ReleaseError MALFORMED_NAME, MALFORMED_ID, MALFORMED_KEY, MALFORMED_VALUE, MALFORMED_SCOPE, MALFORMED_UNIT or
 *   UNSUPPORTED_ARCHITECTURE, with the field as `context.path`; RangeError for another class than sysext and confext.
 */
export function writeRelease(spec: ReleaseSpec): WrittenRelease {
  checkSpec(spec);
  const fields = fieldsOf(spec);
  return {
    path: releasePath(spec.name, spec.kind),
    bytes: encodeReleaseFields(fields),
    fields,
    findings: [...lintRelease(fields, spec.kind), ...lintImageName(spec.name)],
  };
}
