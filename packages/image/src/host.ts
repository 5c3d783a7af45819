import {
  chooseOsRelease,
  type FileState,
  initrdMarkerPath,
  isArchitecture,
  osReleasePaths,
  parseReleaseFile,
  type ReleaseFields,
  releaseFileMaxBytes,
  type Scope,
  scopeOf,
  scopes,
  suggestArchitecture,
} from "@sextant/extension-release";
import { type LazyNode, nameFromText, type Resolved, resolvePath } from "@sextant/tree";
import { ImageError } from "./errors.js";
import { readWhole } from "./release.js";

/** A host as far as matching needs it. */
export interface Host {
  /** Undefined where the host has no os-release file: systemd then refuses to merge anything. */
  readonly osRelease: ReleaseFields | undefined;
  /** systemd's name; undefined where the source does not say. */
  readonly architecture: string | undefined;
  /** Undefined where the source does not say. */
  readonly scope: Scope | undefined;
  /** Kernel release, such as `6.12.48`; undefined where the source does not say. */
  readonly kernel: string | undefined;
}

/** A host that is just an os-release file. Throws `ReleaseError` where systemd could not read it. */
export function hostFromOsRelease(bytes: Uint8Array): Host {
  return { osRelease: parseReleaseFile(bytes), architecture: undefined, scope: undefined, kernel: undefined };
}

/**
 * A host that is a root file system: its os-release as systemd finds it, and `initrd` as its scope where
 * etc/initrd-release exists. Symlinks stay inside of the root.
 */
export async function hostFromRoot(root: LazyNode): Promise<Host> {
  const found = new Map<string, Resolved | undefined>();
  for (const path of osReleasePaths) found.set(path, await resolvePath(root, nameFromText(path)));
  const stateOf = (path: string): FileState => {
    const resolved = found.get(path);
    return resolved === undefined ? "missing" : resolved.node.kind === "file" ? "present" : "unreadable";
  };
  const choice = chooseOsRelease(stateOf);
  const resolved = choice.path === undefined ? undefined : found.get(choice.path);
  const bytes =
    resolved && choice.state === "present"
      ? await readWhole(resolved.node, resolved.path, releaseFileMaxBytes)
      : undefined;
  const marker = await resolvePath(root, nameFromText(initrdMarkerPath));
  return {
    osRelease: bytes && parseReleaseFile(bytes),
    architecture: undefined,
    scope: scopeOf(marker ? "initrd" : "host"),
    kernel: undefined,
  };
}

/**
 * A host profile: a JSON object with `osRelease` (the text of the file, or an object of its fields) and, all optional,
 * `architecture`, `scope` and `kernel`. Throws `ImageError` `MALFORMED_HOST_PROFILE` with the member that is wrong.
 */
export function hostFromProfile(text: string): Host {
  const profile = parseObject(text);
  const { osRelease, architecture, scope, kernel } = profile;
  for (const key of Object.keys(profile)) {
    if (!["osRelease", "architecture", "scope", "kernel", "name"].includes(key)) fail("is no member of a profile", key);
  }
  const known = scopes.find((word) => word === scope);
  if (scope !== undefined && known === undefined) fail(`is none of ${scopes.join(", ")}`, "scope");
  return {
    osRelease: profileFields(osRelease),
    architecture: knownArchitecture(optionalText(architecture, "architecture")),
    scope: known,
    kernel: optionalText(kernel, "kernel"),
  };
}

function fail(message: string, path?: string): never {
  throw new ImageError("MALFORMED_HOST_PROFILE", path === undefined ? message : `"${path}" ${message}`, { path });
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ImageError("MALFORMED_HOST_PROFILE", `not JSON: ${(cause as Error).message}`, {}, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail("not a JSON object");
  return value as Record<string, unknown>;
}

function optionalText(value: unknown, path: string): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  return fail("is not a text", path);
}

/** Other spellings would never be equal to what an image says. */
function knownArchitecture(name: string | undefined): string | undefined {
  if (name === undefined || isArchitecture(name)) return name;
  const meant = suggestArchitecture(name);
  const instead = meant === undefined ? "" : `; it says ${meant}`;
  return fail(`is ${JSON.stringify(name)}, which is no architecture that systemd knows${instead}`, "architecture");
}

function profileFields(value: unknown): ReleaseFields {
  if (typeof value === "string") return parseReleaseFile(new TextEncoder().encode(value));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail("is neither text nor an object", "osRelease");
  const fields = new Map<string, string>();
  for (const [key, field] of Object.entries(value)) {
    if (typeof field !== "string") fail("is not a text", `osRelease.${key}`);
    fields.set(key, field);
  }
  return fields;
}
