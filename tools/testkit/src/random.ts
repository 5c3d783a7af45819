/** Numbers that a seed decides: the same on every machine, so that a failure can be run again. */
export interface SeededRandom {
  /** A whole number, 0 ≤ n < `limit`; `limit` up to 2^32. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(count: number): Uint8Array;
  /** A new array with the items in another order. */
  shuffled<T>(items: Iterable<T>): T[];
}

/** A generator for tests, nothing secret: sfc32 (Chris Doty-Humphrey, PractRand), seeded by one 32-bit number. */
export function seededRandom(seed: number): SeededRandom {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = 0xb7e15162 ^ seed;
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();

  const below = (limit: number) => {
    if (!(limit >= 1 && limit <= 2 ** 32)) throw new RangeError(`no whole number is below ${limit}`);
    return Math.floor((next() / 2 ** 32) * limit);
  };
  return {
    below,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError("nothing to pick from");
      return items[below(items.length)] as T;
    },
    bytes(count) {
      const words = new Uint32Array(Math.ceil(count / 4));
      for (let i = 0; i < words.length; i++) words[i] = next();
      return new Uint8Array(words.buffer, 0, count);
    },
    shuffled<T>(items: Iterable<T>): T[] {
      const all = [...items];
      for (let i = all.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [all[i], all[j]] = [all[j] as T, all[i] as T];
      }
      return all;
    },
  };
}
