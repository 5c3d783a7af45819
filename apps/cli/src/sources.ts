import { stat } from "node:fs/promises";
import { type ByteSource, cached, counted, fromBytes, fromUrl } from "@sextant/bytes";
import { openFile } from "@sextant/bytes/node";
import { inputError } from "./errors.js";
import { countOf } from "./output.js";

/** Reads of a file, or requests to a server. */
export interface Reads {
  readonly requests: number;
  readonly bytes: number;
}

/** An input that is open, and what has been read of it so far. */
export interface Input extends AsyncDisposable {
  readonly source: ByteSource;
  /** What the user called it. */
  readonly where: string;
  /** The file's path, where it is one. */
  readonly path: string | undefined;
  reads(): Reads;
  /** Counts what was read of the file in another way than through the source. */
  countMore?(reads: Reads): void;
}

/** Whether a directory stands there, behind symlinks. */
export async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

export const isUrl = (where: string) => /^https?:\/\//i.test(where);

/** Most that is taken from standard input, in bytes: it has to be kept in memory. */
const stdinLimitBytes = 2 ** 30;

/**
 * Metadata is read in small pieces near each other. 16 KiB a request keep a match, which starts with 32 KiB, within three
 * requests and 64 KiB even where the way to the release file leads through a few blocks far from each other.
 */
const metadataPages = { pageBytes: 4096, readAheadPages: 4, pages: 2048 };

/** The source with its small reads joined. Data comes in larger ones, which nobody reads twice. */
function readingAhead(source: ByteSource): ByteSource {
  const pages = cached(source, metadataPages);
  const most = metadataPages.pageBytes * metadataPages.readAheadPages;
  const read = (start: number, end: number) => (end - start <= most ? pages : source).read(start, end);
  return { size: source.size, name: source.name, read };
}

/** Opens a path, an http(s) URL, or `-` for standard input, which is read whole. */
export async function openInput(where: string): Promise<Input> {
  if (isUrl(where)) {
    const remote = await fromUrl(where);
    const source = readingAhead(remote);
    return { source, where, path: undefined, reads: () => ({ ...remote.count }), async [Symbol.asyncDispose]() {} };
  }
  if (where === "-") {
    const source = counted(fromBytes(await readStdin(), "standard input"));
    const reads = () => ({ ...source.count });
    return { source, where: "standard input", path: undefined, reads, async [Symbol.asyncDispose]() {} };
  }
  const file = openFile(where);
  const { count, ...source } = counted(file);
  return {
    source: readingAhead(source),
    where,
    path: where,
    reads: () => ({ ...count }),
    countMore({ requests, bytes }) {
      count.requests += requests;
      count.bytes += bytes;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function readStdin(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of process.stdin) {
    parts.push(part);
    size += part.length;
    if (size > stdinLimitBytes) {
      throw inputError("standard input", `more than ${stdinLimitBytes} bytes`, undefined, "write it to a file first");
    }
  }
  return Buffer.concat(parts);
}

/** `read 3 requests, 61440 bytes of NAME`: what `--stats` prints on standard error. */
export function printReads(where: string, { requests, bytes }: Reads): void {
  process.stderr.write(`read: ${countOf(requests, "request")}, ${bytes} bytes (${where})\n`);
}
