import { closeSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { BytesError } from "@sextant/bytes";
import { describeErrno } from "@sextant/bytes/node";
import type { FileContent } from "@sextant/tree";
import type { BegunContent, ContentWriter } from "@sextant/tree/node";
import { ErofsError } from "../errors.js";
import { originOf, volumeOf } from "../origins.js";
import type { ErofsImage } from "../read.js";
import type { Volume } from "../volume.js";
import { BatchBuilder, type OpenImage } from "./batch-builder.js";
import { addContent, type StoredVolume } from "./content-pieces.js";
import { OpenFile } from "./open-file.js";
import { Threads } from "./threads.js";
import { hasWorkerFile } from "./worker-file.js";

/** An image that is a file of this machine, or a part of one. */
export interface ImageFile {
  readonly image: ErofsImage;
  readonly path: string;
  /** Where in the file the image begins, in bytes. Default 0. */
  readonly start?: number | undefined;
}

/** How the work is spread. No value changes what is written. */
export interface ContentWriterOptions {
  /** Threads that decode at most. Default the number of processors, at most 4. */
  readonly jobs?: number | undefined;
  /** Bytes of images for which a further thread pays. Default 8 MiB; tests lower it. */
  readonly bytesPerThread?: number | undefined;
  /** Workers that run this package's `worker.js` already, as a worker takes some 100 ms to start. They are ended in the end. */
  readonly started?: readonly Worker[] | undefined;
}

/** What writes contents of images. Dispose of it when the extraction has ended. */
export interface ImageContentWriter extends ContentWriter, AsyncDisposable {
  /** What was read of the files for contents so far; metadata comes through the images' own sources. */
  readonly reads: { readonly requests: number; readonly bytes: number };
}

const defaultBytesPerThread = 8 << 20;
/** Files that are not complete at a time; each keeps a descriptor, and perhaps its directory's. */
const maxOpenFiles = 256;
/**
 * Writes the contents of images for `extractTree`, in several threads: every thread reads clusters from the file into the
 * decoder's memory and writes out of it, and this one helps where it would have to wait. Clusters that files near each
 * other share are decoded once for them.
 *
 * Nothing is verified besides what decoding checks, and the files are read, not the images' sources. Throws `BytesError`
 * `UNREADABLE_SOURCE`.
 */
export function contentWriter(files: readonly ImageFile[], options: ContentWriterOptions = {}): ImageContentWriter {
  const images = new Map<string, OpenImage>();
  const volumes = new Map<Volume, StoredVolume>();
  const builders = new Map<OpenImage, BatchBuilder>();
  let imageBytes = 0;
  for (const { image, path, start = 0 } of files) {
    const volume = volumeOf(image);
    if (volume === undefined) throw new TypeError("this image was not opened with open()");
    const opened = images.get(path) ?? openImageFile(path);
    images.set(path, opened);
    const builder = builders.get(opened) ?? new BatchBuilder(opened);
    builders.set(opened, builder);
    volumes.set(volume, { volume, builder, start });
    imageBytes += image.sizeBytes;
  }
  const threads = new Threads(workerCount(imageBytes, options), options.started ?? []);
  let openFiles = 0;

  const submit = async (builder: BatchBuilder) => {
    threads.submit(builder.take());
    await threads.breathe();
  };
  const submitAll = () => {
    for (const builder of builders.values()) if (!builder.isEmpty) threads.submit(builder.take());
  };

  return {
    reads: threads.reads,
    async begin(content: FileContent, fd: number): Promise<BegunContent | undefined> {
      const origin = originOf(content);
      const stored = origin && volumes.get(origin.volume);
      if (origin === undefined || stored === undefined) return undefined;
      if (openFiles >= maxOpenFiles) {
        submitAll();
        while (openFiles >= maxOpenFiles) await threads.step();
      }
      const file = new OpenFile(fd);
      openFiles += 1;
      const closed = () => {
        openFiles -= 1;
      };
      file.written.then(closed, closed);
      try {
        await addContent(stored, origin.inode, file, () => submit(stored.builder));
        file.endPart();
      } catch (error) {
        file.endPart({ error: shifted(error, stored.start) });
      }
      return file;
    },
    async finish() {
      submitAll();
      while (await threads.step()) {}
    },
    async [Symbol.asyncDispose]() {
      // No thread may read or write a descriptor that something else has by then.
      await threads.close();
      for (const { fd } of images.values()) closeSync(fd);
    },
  };
}

/** Errors say where in the file something is wrong. */
function shifted(error: unknown, start: number): unknown {
  if (start === 0 || !(error instanceof ErofsError) || error.context.offset === undefined) return error;
  const context = { ...error.context, offset: Number(error.context.offset) + start };
  return new ErofsError(error.code, error.message, context, { cause: error });
}

function openImageFile(path: string): OpenImage {
  try {
    return { fd: openSync(path, "r"), path };
  } catch (cause) {
    const message = `the file cannot be opened: ${describeErrno(cause)}`;
    throw new BytesError("UNREADABLE_SOURCE", message, { source: path }, { cause });
  }
}

/** Workers besides this thread; none where a bundler has left their file behind, as that costs only speed. */
function workerCount(imageBytes: number, options: ContentWriterOptions): number {
  const { jobs = Math.min(4, availableParallelism()), bytesPerThread = defaultBytesPerThread } = options;
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new RangeError(`cannot extract with ${jobs} jobs`);
  const useful = Math.min(jobs, Math.floor(imageBytes / bytesPerThread));
  return useful > 1 && hasWorkerFile() ? useful - 1 : 0;
}
