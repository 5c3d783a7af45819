import {
  closeSync,
  constants,
  fchmodSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { BytesError } from "../errors.js";
import type { ByteSink } from "../sink.js";
import { errnoCode } from "./errno.js";
import { temporaryName, trackTemporary } from "./temporary.js";
import { positionedWriter, unwritable } from "./writer.js";

export interface FileSinkOptions {
  /** Permission bits of the file, exactly. Default 0666 less the umask. */
  readonly mode?: number;
  /** Whether `commit` waits until the disk has everything. Default true. */
  readonly durable?: boolean;
}

/** A sink whose content can be read back before others see it. */
export interface FileSink extends ByteSink {
  /** Waits until all that was given is written; resolves to the file it is in, until `commit` or `abort`. */
  written(): Promise<string>;
}

/**
 * Writes a file under a temporary name in its directory; `commit` renames it into place, so whoever opens `path` finds the
 * old file or the whole new one. `abort` removes it (`removeTemporaries` does at a sudden end). Where `path` is a symlink,
 * the file it leads to is replaced.
 *
 * Throws `BytesError` `UNWRITABLE_SINK` where the file cannot be made or written, or `path` is something else than a file.
 */
export function fileSink(path: string, options: FileSinkOptions = {}): FileSink {
  const { mode, durable = true } = options;
  const target = targetOf(path);
  const temporary = temporaryName(target);
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const noFollow = constants.O_NOFOLLOW ?? 0;
  const fd = attempt(path, () => openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | noFollow, mode ?? 0o666));
  const untrack = trackTemporary(temporary);
  const writer = positionedWriter(fd, path);
  let open = true;

  const remove = () => {
    closeSync(fd);
    unlinkSync(temporary);
    untrack();
  };
  return {
    async write(offset, bytes) {
      if (!open) throw new TypeError("the sink is committed or aborted already");
      checkOffset(offset);
      await writer.write(offset, bytes);
    },
    async written() {
      if (!open) throw new TypeError("the sink is committed or aborted already");
      await writer.flush();
      return temporary;
    },
    async commit(size) {
      if (!open) throw new TypeError("the sink is committed or aborted already");
      checkOffset(size);
      await writer.flush();
      open = false;
      try {
        ftruncateSync(fd, size);
        if (mode !== undefined) fchmodSync(fd, mode);
        if (durable)
          await new Promise<void>((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
        renameSync(temporary, target);
      } catch (cause) {
        remove();
        throw unwritable(path, cause);
      }
      untrack();
      closeSync(fd);
      if (durable) syncDirectory(dirname(target));
    },
    async abort() {
      if (!open) return;
      open = false;
      // What is under way must end before its file is closed; whether it succeeds does not matter any more.
      await writer.flush().catch(() => {});
      attempt(path, remove);
    },
  };
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`${offset} is no offset in a file`);
}

/** The path to rename to. Anything that is there and no file stays: to rename over a device would replace its node. */
function targetOf(path: string): string {
  let stats: Stats;
  let target = path;
  try {
    stats = lstatSync(path);
    if (stats.isSymbolicLink()) {
      target = realpathSync(path);
      stats = statSync(target);
    }
  } catch (cause) {
    if (errnoCode(cause) === "ENOENT") return target;
    throw unwritable(path, cause);
  }
  if (stats.isFile()) return target;
  const kind = stats.isDirectory() ? "a directory" : "a device, pipe or socket";
  throw new BytesError("UNWRITABLE_SINK", `${kind} stands where the file should go`, { source: path });
}

/** The name must be on the disk too. Some file systems cannot do that for a directory, and nothing is wrong then. */
function syncDirectory(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (errnoCode(cause) === undefined) throw cause;
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}
