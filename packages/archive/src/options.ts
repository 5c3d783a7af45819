import type { DecompressOptions } from "@sextant/codecs";
import type { Attributes } from "@sextant/tree";
import type { Spill } from "./spill.js";

/** What an archive's tree is to be like. */
export interface TreeOptions {
  /** Attributes of directories that have no member of their own. Default: mode 0755, owner 0:0, time 0. */
  readonly parents?: Partial<Attributes> | undefined;
  /** What to do with a path through a symlink of the same archive. Default `refuse`: `MISMATCH_ESCAPE`. */
  readonly parentSymlinks?: "refuse" | "follow" | undefined;
}

/** How compressed data is unpacked. */
export interface UnpackOptions extends Pick<DecompressOptions, "windowLimitBytes" | "hasher" | "inflater"> {
  /** Where what is unpacked goes while the tree is in use. Default: memory, up to 1 GiB. */
  readonly spill?: Spill | undefined;
  /** Most bytes that one compressed file may unpack to: `LIMIT_OUTPUT` of `CodecError`. Default: what the spill takes. */
  readonly unpackLimitBytes?: number | undefined;
}
