// X.509 times (RFC 5280 section 4.1.2.5): UTCTime up to 2049, GeneralizedTime from 2050, always to the second in UTC.
import { type DerValue, derTag } from "./der.js";
import { value } from "./der-write.js";
import { SigningError } from "./errors.js";

const generalizedFrom = Date.UTC(2050, 0) / 1000;
const earliest = Date.UTC(1950, 0) / 1000;
/** 9999-12-31T23:59:59Z, which RFC 5280 gives to certificates that do not expire. */
export const latestTime = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/** Seconds since 1970 of a UTCTime or GeneralizedTime. */
export function timeSeconds(time: DerValue): number {
  const text = String.fromCharCode(...time.content.subarray(0, 32));
  const pattern = time.tag === derTag.utcTime ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/;
  const parts = time.tag === derTag.utcTime || time.tag === derTag.generalizedTime ? pattern.exec(text) : null;
  const [, years = "", rest = ""] = parts ?? [];
  const short = Number(years);
  const year = years.length === 4 ? short : short < 50 ? 2000 + short : 1900 + short;
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = (rest.match(/\d\d/g) ?? []).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A day or hour that does not exist rolls over into another text.
  if (!parts || digits(date) !== `${String(year).padStart(4, "0")}${rest}`) {
    throw new SigningError("MALFORMED_DER", `${JSON.stringify(text)} is not a time`, {
      path: time.path,
      offset: time.offset,
    });
  }
  return date.getTime() / 1000;
}

/** The DER of a time; throws `RangeError` outside of 1950…9999. */
export function writeTime(seconds: number): Uint8Array {
  if (!Number.isInteger(seconds) || seconds < earliest || seconds > latestTime) {
    throw new RangeError(`${seconds} is not a whole number of seconds between the years 1950 and 9999`);
  }
  const text = digits(new Date(seconds * 1000));
  const bytes = (from: number) => new TextEncoder().encode(`${text.slice(from)}Z`);
  return seconds < generalizedFrom ? value(derTag.utcTime, bytes(2)) : value(derTag.generalizedTime, bytes(0));
}

/** YYYYMMDDHHMMSS. */
function digits(date: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return [
    String(date.getUTCFullYear()).padStart(4, "0"),
    two(date.getUTCMonth() + 1),
    two(date.getUTCDate()),
    two(date.getUTCHours()),
    two(date.getUTCMinutes()),
    two(date.getUTCSeconds()),
  ].join("");
}
