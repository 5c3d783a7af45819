import { inspect } from "node:util";

/** What the errors of file system calls mean, in words that fit after "cannot read X: ". */
const meanings: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ELOOP: "a symlink stands there, or too many on the way",
  EEXIST: "it exists already",
  ENOTEMPTY: "the directory is not empty",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EBUSY: "it is in use",
  EXDEV: "it is on another file system",
  EIO: "the device fails to read or write",
  ENXIO: "no such device, or nothing on its other end",
  ENODEV: "no such device",
  ENOTSUP: "the file system does not support it",
  EPIPE: "nobody reads the other end",
  EFBIG: "the file is too large",
  E2BIG: "it is too large",
  ETXTBSY: "the program is running",
};

/** The name of a system call's error, such as `ENOENT`; undefined for other errors. */
export function errnoCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Why a system call failed, for people: the meaning of its error code, or the error's own message. */
export function describeErrno(error: unknown): string {
  const code = errnoCode(error);
  const meaning = code === undefined ? undefined : meanings[code];
  if (meaning !== undefined) return meaning;
  return error instanceof Error ? error.message : inspect(error);
}
