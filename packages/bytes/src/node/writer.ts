import { write } from "node:fs";
import { BytesError } from "../errors.js";
import { describeErrno } from "./errno.js";

/** Neighbouring chunks are written together up to this size; chunks of `directBytes` go out as they are, without a copy. */
const runBytes = 1 << 20;
const directBytes = 1 << 18;

/** A run of neighbouring chunks that is being filled. */
interface Run {
  readonly bytes: Uint8Array;
  readonly start: number;
  used: number;
}

export interface PositionedWriter {
  /** Resolves when the bytes are copied or written, so the caller may use their memory again. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  flush(): Promise<void>;
}

/** Puts chunks into a file in the order in which they are given, neighbours together. */
export function positionedWriter(fd: number, path: string): PositionedWriter {
  let run: Run | undefined;
  let spare: Uint8Array | undefined;
  let runsOnTheWay = 0;
  /** The last write: each waits for the one before it, so that of two that overlap the later one stays. */
  let last: Promise<void> = Promise.resolve();

  const enqueue = (offset: number, bytes: Uint8Array) => {
    last = last.then(() => writeAll(fd, offset, bytes, path));
    // Whoever writes or flushes next hears of a failure; until then nobody may be waiting.
    last.catch(() => {});
    return last;
  };
  const sendRun = () => {
    if (run === undefined) return;
    const { bytes, start, used } = run;
    run = undefined;
    runsOnTheWay += 1;
    const settle = () => {
      runsOnTheWay -= 1;
      spare = bytes;
    };
    enqueue(start, bytes.subarray(0, used)).then(settle, settle);
  };

  return {
    async write(offset, bytes) {
      if (bytes.length === 0) return;
      if (run && (offset !== run.start + run.used || run.used + bytes.length > runBytes)) sendRun();
      if (bytes.length >= directBytes) {
        sendRun();
        return enqueue(offset, bytes);
      }
      if (run === undefined) {
        run = { bytes: spare ?? new Uint8Array(runBytes), start: offset, used: 0 };
        spare = undefined;
      }
      run.bytes.set(bytes, run.used);
      run.used += bytes.length;
      // One run is on its way while the next one fills: with more, a slow disk would fill the memory.
      if (runsOnTheWay > 1) await last;
    },
    flush() {
      sendRun();
      return last;
    },
  };
}

async function writeAll(fd: number, offset: number, bytes: Uint8Array, path: string): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await new Promise<number>((resolve, reject) => {
      write(fd, bytes, done, Math.min(bytes.length - done, 2 ** 30), offset + done, (error, count) =>
        error ? reject(unwritable(path, error)) : resolve(count),
      );
    });
  }
}

/** The error of an output that cannot be written, with the reason in words. */
export function unwritable(path: string | undefined, cause: unknown): BytesError {
  return new BytesError(
    "UNWRITABLE_SINK",
    `the output cannot be written: ${describeErrno(cause)}`,
    { source: path },
    { cause },
  );
}
