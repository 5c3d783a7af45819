import { type ExtensionKind, extensionKinds, otherKind, type Scope } from "./kind.js";
import type { ReleaseLookup } from "./lookup.js";
import { type MatchReason, type MatchVerdict, matchExtension } from "./match.js";
import type { ImageType } from "./names.js";
import type { ReleaseFields } from "./parse.js";

/** What a whole image can add to the codes of the match. `fatal`: the command fails and merges nothing. */
export type ImageReason =
  | MatchReason
  | "reject:forbidden-os-release"
  | "fatal:forbidden-os-release"
  | "fatal:metadata-no-release-file"
  | "fatal:metadata-ambiguous-release-files"
  | "fatal:metadata-unreadable-release-file"
  | "fatal:symlink-loop"
  | "fatal:name"
  | "fatal:mstack"
  | "fatal:undissectable";

/** Something about one image that decides before its fields are compared with the host's. */
export type ImageProblem =
  | "mstack"
  | "undissectable"
  | "usr-lib-os-release"
  | "no-release-file"
  | "ambiguous-release-files"
  | "broken-release-symlink"
  | "release-file-is-directory"
  | "name-too-long"
  | "other-class-only"
  | "unparsable-release-file";

/** What systemd-sysext does about a problem. */
export interface Consequence {
  readonly reason: ImageReason;
  /** Whether `--force` leaves it as it is. */
  readonly evenForced: boolean;
}

/** Directories and subvolumes are read as they are; raw files and block devices are dissected and validated first. */
export type ImageForm = "directory" | "raw";

const ignored: Consequence = { reason: "reject:no-release-data", evenForced: false };
const fatal = (reason: ImageReason): Consequence => ({ reason, evenForced: true });
const both = (consequence: Consequence | undefined) => ({ sysext: consequence, confext: consequence });

/**
 * What each problem leads to, by form and class of the image; undefined where it does not matter
 * (shared/discover-image.c, image_read_metadata; shared/dissect-image.c, dissected_image_mount; sysext/sysext.c).
 */
export const consequences: Readonly<
  Record<ImageProblem, Readonly<Record<ImageForm, Readonly<Record<ExtensionKind, Consequence | undefined>>>>>
> = {
  mstack: { directory: both(fatal("fatal:mstack")), raw: both(undefined) },
  undissectable: { directory: both(undefined), raw: both(fatal("fatal:undissectable")) },
  "usr-lib-os-release": {
    directory: { sysext: fatal("fatal:forbidden-os-release"), confext: undefined },
    raw: both({ reason: "reject:forbidden-os-release", evenForced: false }),
  },
  "no-release-file": { directory: both(ignored), raw: both(fatal("fatal:metadata-no-release-file")) },
  "ambiguous-release-files": { directory: both(ignored), raw: both(fatal("fatal:metadata-ambiguous-release-files")) },
  "broken-release-symlink": { directory: both(ignored), raw: both(fatal("fatal:symlink-loop")) },
  "release-file-is-directory": { directory: both(ignored), raw: both(fatal("fatal:metadata-unreadable-release-file")) },
  "name-too-long": { directory: both(ignored), raw: both(fatal("fatal:name")) },
  "other-class-only": { directory: both(ignored), raw: both(ignored) },
  "unparsable-release-file": { directory: both(ignored), raw: both(ignored) },
};

const messages: Readonly<Record<ImageProblem, string>> = {
  mstack: "systemd-sysext cannot use .mstack images",
  undissectable: "the image cannot be dissected: it holds no file system that systemd finds",
  "usr-lib-os-release": "the image contains usr/lib/os-release, which would replace the host's own",
  "no-release-file": "the image has no release file with its name",
  "ambiguous-release-files": "several release files of the image qualify, and none has its exact name",
  "broken-release-symlink": "the image's release file is a symlink that cannot be followed",
  "release-file-is-directory": "the image has a directory in the place of a release file",
  "name-too-long": "the image name is too long for a release file",
  "other-class-only": "the image has a release file of the other class, and none of its own that can be used",
  "unparsable-release-file": "the image's release file cannot be read as text",
};

/** What must be known of an image to judge it; nothing of it needs more than its metadata. */
export interface ImageFacts {
  readonly kind: ExtensionKind;
  readonly type: ImageType;
  /** What `findReleaseFile` says about each class's release directory. Directories need only their own class, raw images both. */
  readonly lookups: Readonly<Partial<Record<ExtensionKind, ReleaseLookup>>>;
  /** Content of the file that was found for the image's own class; undefined where it cannot be parsed. */
  readonly release: ReleaseFields | undefined;
  /** Whether `usr/lib/os-release` is there, after following symlinks inside the image. */
  readonly usrLibOsRelease: boolean;
  /** Whether `etc/os-release` is there, likewise. It makes a raw image valid without a release file, and of no use. */
  readonly etcOsRelease?: boolean | undefined;
  /** False for a raw image or block device in which systemd finds no file system. */
  readonly dissectable?: boolean | undefined;
}

/** One image and one host; `scope`, `architecture` and `force` as for `matchExtension`. */
export interface JudgeInput {
  readonly host: ReleaseFields | undefined;
  readonly image: ImageFacts;
  readonly scope: Scope;
  readonly architecture: string;
  readonly force?: boolean | undefined;
}

/** A verdict on an image, with what is special about it. */
export interface ImageVerdict extends MatchVerdict<ImageReason> {
  /** `fatal`: this image or host keeps every image from being merged. */
  readonly outcome: "accept" | "reject" | "fatal";
  readonly problem: ImageProblem | undefined;
}

function lookupProblem(lookup: ReleaseLookup | undefined): ImageProblem | undefined {
  if (lookup?.status === "found") return undefined;
  if (lookup?.status === "ambiguous") return "ambiguous-release-files";
  if (lookup?.status !== "failed") return "no-release-file";
  const failures = {
    "broken-symlink": "broken-release-symlink",
    "not-a-file": "release-file-is-directory",
    "name-too-long": "name-too-long",
  } as const;
  return failures[lookup.why];
}

function directoryProblem(image: ImageFacts): ImageProblem | undefined {
  if (image.type === "mstack") return "mstack";
  const forbidden = consequences["usr-lib-os-release"].directory[image.kind] !== undefined;
  if (image.usrLibOsRelease && forbidden) return "usr-lib-os-release";
  const problem = lookupProblem(image.lookups[image.kind]);
  const other = image.lookups[otherKind(image.kind)];
  if (problem === "no-release-file" && other?.status === "found") return "other-class-only";
  return problem ?? (image.release === undefined ? "unparsable-release-file" : undefined);
}

/** A raw image is validated as an extension of either class before its own class matters. */
function rawProblem(image: ImageFacts): ImageProblem | undefined {
  if (image.dissectable === false) return "undissectable";
  const problems = extensionKinds.map((kind) => lookupProblem(image.lookups[kind]));
  // The first class that has anything decides, also where what it has cannot be used.
  const decisive = problems.findIndex((each) => each !== "no-release-file");
  const problem = decisive < 0 ? "no-release-file" : problems[decisive];
  const isSystem = image.usrLibOsRelease || image.etcOsRelease === true;
  // Then the metadata of both classes is read, and a directory cannot be.
  const unreadable = problems.includes("release-file-is-directory") ? "release-file-is-directory" : undefined;
  if (unreadable !== undefined && (isSystem || problem === undefined || problem === unreadable)) return unreadable;
  if (image.usrLibOsRelease) return "usr-lib-os-release";
  if (problem !== undefined) return problem;
  if (lookupProblem(image.lookups[image.kind]) !== undefined) return "other-class-only";
  return image.release === undefined ? "unparsable-release-file" : undefined;
}

/** A raw image that carries etc/os-release counts as valid while its metadata is read, so less is fatal. */
function softened(consequence: Consequence, image: ImageFacts, problem: ImageProblem, form: ImageForm): Consequence {
  const stays: readonly ImageProblem[] = ["undissectable", "release-file-is-directory"];
  if (form === "directory" || image.etcOsRelease !== true || stays.includes(problem)) return consequence;
  return problem === "no-release-file" ? ignored : { ...consequence, evenForced: false };
}

/**
 * What systemd-sysext does with one image on one host: the match, and before it what an image of this form must have.
 * The order is systemd's: metadata of images first, then the host, then `--force`, then everything else.
 */
export function judgeImage(input: JudgeInput): ImageVerdict {
  const { host, image, scope, architecture, force = false } = input;
  const form: ImageForm = image.type === "raw" || image.type === "block" ? "raw" : "directory";
  const problem = form === "raw" ? rawProblem(image) : directoryProblem(image);
  const match = matchExtension({ host, extension: image.release, kind: image.kind, scope, architecture, force });
  if (problem === undefined) return finish(match, undefined);

  const consequence = softened(consequences[problem][form][image.kind] ?? ignored, image, problem, form);
  const decided = match.reason.startsWith("fatal:") || match.reason === "accept:forced";
  if (decided && !consequence.evenForced) return finish(match, undefined);
  const nothing = { rule: "release-data", key: undefined, hostValue: undefined, extensionValue: undefined } as const;
  return finish({ ...nothing, accepted: false, reason: consequence.reason, message: messages[problem] }, problem);
}

function finish(verdict: MatchVerdict<ImageReason>, problem: ImageProblem | undefined): ImageVerdict {
  const outcome = verdict.accepted ? "accept" : verdict.reason.startsWith("fatal:") ? "fatal" : "reject";
  return { ...verdict, outcome, problem };
}
