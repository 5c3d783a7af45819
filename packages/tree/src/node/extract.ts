import { lstatSync, mkdirSync, readdirSync, realpathSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import { emptyDirectory, removeTree, temporaryName, trackTemporary } from "@sextant/bytes/node";
import { TreeError } from "../errors.js";
import { defaultMaxEntries } from "../load.js";
import { type Name, nameFromText } from "../name.js";
import type { LazyNode } from "../types.js";
import { applyToDescriptor } from "./extract-attributes.js";
import { type ContentWriter, Unfinished } from "./extract-contents.js";
import { type Extraction, extractEntries } from "./extract-nodes.js";
import { closePlace, openPlace, ownPath, type Place, unwritable } from "./extract-place.js";
import { type ExtractReport, openReport } from "./extract-report.js";
import { xattrCalls } from "./xattrs.js";

export interface ExtractOptions {
  /**
   * `refuse` (default): the target is a new name or an empty directory. `merge`: it may have something in it; its
   * directories are entered and stay as they are, and whatever else has a name already is an error.
   */
  readonly existing?: "refuse" | "merge";
  /** Whether nodes get their owners. Default: where this process is root. */
  readonly owners?: boolean;
  /** Whether nodes get their xattrs, as far as the target takes them. Default true. */
  readonly xattrs?: boolean;
  /** Whether device nodes are made, whiteouts among them. Default: where this process is root. */
  readonly devices?: boolean;
  /** `known` (default): holes that the content tells of stay holes. `zeros`: so does every block of 4096 zeros. */
  readonly holes?: "known" | "zeros";
  /** Names before `TreeError` `LIMIT_ENTRIES`. Default 4,194,304. */
  readonly maxEntries?: number;
  /** Writes contents while the tree is made. Default: they are read and written one after another. Not used with `zeros`. */
  readonly contents?: ContentWriter;
  /** Ends the extraction between two nodes; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Writes a tree to a directory of this machine, and nothing outside of it: every directory is made here, held open, and
 * never entered through a symlink, whether the tree has it, the target had it, or somebody puts it there meanwhile.
 *
 * A target that does not exist grows under a hidden name next to it and is renamed when it is complete, so a failure leaves
 * nothing; neither does it in an empty directory. With `merge`, what was made before a failure stays. The root's own
 * attributes are applied where the root is made here.
 *
 * What the tree has and this user may not make (devices without root, owners, some xattrs) is in the report. Times are kept
 * to the microsecond, before 1970 and from 2242 on to the second. Throws `TreeError`: `MISMATCH_KIND` for a target that is no directory or not empty, `MALFORMED_NAME`,
 * `MALFORMED_TREE`, `MISMATCH_NAME` for names that differ and are one in the target (in case, for example),
 * `UNWRITABLE_FILE`, `LIMIT_DEPTH`, `LIMIT_ENTRIES`; and what reading the tree throws.
 */
export async function extractTree(
  root: LazyNode,
  target: string,
  options: ExtractOptions = {},
): Promise<ExtractReport> {
  if (root.kind !== "directory") throw new TreeError("MISMATCH_KIND", `the root is a ${root.kind}, not a directory`);
  const { existing = "refuse" } = options;
  const isRoot = process.geteuid?.() === 0;
  const report = openReport();
  const extraction: Extraction = {
    report,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    owners: options.owners ?? isRoot,
    devices: options.devices ?? isRoot,
    xattrs: options.xattrs ?? true,
    calls: xattrCalls,
    findZeros: options.holes === "zeros",
    maxEntries: options.maxEntries ?? defaultMaxEntries,
    signal: options.signal,
    names: new Map(),
    directories: new Set([root.id]),
    entryCount: 0,
    contents: options.contents,
    unfinished: new Unfinished(),
  };
  const stage = prepare(target, existing);
  try {
    const place = openPlace(nameFromText(stage.path), "" as Name, stage.empty);
    try {
      await extractAll({ ...extraction, root: place }, root);
      report.directories += 1;
      if (stage.isNew) await applyToDescriptor(extraction, place.fd, ownPath(place), root, place.path);
    } finally {
      closePlace(place);
    }
    stage.commit();
  } catch (error) {
    stage.abandon();
    throw error;
  }
  return report;
}

/** Makes everything below the root; also where that fails, nothing is still being written afterwards. */
async function extractAll(run: Extraction & { readonly root: Place }, root: LazyNode): Promise<void> {
  try {
    await extractEntries(run, root, run.root, 0);
  } finally {
    await run.contents?.finish();
    await run.unfinished.settle();
    // What is thrown here comes before what ended the extraction, in the order of the tree.
    run.unfinished.check();
  }
}

/** Where the tree grows, and what becomes of it. */
interface Stage {
  readonly path: string;
  /** Whether nothing was in it before. */
  readonly empty: boolean;
  /** Whether the directory itself was made here. */
  readonly isNew: boolean;
  commit(): void;
  abandon(): void;
}

function prepare(target: string, existing: "refuse" | "merge"): Stage {
  try {
    const path = resolve(target);
    const there = lstatSync(path, { throwIfNoEntry: false });
    return there === undefined ? newStage(path) : existingStage(realpathSync(path), existing);
  } catch (cause) {
    throw cause instanceof TreeError ? cause : unwritable(nameFromText(target), cause);
  }
}

function newStage(target: string): Stage {
  const path = temporaryName(target);
  // Nobody else may enter until it is complete, so nobody can put anything in its way either.
  mkdirSync(path, 0o700);
  const untrack = trackTemporary(path);
  return {
    path,
    empty: true,
    isNew: true,
    commit() {
      try {
        renameSync(path, target);
      } catch (cause) {
        throw unwritable(nameFromText(target), cause);
      }
      untrack();
    },
    abandon() {
      removeTree(path);
      untrack();
    },
  };
}

function existingStage(path: string, existing: "refuse" | "merge"): Stage {
  const context = { source: path };
  if (!lstatSync(path).isDirectory()) {
    throw new TreeError("MISMATCH_KIND", "the target exists and is no directory", context);
  }
  const empty = readdirSync(path, "latin1").length === 0;
  if (!empty && existing === "refuse") throw new TreeError("MISMATCH_KIND", "the target is not empty", context);
  return {
    path,
    empty,
    isNew: false,
    commit() {},
    abandon() {
      if (empty) emptyDirectory(path);
    },
  };
}
