import type { ByteSource } from "@sextant/bytes";
import { CodecError, type CompressionFormat, detect } from "@sextant/codecs";
import type { Directory } from "@sextant/tree";
import type { DebControl } from "./ar/control.js";
import { readDeb } from "./ar/deb.js";
import { type CpioOptions, type CpioSegment, readCpio } from "./cpio/read.js";
import { ArchiveError, type ArchiveWarning } from "./errors.js";
import { type ArchiveFormat, identify, identifyBytes } from "./identify.js";
import { withSpill } from "./spill.js";
import { readTar, type TarOptions } from "./tar/read.js";
import { peek, unpack } from "./unpack.js";

/** How an archive of any kind is opened. */
export interface OpenOptions extends TarOptions, CpioOptions {}

/** An archive of any kind as a tree. Dispose of it when the tree's contents are no longer read. */
export interface OpenedArchive extends AsyncDisposable {
  readonly format: ArchiveFormat;
  /** Of the archive, or of a package's data. A cpio may have several, see `segments`. */
  readonly compression: CompressionFormat | undefined;
  readonly tree: Directory;
  /** What was left out or taken another way than the archive says. */
  readonly warnings: readonly ArchiveWarning[];
  /** What a Debian package says about itself. */
  readonly control: DebControl | undefined;
  /** The parts of a cpio: several for most initrds. */
  readonly segments: readonly CpioSegment[] | undefined;
}

type Opened = Omit<OpenedArchive, keyof AsyncDisposable | "warnings">;

/** An empty archive has at least this much; GNU tar fills up to 20 blocks. */
const emptyTarLimitBytes = 1 << 20;

/**
 * Opens a tar archive, Debian package or cpio (an initrd, for example), plain or compressed with gzip, xz or zstd, whichever
 * its content shows it to be. Headers are read, contents are parts of the source; what is compressed is unpacked into
 * `spill` as a whole.
 *
 * Throws `ArchiveError` (`UNSUPPORTED_FORMAT` for what is none of these), `CodecError` for compressed data, and what the
 * source throws. Their context names the source.
 */
export async function openArchive(source: ByteSource, options: OpenOptions = {}): Promise<OpenedArchive> {
  const warnings: ArchiveWarning[] = [];
  const onWarning = (warning: ArchiveWarning) => {
    warnings.push(warning);
    options.onWarning?.(warning);
  };
  try {
    const opened = await withSpill(options.spill, (spill) => open(source, { ...options, spill, onWarning }));
    return { ...opened, warnings };
  } catch (error) {
    throw withSource(error, source.name);
  }
}

async function open(source: ByteSource, options: OpenOptions): Promise<Opened> {
  const head = await source.read(0, Math.min(source.size, identifyBytes));
  const compression = detect(head);
  const format = identify(compression ? await peek(source, compression, identifyBytes, options) : head);
  const common = { compression, control: undefined, segments: undefined };
  if (format === "cpio") {
    // Unpacked part by part: what follows the compressed part may be another archive.
    const { tree, segments } = await readCpio(source, options);
    return { ...common, format, tree, segments };
  }
  if (format === undefined) {
    const what = compression ? `what is compressed with ${compression}` : "this";
    throw new ArchiveError("UNSUPPORTED_FORMAT", `${what} is neither a tar archive nor a Debian package nor a cpio`, {
      offset: 0,
    });
  }
  const archive = compression ? (await unpack(source, compression, 0, options, "all")).source : source;
  if (format === "deb") {
    const { tree, control, compression: inner } = await readDeb(archive, options);
    return { ...common, format, tree, control, compression: compression ?? inner };
  }
  const tree = await readTar(archive, options);
  if (tree.entries.size === 0 && archive.size > emptyTarLimitBytes) {
    throw new ArchiveError("UNSUPPORTED_FORMAT", "this starts with zeros, as an empty tar archive, and is longer", {
      offset: 0,
    });
  }
  return { ...common, format, tree };
}

/** The error with the name of the source in its context, which is not known everywhere it is thrown. */
function withSource(error: unknown, source: string | undefined): unknown {
  if (source === undefined || !(error instanceof ArchiveError || error instanceof CodecError)) return error;
  const { message, context } = error;
  if (context.source !== undefined) return error;
  const more = { ...context, source };
  return error instanceof ArchiveError
    ? new ArchiveError(error.code, message, more, { cause: error })
    : new CodecError(error.code, message, more, { cause: error });
}
