import { type ByteSource, type ReadCount, counted, fromBytes, fromUrl } from "@sextant/bytes";
import { openFile } from "@sextant/bytes/node";
import { inputError } from "./errors.js";

/** An input that is open, and what has been read of it so far. */
export interface Input extends AsyncDisposable {
  readonly source: ByteSource;
  /** What the user called it. */
  readonly where: string;
  /** Reads of the file, or requests to the server. */
  count(): ReadCount;
}

/** Most that is taken from standard input, in bytes: it has to be kept in memory. */
const stdinLimitBytes = 2 ** 30;

/** Opens a path, an http(s) URL, or `-` for standard input, which is read whole. */
export async function openInput(where: string): Promise<Input> {
  if (/^https?:\/\//i.test(where)) return openUrl(where);
  if (where === "-") {
    const source = counted(fromBytes(await readStdin(), "standard input"));
    return { source, where: "standard input", count: () => source.count, async [Symbol.asyncDispose]() {} };
  }
  const file = await openFile(where);
  const source = counted(file);
  return { source, where, count: () => source.count, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
}
