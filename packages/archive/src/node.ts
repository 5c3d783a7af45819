import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteSource } from "@sextant/bytes";
import { type FileSource, nodeHasher, openFile, trackTemporary } from "@sextant/bytes/node";
import { nodeInflater } from "@sextant/codecs/node";
import type { UnpackOptions } from "./options.js";
import type { Spill, SpillTarget } from "./spill.js";

/**
 * Keeps unpacked data in files of the system's temporary folder (`TMPDIR`). They have no name while they are read, so that
 * nothing stays behind however the program ends; disposing of a target closes its file.
 */
export const spillFile: Spill = async () => {
  const path = join(tmpdir(), `.sextant-${randomBytes(8).toString("hex")}.tmp`);
  const file = await open(path, "wx", 0o600);
  return spillTarget(path, file);
};

function spillTarget(path: string, file: FileHandle): SpillTarget {
  const forget = trackTemporary(path);
  let written: FileSource | undefined;
  let isNamed = true;
  const unname = () => {
    if (isNamed) unlinkSync(path);
    isNamed = false;
    forget();
  };
  const abort = async () => {
    unname();
    await file.close();
  };
  return {
    sink: {
      async write(offset, bytes) {
        for (let at = 0; at < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, at, bytes.length - at, offset + at);
          at += bytesWritten;
        }
      },
      async commit(size) {
        await file.truncate(size);
        written = openFile(path);
        await abort();
      },
      abort,
    },
    source(): ByteSource {
      if (written === undefined) throw new TypeError("nothing has been committed yet");
      return written;
    },
    async [Symbol.asyncDispose]() {
      if (isNamed) await abort();
      await written?.close();
    },
  };
}

/** What Node does faster and better: temporary files, zlib, and its digests. For `openArchive` and the others. */
export const nodeUnpackOptions: UnpackOptions = { spill: spillFile, inflater: nodeInflater, hasher: nodeHasher };
