import type { FileContent } from "../types.js";

/** A content that is being written. */
export interface BegunContent {
  /** Settles when nothing more is done to the file: to the bytes of data, or with what was wrong. */
  readonly written: Promise<number>;
}

/** Writes contents of files for `extractTree`, several at a time: in other threads, for example. */
export interface ContentWriter {
  /**
   * Takes on the content of a file that is empty, and open for writing as `fd`; may wait for earlier ones first. Undefined for
   * a content that it does not know. Where it throws, nothing more is done to the file.
   */
  begin(content: FileContent, fd: number): Promise<BegunContent | undefined>;
  /** Sees to it that every `written` settles, and waits for them. */
  finish(): Promise<void>;
}

/** Work that goes on while the extraction does. */
export class Unfinished {
  readonly #pending = new Set<Promise<void>>();
  #count = 0;
  #failure: { readonly order: number; readonly error: unknown } | undefined;

  add(work: Promise<void>): void {
    const order = this.#count;
    this.#count += 1;
    const settled = work
      .catch((error: unknown) => {
        // The first in the order of the tree, so that timing does not decide what is told.
        if (this.#failure === undefined || order < this.#failure.order) this.#failure = { order, error };
      })
      .finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  /** Throws where something failed so far. */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all of it. Throws nothing. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
