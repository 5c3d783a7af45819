import { nodeHasher } from "@sextant/bytes/node";
import { treeFromDigests, type VerityTree, type WorkOptions } from "../build.js";
import { type CheckReportOptions, checkDigests } from "../check.js";
import { type VerityOptions, verityParams } from "../params.js";
import type { VerityHashArea } from "../read.js";
import type { VerityReport } from "../report.js";
import { checkDataSize } from "../trust.js";
import { type FileRange, fileDigests, type JobOptions, withRange } from "./digests.js";

export interface HashFileOptions extends VerityOptions, WorkOptions, JobOptions {
  /** First byte of the data in the file. Default 0. */
  readonly start?: number;
  /** After the last byte of the data. Default the size of the file or device. */
  readonly end?: number;
}

/**
 * `buildVerity` for a range of a file, hashed with OpenSSL in several threads; any number of them gives the same tree. Throws
 * what `buildVerity` throws, and `BytesError` where the file cannot be read or gets shorter.
 */
export async function hashFile(path: string, options: HashFileOptions = {}): Promise<VerityTree> {
  const { start, end } = options;
  const range: FileRange = { path, ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  return withRange(range, async (opened) => {
    const params = verityParams(opened.size, options);
    return treeFromDigests(params, fileDigests(opened, params, options), nodeHasher, options);
  });
}

/** What a report lists, and how the work is spread. */
export interface CheckFileOptions extends CheckReportOptions, JobOptions {}

/**
 * `checkVerity` for data in a file, hashed with OpenSSL in several threads. Throws what `checkVerity` throws, and `BytesError`
 * where the file cannot be read or gets shorter.
 */
export async function checkFile(
  data: FileRange,
  area: VerityHashArea,
  rootHash: Uint8Array,
  options: CheckFileOptions = {},
): Promise<VerityReport> {
  return withRange(data, async (opened) => {
    checkDataSize({ size: opened.size, name: data.path }, area.params);
    return checkDigests(fileDigests(opened, area.params, options), area, rootHash, nodeHasher, options);
  });
}
