import type { Name } from "../name.js";

/** What could not be read and is missing in the tree. */
export interface TreeWarning {
  readonly code: /** The xattrs of these nodes. */ "XATTRS_UNREAD" /** The holes of these files. */ | "HOLES_UNREAD";
  readonly message: string;
  /** The first hundred of the paths that are concerned; none where all are. */
  readonly paths: readonly Name[];
}

const maxWarningPaths = 100;

/** Warnings that are being collected, one for each code. */
export interface WarningList {
  add(code: TreeWarning["code"], path?: Name): void;
  all(): TreeWarning[];
}

const messages: Readonly<Record<TreeWarning["code"], (count: number) => string>> = {
  XATTRS_UNREAD: (count) =>
    count === 0
      ? "extended attributes were not read: neither the package @napi-rs/xattr nor the program getfattr is here"
      : `the extended attributes of ${count} names that are not UTF-8 were not read`,
  HOLES_UNREAD: (count) => `${count} sparse files are too large to be searched for their holes`,
};

/** An empty list. */
export function warningList(): WarningList {
  const found = new Map<TreeWarning["code"], { count: number; readonly paths: Name[] }>();
  return {
    add(code, path) {
      const warning = found.get(code) ?? { count: 0, paths: [] };
      found.set(code, warning);
      if (path === undefined) return;
      warning.count += 1;
      if (warning.paths.length < maxWarningPaths) warning.paths.push(path);
    },
    all: () => [...found].map(([code, { count, paths }]) => ({ code, message: messages[code](count), paths })),
  };
}
