import { CodedError, describeError } from "@sextant/bytes";
import { describeErrno, errnoCode } from "@sextant/bytes/node";

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

function systemFailure(error: Error, subject: string): Failure {
  const { path } = error as NodeJS.ErrnoException;
  return { exit: exitCode.malformed, line: oneLine(`sextant: ${path ?? subject}: ${describeErrno(error)}`) };
}

/** EX_SOFTWARE of sysexits.h: a mistake of ours, which the user can only report. */
const internal = 70;

function unexpected(error: unknown, subject: string): Failure {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const at = error instanceof Error ? /\n\s+at .*?([^/\\\s()]+:\d+:\d+)/.exec(error.stack ?? "")?.[1] : undefined;
  const line = oneLine(`sextant: ${subject}: internal error: ${text}${at ? ` (${at})` : ""}`);
  return { exit: internal, line, hint: "this is a mistake in sextant; please report it with the input" };
}

/** Errors are one line: text from images may bring line breaks and control characters of its own. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ");
}

/** Whether an error says that a verification failed, rather than that something could not be read. */
function isVerdict(error: CodedError): boolean {
  if (error.name === "TrustError" || error.code === "MISMATCH_ROOT_HASH") return true;
  return error.name === "VerityError" && error.code.startsWith("MISMATCH_");
}

/** What errors are about that do not say so themselves: a format knows its fields, and not whose they are. */
const subjects = new WeakMap<Error, string>();

/** Remembers what an error is about, unless somebody has before, and gives it back. */
export function about(error: unknown, subject: string): unknown {
  if (error instanceof Error && !subjects.has(error)) subjects.set(error, subject);
  return error;
}

/** Turns whatever was thrown into one line, a hint and an exit code. `subject` is the verb. */
export function toFailure(error: unknown, subject: string): Failure {
  if (error instanceof CommandError) {
    const where = error.where === undefined ? "" : ` (${error.where})`;
    return { exit: error.exit, line: oneLine(`sextant: ${error.what}: ${error.why}${where}`), hint: error.hint };
  }
  if (error instanceof CodedError) {
    const exit = isVerdict(error) ? exitCode.no : exitCode.malformed;
    const { source } = error.context;
    const what = typeof source === "string" ? source : (subjects.get(error) ?? subject);
    const context = { ...error.context, source: undefined };
    const text = describeError({ message: error.message, context } as CodedError);
    return { exit, line: oneLine(`sextant: ${what}: ${text}`) };
  }
  if (error instanceof Error && error.name === "AbortError") {
    return { exit: interrupted, line: `sextant: ${subject}: interrupted` };
  }
  if (error instanceof Error && errnoCode(error) !== undefined) return systemFailure(error, subject);
  return unexpected(error, subject);
}
