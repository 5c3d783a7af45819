import { type SeededRandom, seededRandom } from "./random.js";

/** A damaged copy of some bytes, and in words what was done to it. */
export interface Mutation {
  readonly bytes: Uint8Array;
  readonly what: string;
}

/** Values that sizes, counts and offsets go wrong with. */
const interesting: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x1_0000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  1n << 53n,
  (1n << 60n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

type Mutate = (bytes: Uint8Array, random: SeededRandom) => Mutation;

/** Half of the places lie in the first bytes, where formats keep what everything else depends on. */
function place(size: number, random: SeededRandom, headBytes: number): number {
  const head = Math.min(size, headBytes);
  return random.below(random.below(2) === 0 ? head : size);
}

const flipBit =
  (headBytes: number): Mutate =>
  (bytes, random) => {
    const at = place(bytes.length, random, headBytes);
    const bit = random.below(8);
    const copy = bytes.slice();
    copy[at] = (copy[at] ?? 0) ^ (1 << bit);
    return { bytes: copy, what: `bit ${bit} of byte ${at} flipped` };
  };

const overwriteInteger =
  (headBytes: number): Mutate =>
  (bytes, random) => {
    const width = random.pick([1, 2, 4, 8].filter((count) => count <= bytes.length));
    // Fields lie at multiples of their size, mostly.
    const at = Math.min(
      bytes.length - width,
      Math.floor(place(bytes.length, random, headBytes) / width) * width + (random.below(8) === 0 ? 1 : 0),
    );
    const value = BigInt.asUintN(8 * width, random.pick(interesting));
    const copy = bytes.slice();
    const bigEndian = random.below(4) === 0;
    for (let i = 0; i < width; i++) {
      const shift = BigInt(8 * (bigEndian ? width - 1 - i : i));
      copy[at + i] = Number((value >> shift) & 0xffn);
    }
    const order = bigEndian ? "big-endian" : "little-endian";
    return { bytes: copy, what: `${width} bytes at ${at} set to 0x${value.toString(16)}, ${order}` };
  };

const truncate =
  (headBytes: number): Mutate =>
  (bytes, random) => {
    const size = place(bytes.length, random, headBytes);
    return { bytes: bytes.slice(0, size), what: `cut to ${size} bytes` };
  };

const splice: Mutate = (bytes, random) => {
  const count = 1 + random.below(Math.min(512, bytes.length));
  const from = random.below(bytes.length - count + 1);
  const to = random.below(bytes.length - count + 1);
  const copy = bytes.slice();
  copy.copyWithin(to, from, from + count);
  return { bytes: copy, what: `${count} bytes copied from ${from} to ${to}` };
};

const remove: Mutate = (bytes, random) => {
  const count = 1 + random.below(Math.min(64, bytes.length));
  const at = random.below(bytes.length - count + 1);
  const copy = new Uint8Array(bytes.length - count);
  copy.set(bytes.subarray(0, at));
  copy.set(bytes.subarray(at + count), at);
  return { bytes: copy, what: `${count} bytes at ${at} taken out` };
};

const fill: Mutate = (bytes, random) => {
  const count = 1 + random.below(Math.min(256, bytes.length));
  const at = random.below(bytes.length - count + 1);
  const value = random.pick([0, 0xff]);
  const copy = bytes.slice();
  copy.fill(value, at, at + count);
  return { bytes: copy, what: `${count} bytes at ${at} filled with ${value}` };
};

export interface MutationOptions {
  readonly seed: number;
  readonly count: number;
  /** Half of the damage goes into the first so many bytes. Default 4096. */
  readonly headBytes?: number;
}

/**
 * Damaged copies of `bytes` for fuzz loops: flipped bits, integers that overflow, cuts, splices, gaps and fills, now and
 * then two at once. The seed decides all of it. Only `what` needs to be kept to tell a failure.
 */
export function* mutations(bytes: Uint8Array, options: MutationOptions): Generator<Mutation> {
  if (bytes.length === 0) throw new RangeError("nothing to damage");
  const random = seededRandom(options.seed);
  const head = options.headBytes ?? 4096;
  const [flip, overwrite, cut] = [flipBit(head), overwriteInteger(head), truncate(head)];
  const kinds: readonly Mutate[] = [flip, flip, flip, overwrite, overwrite, overwrite, cut, splice, remove, fill];
  for (let i = 0; i < options.count; i++) {
    const first = random.pick(kinds)(bytes, random);
    if (random.below(4) !== 0 || first.bytes.length === 0) {
      yield first;
      continue;
    }
    const second = random.pick(kinds)(first.bytes, random);
    yield { bytes: second.bytes, what: `${first.what}; ${second.what}` };
  }
}
