import { CodedError, describeError } from "@sextant/bytes";

/** What the exit code says (contracts.md). */
export const exitCode = { done: 0, no: 1, usage: 2, malformed: 3, missing: 4 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** An error that already knows its line, its exit code and what to do about it. */
export class CommandError extends Error {
  constructor(
    readonly exit: ExitCode,
    readonly what: string,
    readonly why: string,
    readonly where?: string,
    readonly hint?: string,
  ) {
    super(`${what}: ${why}`);
    this.name = "CommandError";
  }
}

/** The command line itself is wrong. */
export function usageError(what: string, why: string, hint?: string): CommandError {
  return new CommandError(exitCode.usage, what, why, undefined, hint);
}

/** The input cannot be what the user wants it to be. */
export function inputError(what: string, why: string, where?: string, hint?: string): CommandError {
  return new CommandError(exitCode.malformed, what, why, where, hint);
}

/** The user asked us to stop: 128 + SIGINT, as shells count it. */
const interrupted = 130;

export interface Failure {
  readonly exit: number;
  readonly line: string;
  readonly hint?: string | undefined;
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ENOSPC: "no space left",
  EROFS: "read-only file system",
  EEXIST: "exists already",
};

function systemFailure(error: NodeJS.ErrnoException, subject: string): Failure {
  const why = systemReasons[error.code ?? ""] ?? error.message;
  return { exit: exitCode.malformed, line: oneLine(`sextant: ${error.path ?? subject}: ${why}`) };
}

/** Errors are one line: text from images may bring line breaks and control characters of its own. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ");
}

/** Turns whatever was thrown into one line, a hint and an exit code. `subject` is what the verb worked on. */
export function toFailure(error: unknown, subject: string): Failure {
  if (error instanceof CommandError) {
    const where = error.where === undefined ? "" : ` (${error.where})`;
    return { exit: error.exit, line: oneLine(`sextant: ${error.what}: ${error.why}${where}`), hint: error.hint };
  }
  if (error instanceof CodedError) {
    const { source } = error.context;
    const what = typeof source === "string" ? source : subject;
    const context = { ...error.context, source: undefined };
    const text = describeError({ message: error.message, context } as CodedError);
    return { exit: exitCode.malformed, line: oneLine(`sextant: ${what}: ${text}`) };
  }
  if (error instanceof Error && error.name === "AbortError") {
    return { exit: interrupted, line: `sextant: ${subject}: interrupted` };
  }
  if (error instanceof Error && "code" in error && "syscall" in error) return systemFailure(error, subject);
  throw error;
}
