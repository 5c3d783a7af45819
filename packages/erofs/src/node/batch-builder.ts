import type { ClusterCode } from "../compressed/decode.js";
import type { ClusterPiece, ClusterUse, CopyPiece, ExtractBatch, StoredRange } from "./extract-batch.js";
import type { OpenFile } from "./open-file.js";

/** Whose part a piece is, and what errors say of it. */
export interface Owner {
  readonly file: OpenFile;
  readonly nid: number;
  /** Where the part's extent begins: in the inode's data, and in the image file. */
  readonly start: number;
  readonly offset: number;
}

/** A batch, and whose its pieces are. */
export interface OwnedBatch {
  readonly batch: ExtractBatch;
  readonly path: string;
  readonly owners: readonly (readonly Owner[])[];
  /** Of content. */
  readonly bytes: number;
}

/** Content of one batch at least, but for the last one: decoding that takes 1 to 2 ms. */
const batchBytes = 1 << 20;
const batchPieces = 256;

/** An image file that is open. */
export interface OpenImage {
  readonly fd: number;
  readonly path: string;
}

type Growing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Gathers pieces of one image file. */
export class BatchBuilder {
  #pieces: (Growing<CopyPiece> | Growing<ClusterPiece>)[] = [];
  #owners: Owner[][] = [];
  /** Numbers of the clusters by where they are, so that those who share one find it. */
  readonly #clusters = new Map<number, number>();
  #bytes = 0;

  constructor(readonly image: OpenImage) {}

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  get isFull(): boolean {
    return this.#bytes >= batchBytes || this.#pieces.length >= batchPieces;
  }

  /** Bytes to copy to `position` of a file. */
  addCopy(owner: Owner, range: StoredRange, position: number): void {
    const { file } = owner;
    file.bytes += range.bytes;
    this.#bytes += range.bytes;
    const last = this.#pieces.at(-1);
    // What goes on where the last piece ends is written along with it.
    if (last?.kind === "copy" && last.fd === file.fd && last.position + sizeOf(last) === position) {
      last.ranges.push(range);
      return;
    }
    file.beginPart();
    this.#pieces.push({ kind: "copy", ranges: [range], fd: file.fd, position });
    this.#owners.push([owner]);
  }

  /** A part of what a cluster holds. */
  addUse(
    owner: Owner,
    stored: StoredRange,
    code: ClusterCode,
    decodedBytes: number,
    use: Omit<ClusterUse, "fd">,
  ): void {
    const { file } = owner;
    file.bytes += use.bytes;
    file.beginPart();
    const known = this.#clusters.get(stored.at) ?? -1;
    const piece = this.#pieces[known];
    if (piece?.kind === "cluster" && isSame(piece, stored, code, decodedBytes)) {
      piece.uses.push({ fd: file.fd, ...use });
      this.#owners[known]?.push(owner);
      return;
    }
    this.#bytes += decodedBytes;
    this.#clusters.set(stored.at, this.#pieces.length);
    this.#pieces.push({ kind: "cluster", stored, code, decodedBytes, uses: [{ fd: file.fd, ...use }] });
    this.#owners.push([owner]);
  }

  /** Gives what is gathered, and begins anew. */
  take(): OwnedBatch {
    const batch: ExtractBatch = { kind: "extract", image: this.image.fd, pieces: this.#pieces };
    const owned = { batch, path: this.image.path, owners: this.#owners, bytes: this.#bytes };
    this.#pieces = [];
    this.#owners = [];
    this.#clusters.clear();
    this.#bytes = 0;
    return owned;
  }
}

const sizeOf = ({ ranges }: CopyPiece) => ranges.reduce((sum, { bytes }) => sum + bytes, 0);

/** Whether it is decoded alike: an extent may be the beginning of another one's cluster. */
function isSame(piece: ClusterPiece, stored: StoredRange, code: ClusterCode, decodedBytes: number): boolean {
  return (
    piece.stored.bytes === stored.bytes &&
    piece.decodedBytes === decodedBytes &&
    piece.code.algorithm === code.algorithm &&
    piece.code.partial === code.partial &&
    piece.code.turnedBytes === code.turnedBytes
  );
}
