import { usageError } from "./errors.js";

/** The clamp for times: `--epoch`, else `SOURCE_DATE_EPOCH`, else none, which keeps all times. */
export function epochFrom(option: number | undefined): number | undefined {
  if (option !== undefined) return option;
  const text = process.env["SOURCE_DATE_EPOCH"];
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seconds)) return seconds;
  throw usageError("SOURCE_DATE_EPOCH", `"${text}" is not a number of seconds since 1970`);
}
