export type WorkerPoolErrorCode =
  /** The task's own code threw; `cause` is what it threw (or a copy of it, from a worker). */
  | "FAILED_TASK"
  /** The worker that held the task could not start, crashed or exited; `cause` says how. */
  | "FAILED_WORKER"
  /** The pool was closed before the task was done. */
  | "CLOSED_POOL";

/** Why a task has no result. (Not a `CodedError`: this package stands beside `bytes`, not above it.) */
export class WorkerPoolError extends Error {
  override readonly name = "WorkerPoolError";
  readonly code: WorkerPoolErrorCode;

  constructor(code: WorkerPoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
