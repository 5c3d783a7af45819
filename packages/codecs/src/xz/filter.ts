import type { Steps } from "../steps.js";

/**
 * Undoes what an encoder's filter did. `apply` works in place and returns how many bytes at the start are final; the rest
 * must come again with more bytes behind it. `position` is the offset of `bytes[0]` in the filter's data, modulo 2^32.
 */
export interface Filter {
  apply(bytes: Uint8Array, position: number): number;
}

/** Passes what a decoder hands on through a filter. The last bytes, too few for the filter, stay as they are. */
export function* filtered(steps: Steps, filter: Filter): Steps {
  let rest = new Uint8Array(0);
  let position = 0;
  for (;;) {
    const { done, value } = steps.next();
    if (done) break;
    if (value === undefined) {
      yield undefined;
      continue;
    }
    let bytes = value;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
    }
    const final = filter.apply(bytes, position);
    position = (position + final) >>> 0;
    rest = bytes.slice(final);
    if (final > 0) yield bytes.subarray(0, final);
  }
  if (rest.length > 0) yield rest;
}

/** The delta filter (xz-file-format.txt, 5.3.3): each byte is stored as its difference to the one `distance` before. */
export function deltaFilter(distance: number): Filter {
  const history = new Uint8Array(distance);
  let at = 0;
  return {
    apply(bytes) {
      for (let i = 0; i < bytes.length; i++) {
        const value = ((bytes[i] as number) + (history[at] as number)) & 0xff;
        bytes[i] = value;
        history[at] = value;
        at = at + 1 === distance ? 0 : at + 1;
      }
      return bytes.length;
    },
  };
}

/** A filter whose positions count from `start`. */
export function startingAt(start: number, filter: Filter): Filter {
  return { apply: (bytes, position) => filter.apply(bytes, (position + start) >>> 0) };
}
