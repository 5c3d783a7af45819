interface Abortable {
  reject(reason: unknown): void;
}

/**
 * One listener for each signal, however many tasks share it: Node warns of a leak when a signal has more than ten.
 */
export class AbortWatch {
  readonly #watched = new Map<AbortSignal, { readonly jobs: Set<Abortable>; readonly onAbort: () => void }>();

  watch(signal: AbortSignal, job: Abortable): void {
    const known = this.#watched.get(signal);
    if (known) {
      known.jobs.add(job);
      return;
    }
    const jobs = new Set([job]);
    const onAbort = () => {
      for (const one of jobs) one.reject(signal.reason);
    };
    this.#watched.set(signal, { jobs, onAbort });
    signal.addEventListener("abort", onAbort);
  }

  forget(signal: AbortSignal, job: Abortable): void {
    const known = this.#watched.get(signal);
    if (!known?.jobs.delete(job) || known.jobs.size > 0) return;
    signal.removeEventListener("abort", known.onAbort);
    this.#watched.delete(signal);
  }
}
