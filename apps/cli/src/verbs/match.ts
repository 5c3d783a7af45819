import { type ExtensionKind, type ImageVerdict, judgeImage, lintRelease, type Scope } from "@sextant/extension-release";
import { type Extension, imageNameOf, readExtension } from "@sextant/image";
import { exitCode, inputError, usageError } from "../errors.js";
import { checkArchitecture, type NamedHost, readHost } from "../hosts.js";
import { type ReadingOptions, type Session, withImage } from "../images.js";
import { formatTable, print, printJson, warn } from "../output.js";
import type { Reads } from "../sources.js";

interface MatchOptions extends ReadingOptions {
  readonly host: readonly string[];
  readonly arch?: string;
  readonly scope?: Scope;
  readonly class?: ExtensionKind;
  readonly name?: string;
  readonly any?: boolean;
}

interface Matched {
  readonly where: string;
  readonly extension: Extension;
  readonly verified: boolean;
  readonly reads: Reads;
  readonly verdicts: readonly { readonly host: NamedHost; readonly verdict: ImageVerdict }[];
}

/** Tells for each image whether each host would take it. */
export async function match(given: readonly string[], all: MatchOptions): Promise<number> {
  const { images, hosts: hostNames } = sortOut(given, all.host, process.argv.slice(2));
  const options = { ...all, host: hostNames };
  if (options.name !== undefined && images.length > 1) throw usageError("--name", "goes with one image only");
  if (options.name === undefined && images.includes("-")) {
    throw usageError("match", "standard input has no name that a release file could have", "give --name NAME");
  }
  const arch = options.arch === undefined ? undefined : checkArchitecture(options.arch);
  const hosts = await Promise.all(options.host.map((where) => readHost(where, { arch, scope: options.scope })));
  const matched: Matched[] = [];
  for (const where of images) {
    matched.push(await withImage(where, options, (session) => matchOne(session, hosts, options)));
  }
  const fits = matched.every(({ verdicts }) => {
    const accepted = verdicts.map(({ verdict }) => verdict.accepted);
    return options.any ? accepted.includes(true) : !accepted.includes(false);
  });
  if (options.json) printJson(document(matched, fits));
  else printTable(matched);
  return fits ? exitCode.done : exitCode.no;
}

/**
 * `--host` takes all the words up to the next option, so that `match IMAGE --host A B` reads well. Where it has taken the
 * images as well, as in `match --host A IMAGE`, each `--host` has meant one word.
 */
function sortOut(
  images: readonly string[],
  hosts: readonly string[],
  words: readonly string[],
): { readonly images: readonly string[]; readonly hosts: readonly string[] } {
  if (images.length > 0) return { images, hosts };
  const meant = words.flatMap((word, at) => {
    if (word.startsWith("--host=")) return [word.slice("--host=".length)];
    return words[at - 1] === "--host" ? [word] : [];
  });
  const rest = [...hosts];
  for (const host of meant) rest.splice(rest.indexOf(host), 1);
  if (rest.length === 0)
    throw usageError("match", "there is no image to match", "sextant match IMAGE... --host HOST...");
  return { images: rest, hosts: meant };
}

async function matchOne(session: Session, hosts: readonly NamedHost[], options: MatchOptions): Promise<Matched> {
  const { image, where } = session;
  const directory = image.layout === "directory";
  if (directory && /\.v\/*$/.test(where)) {
    const why = "is a directory of versions, of which systemd would pick one";
    throw inputError(where, why, undefined, "name the version, such as the newest file in it");
  }
  const named = imageNameOf(where, directory ? "directory" : "regular", options.class);
  const name = options.name ?? named.name;
  if (options.name === undefined && named.ignored !== undefined && !options.json) {
    warn(`${where} ${named.ignored}: systemd would not find it under this name`);
  }
  const extension = await readExtension(await image.root(), {
    name,
    kind: options.class ?? named.kind,
    type: directory ? "directory" : "raw",
  });
  const verdicts = hosts.map((host) => {
    const { osRelease, architecture, scope } = host;
    return { host, verdict: judgeImage({ host: osRelease, image: extension.facts, architecture, scope }) };
  });
  return { where, extension, verified: image.verified !== undefined, reads: session.reads(), verdicts };
}

const outcomeWords = { accept: "fits", reject: "refused", fatal: "blocks" } as const;

function printTable(matched: readonly Matched[]): void {
  const rows = matched.flatMap(({ where, verified, verdicts }) =>
    verdicts.map(({ host, verdict }) => {
      const told = `${verdict.message} (${host.architecture}, ${host.scope}, ${verified ? "verified" : "unverified"})`;
      // A host without os-release merges nothing; that is no fault of the image.
      const outcome = verdict.outcome === "fatal" && verdict.problem === undefined ? "reject" : verdict.outcome;
      return [where, host.name, outcomeWords[outcome], told];
    }),
  );
  for (const line of formatTable(rows)) print(line);
  const blocking = matched.some(({ verdicts }) =>
    verdicts.some(({ verdict }) => verdict.outcome === "fatal" && verdict.problem !== undefined),
  );
  if (blocking) {
    print("An image that blocks makes systemd-sysext fail as a whole: nothing is merged while it is there.");
  }
  for (const { where, extension } of matched) {
    const fields = extension.release?.fields;
    for (const { message } of fields ? lintRelease(fields, extension.kind) : []) warn(`${where}: ${message}`);
  }
}

function document(matched: readonly Matched[], fits: boolean): object {
  return {
    version: 1,
    fits,
    images: matched.map(({ where, extension, verified, reads, verdicts }) => ({
      image: where,
      name: extension.name,
      class: extension.kind,
      verified: verified ? "verified" : "unverified",
      release: extension.release && {
        path: extension.release.path,
        fields: extension.release.fields && Object.fromEntries(extension.release.fields),
      },
      findings: extension.release?.fields ? lintRelease(extension.release.fields, extension.kind) : [],
      read: reads,
      hosts: verdicts.map(({ host, verdict }) => ({
        host: host.name,
        architecture: host.architecture,
        scope: host.scope,
        accepted: verdict.accepted,
        outcome: verdict.outcome,
        reason: verdict.reason,
        key: verdict.key ?? null,
        hostValue: verdict.hostValue ?? null,
        extensionValue: verdict.extensionValue ?? null,
        message: verdict.message,
      })),
    })),
  };
}
