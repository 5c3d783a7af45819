import { closeSync, constants, fstatSync, openSync, type PathLike, read, readFileSync, readSync } from "node:fs";
import { BytesError } from "../errors.js";
import { type ByteSource, checkRange } from "../source.js";
import { describeErrno } from "./errno.js";

/** An open file. `close` it, or let `await using` do so: reads under way finish first, later ones fail. */
export interface FileSource extends ByteSource, AsyncDisposable {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Up to here a read is done at once instead of in a thread. Measured on cached files: 4 KiB take 0.8 µs at once and 10 to
 * 40 µs through the thread pool; at 256 KiB the difference is a third, and a slow disk would be felt.
 */
const syncReadBytes = 128 * 1024;

/** Linux reads at most 0x7ffff000 bytes in one call. */
const maxReadBytes = 2 ** 30;

/** Size of a sector in what sysfs says, whatever the device's own is. */
const sysfsSectorBytes = 512n;

/**
 * Opens a file or block device of this machine. Throws `BytesError`: `UNREADABLE_SOURCE` where it is missing, forbidden or
 * a directory, `UNSUPPORTED_SOURCE` where it cannot be read at any place (a pipe, a terminal).
 *
 * A read that finds the file shorter than it was at opening is `MISMATCH_CHANGED`.
 */
export function openFile(path: PathLike): FileSource {
  const name = String(path);
  const unopened = (cause: unknown) =>
    new BytesError(
      "UNREADABLE_SOURCE",
      `the file cannot be opened: ${describeErrno(cause)}`,
      { source: name },
      { cause },
    );
  let fd: number;
  try {
    // Not blocking, or a fifo without a writer would keep us here; it means nothing to files and disks.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw unopened(cause);
  }
  try {
    return fileSource(fd, sizeOf(fd, name), name);
  } catch (cause) {
    closeSync(fd);
    throw cause instanceof BytesError ? cause : unopened(cause);
  }
}

function sizeOf(fd: number, source: string): number {
  const stats = fstatSync(fd, { bigint: true });
  if (stats.isFile()) return Number(stats.size);
  if (stats.isDirectory()) throw new BytesError("UNREADABLE_SOURCE", "this is a directory, not a file", { source });
  if (!stats.isBlockDevice()) {
    const kind = stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a character device";
    throw new BytesError("UNSUPPORTED_SOURCE", `this is ${kind}, which cannot be read at any place`, { source });
  }
  const { major, minor } = deviceNumbers(stats.rdev);
  let sectors: string;
  try {
    sectors = readFileSync(`/sys/dev/block/${major}:${minor}/size`, "latin1").trim();
  } catch (cause) {
    const message = `the size of the block device ${major}:${minor} is not known here: ${describeErrno(cause)}`;
    throw new BytesError("UNSUPPORTED_SOURCE", message, { source }, { cause });
  }
  return Number(BigInt(sectors) * sysfsSectorBytes);
}

/** The two halves of a Linux device number as `stat` gives it (`gnu_dev_major`, `gnu_dev_minor`). */
export function deviceNumbers(rdev: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

/** A source over an open file, which it closes in the end. */
export function fileSource(fd: number, size: number, path: string): FileSource {
  const file: OpenFile = { fd, size, path };
  const pending = new Set<Promise<Uint8Array>>();
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    // The number of a closed file soon belongs to another one: nobody may still be reading from it.
    await Promise.allSettled(pending);
    closeSync(fd);
  };
  const source: FileSource = {
    size,
    name: path,
    path,
    async read(start, end) {
      checkRange(source, start, end);
      if (closed) {
        throw new BytesError("UNREADABLE_SOURCE", "the file is closed already", { source: path, offset: start });
      }
      if (end - start <= syncReadBytes) return readNow(file, start, end);
      const reading = readLater(file, start, end);
      pending.add(reading);
      try {
        return await reading;
      } finally {
        pending.delete(reading);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return source;
}

interface OpenFile {
  readonly fd: number;
  readonly size: number;
  readonly path: string;
}

function readNow(file: OpenFile, start: number, end: number): Uint8Array {
  const bytes = allocate(end - start);
  for (let at = start; at < end; ) {
    let count: number;
    try {
      count = readSync(file.fd, bytes, at - start, end - at, at);
    } catch (cause) {
      throw unreadable(file, at, cause);
    }
    if (count === 0) throw tooShort(file, at);
    at += count;
  }
  return bytes;
}

async function readLater(file: OpenFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = allocate(end - start);
  for (let at = start; at < end; ) {
    const count = await new Promise<number>((resolve, reject) => {
      read(file.fd, bytes, at - start, Math.min(maxReadBytes, end - at), at, (error, done) =>
        error ? reject(unreadable(file, at, error)) : resolve(done),
      );
    });
    if (count === 0) throw tooShort(file, at);
    at += count;
  }
  return bytes;
}

const unreadable = ({ path }: OpenFile, offset: number, cause: unknown) =>
  new BytesError(
    "UNREADABLE_SOURCE",
    `the file cannot be read: ${describeErrno(cause)}`,
    { source: path, offset },
    { cause },
  );

const tooShort = ({ fd, size, path }: OpenFile, offset: number) =>
  new BytesError("MISMATCH_CHANGED", `the file ends at byte ${offset}; it was ${size} bytes long when it was opened`, {
    source: path,
    offset,
    size: fstatSync(fd).size,
  });

/** Memory that is about to be overwritten: clearing it first costs as much as reading a cached file. */
function allocate(size: number): Uint8Array {
  if (size < 4096) return new Uint8Array(size);
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
