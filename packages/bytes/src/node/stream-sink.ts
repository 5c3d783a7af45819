import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { BytesError } from "../errors.js";
import type { ByteSink } from "../sink.js";
import { readChunks, zeros } from "../source.js";
import { fileSource } from "./file.js";
import { temporaryName } from "./temporary.js";
import { positionedWriter, unwritable } from "./writer.js";

export interface StreamSinkOptions {
  /** Where chunks wait that come before their turn. Default: the system's folder for temporary files. */
  readonly temporaryDirectory?: string;
}

/** A file for the part of the output that cannot be sent yet. */
interface Spill {
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Sends what was written, filled up with zeros to `size` bytes. */
  send(size: number): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Writes to a stream, such as standard output. Chunks that come in order go out at once. The first one that leaves a gap
 * starts a temporary file, which takes the rest and is sent at `commit`. A chunk for bytes that are already out is
 * `BytesError` `UNSUPPORTED_SINK`: a stream does not go back. Failures of the stream are `UNWRITABLE_SINK`.
 *
 * What was sent before `abort` cannot be taken back. The stream is not ended.
 */
export function streamSink(stream: Writable, options: StreamSinkOptions = {}): ByteSink {
  let sent = 0;
  let spill: Spill | undefined;
  let open = true;
  let failure: unknown;
  const onError = (error: unknown) => {
    failure ??= error;
  };
  stream.on("error", onError);

  const send = async (bytes: Uint8Array) => {
    if (failure !== undefined) throw unwritable(undefined, failure);
    sent += bytes.length;
    await new Promise<void>((resolve, reject) => {
      // The callback comes when the bytes are handed on, so nothing piles up, and callers may reuse them.
      stream.write(bytes, (error) => (error ? reject(unwritable(undefined, error)) : resolve()));
    });
  };
  const release = () => {
    // Only then: an error of the stream after a failed write comes as an event as well, and would end the process.
    setImmediate(() => stream.off("error", onError));
  };
  const checkOpen = () => {
    if (!open) throw new TypeError("the sink is committed or aborted already");
  };

  return {
    async write(offset, bytes) {
      checkOpen();
      if (offset < sent) {
        throw new BytesError("UNSUPPORTED_SINK", `a stream cannot go back to byte ${offset} after ${sent}`, { offset });
      }
      if (spill === undefined && offset === sent) return send(bytes);
      spill ??= openSpill(options.temporaryDirectory ?? tmpdir(), sent, send);
      await spill.write(offset, bytes);
    },
    async commit(size) {
      checkOpen();
      if (size < sent) throw new RangeError(`${sent} bytes are sent already, more than ${size}`);
      open = false;
      try {
        if (spill) await spill.send(size);
        else for await (const bytes of readChunks(zeros(size - sent))) await send(bytes);
      } finally {
        release();
      }
    },
    async abort() {
      if (!open) return;
      open = false;
      release();
      await spill?.discard();
    },
  };
}

/** Bytes from `base` on. The file loses its name as soon as it is open, so nothing is left whatever happens. */
function openSpill(folder: string, base: number, send: (bytes: Uint8Array) => Promise<void>): Spill {
  const path = temporaryName(join(folder, "sextant"));
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    unlinkSync(path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
  const writer = positionedWriter(fd, path);
  let end = 0;
  return {
    async write(offset, bytes) {
      await writer.write(offset - base, bytes);
      end = Math.max(end, offset - base + bytes.length);
    },
    async send(size) {
      await using file = fileSource(fd, end, path);
      await writer.flush();
      for await (const bytes of readChunks(file, 0, Math.min(end, size - base))) await send(bytes);
      for await (const bytes of readChunks(zeros(Math.max(0, size - base - end)))) await send(bytes);
    },
    async discard() {
      await writer.flush().catch(() => {});
      closeSync(fd);
    },
  };
}
