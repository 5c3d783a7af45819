/**
 * What runs one task. It may hand buffers of its result to `transfer`, so that they move to the caller instead of being
 * copied; in the calling thread that does nothing.
 */
export type TaskHandler<Task, Result> = (
  task: Task,
  transfer: (buffer: ArrayBuffer) => void,
) => Result | Promise<Result>;

/** What a pool is told about one of its workers. */
export interface WorkerListener {
  message(data: unknown): void;
  /** The worker is gone, or speaks no more: nothing that was posted to it will be answered. */
  failure(cause: Error): void;
}

/** A worker as the pool sees it: the role that Node's and the browser's workers, and test doubles, fill. */
export interface WorkerLike {
  /** Called once, before the first `post`. */
  listen(listener: WorkerListener): void;
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
  terminate(): Promise<unknown>;
  /** Whether the worker has work. An idle worker does not keep a process alive. */
  busy?(busy: boolean): void;
}

export interface TaskRequest {
  readonly id: number;
  readonly task: unknown;
}

export type TaskReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: unknown };

/** An error as it crosses threads: structured clone keeps only name, message and stack of an `Error`. */
interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly context: unknown;
}

function toPlain(thrown: unknown, withContext: boolean): PlainError {
  if (!(thrown instanceof Error)) {
    return { name: "Error", message: String(thrown), stack: undefined, code: undefined, context: undefined };
  }
  const { code, context } = thrown as { code?: unknown; context?: unknown };
  return {
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    code: typeof code === "string" || typeof code === "number" ? code : undefined,
    context: withContext ? context : undefined,
  };
}

/** The error of a reply, again an `Error` with the `name`, `code` and `context` of the one that was thrown. */
export function fromPlain(error: unknown): Error {
  if (error instanceof Error) return error;
  const plain = error as PlainError;
  const { name, stack, code, context } = plain;
  const copy = Object.assign(
    new Error(plain.message),
    { name },
    code === undefined ? {} : { code },
    context === undefined ? {} : { context },
  );
  if (stack !== undefined) copy.stack = stack;
  return copy;
}

/** Runs a request and posts its reply; `post` throws where the reply cannot be cloned, which becomes an error reply. */
export async function answer<Task, Result>(
  request: TaskRequest,
  handler: TaskHandler<Task, Result>,
  post: (reply: TaskReply, transfer: readonly ArrayBuffer[]) => void,
): Promise<void> {
  const transfer: ArrayBuffer[] = [];
  try {
    const result = await handler(request.task as Task, (buffer) => void transfer.push(buffer));
    post({ id: request.id, ok: true, result }, transfer);
  } catch (thrown) {
    try {
      post({ id: request.id, ok: false, error: toPlain(thrown, true) }, []);
    } catch {
      // Only the context can be something that structured clone refuses; the rest is text.
      post({ id: request.id, ok: false, error: toPlain(thrown, false) }, []);
    }
  }
}
