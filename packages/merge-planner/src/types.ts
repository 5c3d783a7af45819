import type { ExtensionKind, ImageFacts, ImageReason, ImageType, Scope } from "@sextant/extension-release";
import type { ImagePolicy } from "@sextant/image-policy";
import type { LazyNode, Name } from "@sextant/tree";

/** An image that discovery finds, before anybody looks into it. */
export interface ImageEntry {
  /** What systemd calls it. */
  readonly name: string;
  readonly type: ImageType;
  /** Path below the root after symlinks, without leading slash. */
  readonly path: Name;
  /** The search directory that it was found in. */
  readonly directory: string;
  /** Its name there: of the symlink, or of the `.v` directory. */
  readonly fileName: Name;
  readonly node: LazyNode;
}

/** An image or `.v` directory that is not used because an earlier one has its name. */
export interface Shadowed {
  readonly name: string;
  readonly path: Name;
  /** The path of the one that is used. */
  readonly by: Name;
  /** Both stand in one directory, so that the order in which the filesystem lists them decides. */
  readonly sameDirectory: boolean;
}

/** Something in a search directory that is no image, and why, as the rest of a sentence. */
export interface IgnoredEntry {
  readonly path: Name;
  readonly why: string;
}

/** A partition that systemd would mount, as an image policy sees it. */
export interface MountedPartition {
  readonly designator: "root" | "usr";
  /** Such as `erofs`. */
  readonly filesystem: string;
  readonly verity: boolean;
  readonly signed: boolean;
}

/** What somebody who can open images tells the planner of one. */
export interface OpenedExtension {
  /** `judgeImage` takes them. */
  readonly facts: ImageFacts;
  /** The tree as systemd would mount it; undefined where it cannot be read. */
  readonly tree: LazyNode | undefined;
  /** Of raw images: what would be mounted; undefined: unknown. */
  readonly partitions?: readonly MountedPartition[] | undefined;
  /** Whether the file begins with a partition table. */
  readonly table?: boolean | undefined;
  /** Why it cannot be read, where it cannot. */
  readonly problem?: string | undefined;
}

/** Opens an image; `CodedError`s that it throws count as an image that cannot be dissected. */
export type OpenImage = (entry: ImageEntry) => Promise<OpenedExtension>;

/** The modes of `--mutable=`. */
export const mutableModes = ["no", "auto", "yes", "import", "ephemeral", "ephemeral-import"] as const;

/** One of `mutableModes`. */
export type MutableMode = (typeof mutableModes)[number];

/** A host and what the command is told. */
export interface PlanInput {
  /** The host's root. */
  readonly root: LazyNode;
  readonly openImage: OpenImage;
  /** systemd's name of the machine's architecture. */
  readonly architecture: string;
  /** Default `sysext`. */
  readonly kind?: ExtensionKind | undefined;
  readonly force?: boolean | undefined;
  /** Default `no`. */
  readonly mutable?: MutableMode | undefined;
  /** Default: confexts are, sysexts are not. */
  readonly noexec?: boolean | undefined;
  /** Absolute paths; default `/usr` and `/opt`, or `/etc`. */
  readonly hierarchies?: readonly string[] | undefined;
  /** What `$SYSTEMD_SYSEXT_OVERLAYFS_MOUNT_OPTIONS` or its confext sister holds; undefined where it is not set. */
  readonly overlayOptions?: string | undefined;
  /** What `--image-policy=` says; undefined: the default of the class, which lets everything pass that can be mounted. */
  readonly imagePolicy?: ImagePolicy | undefined;
}

/** What makes the command fail and merge nothing, beyond what one image's own reason can be. */
export type FatalCode =
  | Extract<ImageReason, `fatal:${string}`>
  | "fatal:discovery"
  | "fatal:hierarchy"
  | "fatal:mutable"
  | "fatal:options"
  | "fatal:policy"
  | "fatal:sidecar";

/** Why nothing would be merged. */
export interface Fatal {
  /** How far systemd comes: with `discovery` it does not even list images. */
  readonly stage: "discovery" | "metadata" | "host" | "mount";
  readonly code: FatalCode;
  /** The image that does it; null where it is the host, or the command line. */
  readonly image: string | null;
  readonly message: string;
}

/** An image and what becomes of it. */
export interface PlannedImage extends ImageEntry {
  /** Whether its layers would be merged if no other image were fatal. */
  readonly accepted: boolean;
  readonly outcome: "accept" | "reject" | "fatal";
  readonly reason: ImageReason | FatalCode;
  readonly message: string;
  readonly tree: LazyNode | undefined;
}

/** A directory that takes part in an overlay. */
export interface Layer {
  readonly is: "meta" | "import" | "extension" | "host";
  /** The extension's name. */
  readonly name: string | undefined;
  /** What the overlay is made of; undefined for the metadata, which systemd writes itself. */
  readonly node: LazyNode | undefined;
  /** As it stands in `lowerdir=`. */
  readonly path: Name;
}

/** An overlay mount. */
export interface PlannedHierarchy {
  /** Such as `/usr`. */
  readonly path: string;
  /** Where it is mounted: the path behind symlinks, which is made where it is missing. */
  readonly target: Name;
  /** Lower layers, the top first. */
  readonly layers: readonly Layer[];
  /** In the words of /proc/self/mountinfo, in its order: `ro,nodev`. */
  readonly flags: string;
  /** What is given to mount: `lowerdir=…`. */
  readonly options: string;
  readonly upper: Name | undefined;
  readonly work: Name | undefined;
  /** Of the merged directory. */
  readonly mode: number;
}

/** What a merge would do. */
export interface MergePlan {
  readonly kind: ExtensionKind;
  readonly scope: Scope;
  readonly fatal: Fatal | undefined;
  /** In byte order of their names. */
  readonly images: readonly PlannedImage[];
  readonly shadowed: readonly Shadowed[];
  readonly ignored: readonly IgnoredEntry[];
  /** Names of the accepted images, the lowest layer first, as systemd writes them into its metadata. */
  readonly order: readonly string[];
  /**
   * What is mounted. Where `fatal` is there, nothing is, and these are the mounts without the images that are fatal, as far
   * as they can be told.
   */
  readonly hierarchies: readonly PlannedHierarchy[];
}
