import { once } from "node:events";
import { unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ByteSink, readChunks } from "@sextant/bytes";
import {
  type FileSink,
  fileSink,
  openFile,
  removeTemporaries,
  streamSink,
  temporaryName,
  trackTemporary,
} from "@sextant/bytes/node";

let watching = false;

/** A user who interrupts us finds no temporary files: they go before the signal does what it always does. */
export function cleanUpOnSignals(): void {
  if (watching) return;
  watching = true;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      removeTemporaries();
      process.kill(process.pid, signal);
    });
  }
}

/** Where an image goes: a file that appears when it is whole, or standard output for `-`. */
export function openSink(where: string): ByteSink {
  cleanUpOnSignals();
  return where === "-" ? streamSink(process.stdout) : fileSink(where);
}

/**
 * Hands over a sink that can be read back, aborted where the work fails. For `-` it is a temporary file, which goes to
 * standard output when it is whole.
 */
export async function writeOutput<T>(where: string, work: (sink: FileSink) => Promise<T>): Promise<T> {
  cleanUpOnSignals();
  if (where !== "-") return withSink(fileSink(where), work);
  const path = temporaryName(join(tmpdir(), "sextant"));
  const untrack = trackTemporary(path);
  try {
    const result = await withSink(fileSink(path, { mode: 0o600, durable: false }), work);
    await using file = openFile(path);
    for await (const bytes of readChunks(file)) if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
    unlinkSync(path);
    return result;
  } finally {
    untrack();
  }
}

async function withSink<T>(sink: FileSink, work: (sink: FileSink) => Promise<T>): Promise<T> {
  try {
    return await work(sink);
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
