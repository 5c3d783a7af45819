import { architectures, isArchitecture, suggestArchitecture } from "./architecture.js";
import { defaultScopes, type ExtensionKind, type KindTraits, type Scope, scopes, traitsOf } from "./kind.js";
import type { ReleaseFields } from "./parse.js";
import { show, splitWords } from "./text.js";

/** A stable code for a verdict, the same as in the recorded oracles (`test-images/oracle/README.md`). */
export type MatchReason =
  | "accept:any"
  | "accept:forced"
  | "accept:rolling-host"
  | "accept:version-or-level"
  | "reject:no-release-data"
  | "reject:scope"
  | "reject:architecture"
  | "reject:id-missing"
  | "reject:id"
  | "reject:level"
  | "reject:version-id-missing"
  | "reject:version-id"
  | "fatal:host-os-release-unreadable"
  | "fatal:host-id-missing";

/** The step that decided (shared/extension-util.c, extension_release_validate, in this order). */
export type MatchRule =
  | "host"
  | "force"
  | "release-data"
  | "scope"
  | "architecture"
  | "id-present"
  | "id-any"
  | "id"
  | "rolling-host"
  | "level"
  | "version-id"
  /** The host has a level and no VERSION_ID, the extension has no level: nothing is compared. */
  | "host-level-only";

/** Whether one host takes one extension, and why. */
export interface MatchVerdict<Reason extends string = MatchReason> {
  readonly accepted: boolean;
  readonly reason: Reason;
  readonly rule: MatchRule;
  /** The field that decided, as the host and the extension call it. Undefined where no field did. */
  readonly key: string | undefined;
  /** What the host has there; undefined where it has nothing. An empty field counts as none, as in systemd. */
  readonly hostValue: string | undefined;
  /** What the extension has there. */
  readonly extensionValue: string | undefined;
  /** A sentence for people, without a period: `host has VERSION_ID=13, extension wants 12`. */
  readonly message: string;
}

/** One host and one extension, as their release files describe them. */
export interface MatchInput {
  /** The host's os-release; undefined where it has none that systemd can read. */
  readonly host: ReleaseFields | undefined;
  /** The extension's release file of its own class; undefined where there is no usable one. */
  readonly extension: ReleaseFields | undefined;
  readonly kind: ExtensionKind;
  /** `initrd` where the host has `/etc/initrd-release`, `portable` for portable services, else `system`. */
  readonly scope: Scope;
  /** systemd's name for the machine that `uname` tells, such as `x86-64`. */
  readonly architecture: string;
  /** `--force`: only a host that describes itself is needed. */
  readonly force?: boolean | undefined;
}

interface Outcome {
  readonly reason: MatchReason;
  readonly rule: MatchRule;
  readonly key?: string;
  readonly hostValue?: string | undefined;
  readonly extensionValue?: string | undefined;
  readonly message: string;
}

function verdict(outcome: Outcome): MatchVerdict {
  return {
    accepted: outcome.reason.startsWith("accept:"),
    reason: outcome.reason,
    rule: outcome.rule,
    key: outcome.key,
    hostValue: outcome.hostValue,
    extensionValue: outcome.extensionValue,
    message: outcome.message,
  };
}

/** The value of a field that counts, which an empty one does not. */
const filled = (fields: ReleaseFields, key: string): string | undefined => fields.get(key) || undefined;

/**
 * Why no extension at all can be merged on this host, or undefined. Not even `--force` helps against it.
 */
export function judgeHost(host: ReleaseFields | undefined): MatchVerdict | undefined {
  if (host === undefined) {
    const message = "host has no os-release file that can be read";
    return verdict({ reason: "fatal:host-os-release-unreadable", rule: "host", message });
  }
  if (filled(host, "ID") !== undefined) return undefined;
  return verdict({
    reason: "fatal:host-id-missing",
    rule: "host",
    key: "ID",
    message: "host has no ID in its os-release",
  });
}

function judgeScope(extension: ReleaseFields, traits: KindTraits, scope: Scope): Outcome | undefined {
  const { scopeKey } = traits;
  const value = extension.get(scopeKey);
  const allowed = value === undefined ? defaultScopes : splitWords(value);
  if (allowed.includes(scope)) return undefined;
  const wants =
    value === undefined
      ? `extension has no ${scopeKey} and so allows only ${defaultScopes.join(" and ")}`
      : allowed.length === 0
        ? `extension has an empty ${scopeKey}, which allows none`
        : `extension has ${scopeKey}=${show(value)}`;
  const message = `host needs the scope ${scope}, ${wants}`;
  return { reason: "reject:scope", rule: "scope", key: scopeKey, hostValue: scope, extensionValue: value, message };
}

function judgeArchitecture(extension: ReleaseFields, architecture: string): Outcome | undefined {
  const value = filled(extension, "ARCHITECTURE");
  if (value === undefined || value === "_any" || value === architecture) return undefined;
  const meant = isArchitecture(value) ? undefined : suggestArchitecture(value);
  const hint = meant === undefined ? "" : ` (systemd spells it ${meant})`;
  return {
    reason: "reject:architecture",
    rule: "architecture",
    key: "ARCHITECTURE",
    hostValue: architecture,
    extensionValue: value,
    message: `host has the architecture ${architecture}, extension wants ${show(value)}${hint}`,
  };
}

function judgeId(host: ReleaseFields, extension: ReleaseFields): Outcome | undefined {
  const hostValue = filled(host, "ID") ?? "";
  const extensionValue = filled(extension, "ID");
  const key = "ID";
  if (extensionValue === undefined) {
    const message = `extension has no ID, host has ID=${show(hostValue)}`;
    return { reason: "reject:id-missing", rule: "id-present", key, hostValue, message };
  }
  if (extensionValue === "_any") {
    const message = "extension has ID=_any and fits any host";
    return { reason: "accept:any", rule: "id-any", key, hostValue, extensionValue, message };
  }
  const like = filled(host, "ID_LIKE");
  if (extensionValue === hostValue || splitWords(like ?? "").includes(extensionValue)) return undefined;
  const alike = like === undefined ? "" : ` (like ${show(like)})`;
  const message = `host has ID=${show(hostValue)}${alike}, extension wants ${show(extensionValue)}`;
  return { reason: "reject:id", rule: "id", key, hostValue, extensionValue, message };
}

function judgeLevel(key: string, hostValue: string, extensionValue: string): Outcome {
  const values = { rule: "level", key, hostValue, extensionValue } as const;
  return hostValue === extensionValue
    ? { ...values, reason: "accept:version-or-level", message: `host and extension have ${key}=${show(hostValue)}` }
    : {
        ...values,
        reason: "reject:level",
        message: `host has ${key}=${show(hostValue)}, extension wants ${show(extensionValue)}`,
      };
}

function judgeVersionId(hostValue: string, extensionValue: string | undefined): Outcome {
  const key = "VERSION_ID";
  const values = { rule: "version-id", key, hostValue, extensionValue } as const;
  const has = `host has ${key}=${show(hostValue)}`;
  if (extensionValue === undefined) {
    return { ...values, reason: "reject:version-id-missing", message: `${has}, extension names no ${key}` };
  }
  return hostValue === extensionValue
    ? { ...values, reason: "accept:version-or-level", message: `host and extension have ${key}=${show(hostValue)}` }
    : { ...values, reason: "reject:version-id", message: `${has}, extension wants ${show(extensionValue)}` };
}

function judgeVersion(host: ReleaseFields, extension: ReleaseFields, { levelKey }: KindTraits): Outcome {
  const hostVersion = filled(host, "VERSION_ID");
  const hostLevel = filled(host, levelKey);
  const level = filled(extension, levelKey);
  if (hostVersion === undefined && hostLevel === undefined) {
    const message = `host has ID=${show(filled(host, "ID") ?? "")} and neither VERSION_ID nor ${levelKey}, so no version is compared`;
    return { reason: "accept:rolling-host", rule: "rolling-host", message };
  }
  if (hostLevel !== undefined && level !== undefined) return judgeLevel(levelKey, hostLevel, level);
  if (hostVersion !== undefined) return judgeVersionId(hostVersion, filled(extension, "VERSION_ID"));
  const message = `host has only ${levelKey}=${show(hostLevel ?? "")}, extension has none, so no version is compared`;
  return { reason: "accept:version-or-level", rule: "host-level-only", key: levelKey, hostValue: hostLevel, message };
}

function checkInput(scope: Scope, architecture: string): void {
  if (!scopes.includes(scope)) throw new RangeError(`the scope is ${scopes.join(", ")}, not ${String(scope)}`);
  if (isArchitecture(architecture)) return;
  const meant = suggestArchitecture(String(architecture));
  const hint = meant === undefined ? `one of ${architectures.join(", ")}` : meant;
  throw new RangeError(`systemd knows no architecture ${String(architecture)}; use ${hint}`);
}

/**
 * Whether a host takes an extension (shared/extension-util.c, extension_release_validate of systemd 262): release data,
 * scope, architecture, ID or one of the host's ID_LIKE, then the level if both have one, else VERSION_ID; versions are
 * compared as strings. What a whole image adds to this (a missing file, `--force` on a raw image) is in `judgeImage`.
 *
 * @throws RangeError for a class, scope or architecture that systemd doesn't know.
 */
export function matchExtension(input: MatchInput): MatchVerdict {
  const { host, extension, kind, scope, architecture, force = false } = input;
  const traits = traitsOf(kind);
  checkInput(scope, architecture);
  const hopeless = judgeHost(host);
  if (hopeless !== undefined || host === undefined) return hopeless as MatchVerdict;
  if (force) {
    return verdict({ reason: "accept:forced", rule: "force", message: "force mode: nothing was compared" });
  }
  if (extension === undefined || extension.size === 0) {
    return verdict({
      reason: "reject:no-release-data",
      rule: "release-data",
      message: "extension has no release data",
    });
  }
  return verdict(
    judgeScope(extension, traits, scope) ??
      judgeArchitecture(extension, architecture) ??
      judgeId(host, extension) ??
      judgeVersion(host, extension, traits),
  );
}
