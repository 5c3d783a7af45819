import { readFile } from "node:fs/promises";
import { nodeHasher } from "@sextant/bytes/node";
import { type PartitionArchitecture, partitionArchitecture } from "@sextant/ddi";
import { architectureFromNode } from "@sextant/extension-release";
import { type OpenedImage, openImage } from "@sextant/image";
import { openDirectoryImage } from "@sextant/image/node";
import { type Certificate, readCertificates } from "@sextant/signing";
import { about, CommandError, exitCode, inputError } from "./errors.js";
import { countOf } from "./output.js";
import { type Input, isDirectory, isUrl, openInput, printReads, type Reads } from "./sources.js";

/** Options that all verbs have which look into an image. */
export interface ReadingOptions {
  readonly json?: boolean;
  readonly stats?: boolean;
  readonly certificate?: readonly string[];
  /** Extra devices of a bare EROFS image, in the order of its device table. */
  readonly device?: readonly string[];
}

export interface Session {
  readonly image: OpenedImage;
  readonly where: string;
  /** Undefined for a directory. */
  readonly input: Input | undefined;
  reads(): Reads;
}

const noReads: Reads = { requests: 0, bytes: 0 };

/** Opens an image or a directory, hands it over, closes it, and prints what was read where `--stats` asks for it. */
export async function withImage<T>(
  where: string,
  options: ReadingOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  if (!isUrl(where) && where !== "-" && (await isDirectory(where))) {
    if (options.certificate) {
      const why = "a directory carries no signature that the certificate could be held against";
      throw new CommandError(exitCode.no, where, why);
    }
    return work({ image: await openDirectoryImage(where), where, input: undefined, reads: () => noReads });
  }
  const certificates = await loadCertificates(options.certificate);
  const input = await openInput(where);
  const devices: Input[] = [];
  try {
    for (const device of options.device ?? []) devices.push(await openInput(device));
    await using image = await openImage(input.source, {
      hasher: nodeHasher,
      ...nativeFirst(),
      archive: async () => (await import("@sextant/archive/node")).nodeUnpackOptions,
      ...(certificates && { certificates }),
      ...(devices.length > 0 && { devices: devices.map(({ source }) => source) }),
    });
    const result = await work({ image, where: input.where, input, reads: () => input.reads() });
    if (options.stats) printClusters(image);
    return result;
  } catch (error) {
    throw about(error, input.where);
  } finally {
    for (const read of [input, ...devices]) {
      if (options.stats) printReads(read.where, read.reads());
      await read[Symbol.asyncDispose]();
    }
  }
}

/** What of compressed data was decompressed. */
function printClusters({ filesystems }: OpenedImage): void {
  for (const { erofs } of filesystems) {
    const { clusters, storedBytes, decodedBytes } = erofs.clusterStats;
    if (clusters === 0) continue;
    process.stderr.write(`decompressed: ${countOf(clusters, "cluster")}, ${decodedBytes} bytes from ${storedBytes}\n`);
  }
}

/** Of an image with file systems for several architectures, systemd mounts the one of the machine it runs on. */
function nativeFirst(): { architecture?: PartitionArchitecture } {
  const architecture = partitionArchitecture(architectureFromNode(process.arch) ?? "");
  return architecture === undefined ? {} : { architecture };
}

/** The certificates in the files that the user names; undefined where none is named. A file without one is an error. */
export async function loadCertificates(paths?: readonly string[]): Promise<readonly Certificate[] | undefined> {
  if (paths === undefined) return undefined;
  const certificates: Certificate[] = [];
  for (const path of paths) {
    const found = readCertificates(await readFile(path));
    if (found.length === 0) throw inputError(path, "there is no certificate in it");
    certificates.push(...found);
  }
  return certificates;
}
