/** A file that is being written, part by part and in any order. */
export class OpenFile {
  readonly written: Promise<number>;
  /** Of data, so far. */
  bytes = 0;
  #parts = 1;
  #failure: { readonly error: unknown } | undefined;
  #resolve: (bytes: number) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  /** A file with one part that is begun: what finds out the others. */
  constructor(readonly fd: number) {
    this.written = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who waits for it may come later than a failure.
    this.written.catch(() => {});
  }

  beginPart(): void {
    this.#parts += 1;
  }

  /** Ends a part. `written` settles behind the last one, with the first failure if there was any. */
  endPart(failure?: { readonly error: unknown }): void {
    this.#failure ??= failure;
    this.#parts -= 1;
    if (this.#parts > 0) return;
    if (this.#failure) this.#reject(this.#failure.error);
    else this.#resolve(this.bytes);
  }
}
