import { InvalidArgumentError } from "commander";

/** Bytes from `4096`, `64K`, `64KiB`, `1M` or `2G`; the units are powers of 1024. */
export function parseSize(text: string): number {
  const match = /^(\d+)(?:([KMGT])(?:i?B)?)?$/i.exec(text);
  const power = " KMGT".indexOf((match?.[2] ?? " ").toUpperCase());
  const bytes = Number(match?.[1]) * 1024 ** power;
  if (!match || !Number.isSafeInteger(bytes)) throw new InvalidArgumentError(`"${text}" is not a size such as 64K`);
  return bytes;
}

/** A whole number within bounds. */
export function parseWhole(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

/** Seconds since 1970. */
export const parseEpoch = parseWhole(0, Number.MAX_SAFE_INTEGER);

/** Workers; more than this many never helps. */
export const parseJobs = parseWhole(1, 256);

/** The 16 bytes of a UUID, with or without dashes, in the order they are written. */
export function parseUuid(text: string): Uint8Array {
  const hex = text.replaceAll("-", "");
  if (!/^[0-9a-fA-F]{32}$/.test(hex)) throw new InvalidArgumentError(`"${text}" is not a UUID`);
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** One of a closed set of words. */
export function oneOf<const T extends string>(words: readonly T[]) {
  return (text: string): T => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`"${text}" is not one of ${words.join(", ")}`);
    return found;
  };
}
