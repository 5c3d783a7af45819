// What runs in workers and in the main thread alike.
import { readSync, writeSync } from "node:fs";
import { BytesError, CodedError } from "@sextant/bytes";
import { type ClusterDecoder, clusterDecoder } from "@sextant/codecs";
import { type ClusterCode, decodeCluster, viewCluster } from "../compressed/decode.js";

/** Bytes of the image file. */
export interface StoredRange {
  readonly at: number;
  readonly bytes: number;
}

/** Where a part of what a cluster holds goes. */
export interface ClusterUse {
  readonly fd: number;
  readonly position: number;
  /** Within what the cluster holds. */
  readonly skip: number;
  readonly bytes: number;
}

/** Bytes that are copied as they are, to where they follow one another. */
export interface CopyPiece {
  readonly kind: "copy";
  readonly ranges: readonly StoredRange[];
  readonly fd: number;
  readonly position: number;
}

/** A cluster that is decoded once for all its uses. */
export interface ClusterPiece {
  readonly kind: "cluster";
  readonly stored: StoredRange;
  readonly code: ClusterCode;
  readonly decodedBytes: number;
  readonly uses: readonly ClusterUse[];
}

/** Parts of files to write out of an open image file. Descriptors belong to the process, so they serve in every thread. */
export interface ExtractBatch {
  readonly kind: "extract";
  readonly image: number;
  readonly pieces: readonly (CopyPiece | ClusterPiece)[];
}

/** Why a piece was not written. */
export interface PieceFailure {
  /** Its number in the batch. */
  readonly piece: number;
  /** Of `ErofsError`, of `BytesError`, or of a system call. */
  readonly of: "erofs" | "bytes" | "system";
  readonly code: string;
  readonly message: string;
}

export interface ExtractResult {
  readonly reads: number;
  readonly readBytes: number;
  readonly failures: readonly PieceFailure[];
}

/** Makes what writes batches; it keeps its memory for the next one. */
export function batchWriter(): (batch: ExtractBatch) => ExtractResult {
  const decoder = clusterDecoder();
  let scratch = new Uint8Array(0);
  const room = (bytes: number) => {
    // Not cleared: it is read into at once.
    if (scratch.length < bytes) scratch = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    return scratch.subarray(0, bytes);
  };
  return ({ image, pieces }) => {
    let reads = 0;
    let readBytes = 0;
    const failures: PieceFailure[] = [];
    const read = (target: Uint8Array, at: number) => {
      reads += 1;
      readBytes += target.length;
      readAll(image, target, at);
    };
    pieces.forEach((piece, index) => {
      try {
        if (piece.kind === "copy") copy(piece, room, read);
        else decode(decoder, piece, room, read);
      } catch (error) {
        failures.push({ piece: index, ...failureOf(error) });
      }
    });
    return { reads, readBytes, failures };
  };
}

type Room = (bytes: number) => Uint8Array;
type Read = (target: Uint8Array, at: number) => void;

function copy({ ranges, fd, position }: CopyPiece, room: Room, read: Read): void {
  const bytes = room(ranges.reduce((sum, range) => sum + range.bytes, 0));
  let end = 0;
  for (const range of ranges) {
    read(bytes.subarray(end, end + range.bytes), range.at);
    end += range.bytes;
  }
  writeAll(fd, bytes, position);
}

function decode(decoder: ClusterDecoder, piece: ClusterPiece, room: Room, read: Read): void {
  const { stored, code, decodedBytes, uses } = piece;
  const { algorithm } = code;
  let content: Uint8Array;
  if (algorithm === "stored") {
    const both = room(stored.bytes + decodedBytes);
    read(both.subarray(0, stored.bytes), stored.at);
    content = both.subarray(stored.bytes);
    decodeCluster(decoder, both.subarray(0, stored.bytes), content, code);
  } else {
    const input = decoder.input(algorithm, stored.bytes, decodedBytes);
    read(input, stored.at);
    content = viewCluster(decoder, input, decodedBytes, { ...code, algorithm });
  }
  for (const { fd, position, skip, bytes } of uses) writeAll(fd, content.subarray(skip, skip + bytes), position);
}

function readAll(fd: number, target: Uint8Array, at: number): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, at + done);
    if (count === 0) throw new BytesError("MISMATCH_CHANGED", `the file ends at byte ${at + done} now`);
    done += count;
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

function failureOf(error: unknown): Omit<PieceFailure, "piece"> {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") throw error;
  const { message, code } = error;
  if (error instanceof BytesError) return { of: "bytes", code, message };
  return { of: error instanceof CodedError ? "erofs" : "system", code, message };
}
