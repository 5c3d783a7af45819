import { CodecError, decodeBlock } from "@sextant/codecs";
import { expect } from "vitest";
import { deflateMachine, lz4Machine, type Machine, zstdMachine } from "../src/decode/machine.js";
import { random } from "./samples.js";

export type Algorithm = "zstd" | "deflate" | "lz4";
export const machines: Readonly<Record<Algorithm, Machine>> = {
  zstd: zstdMachine(),
  deflate: deflateMachine(),
  lz4: lz4Machine(),
};
export const windowLimitBytes = 2 ** 28;

/** What the fast decoder alone makes of an input; undefined where it does not decode it. */
export function fast(
  algorithm: Algorithm,
  input: Uint8Array,
  outputBytes: number,
  partial = false,
): Uint8Array | undefined {
  machines[algorithm].input(input.length, outputBytes)?.set(input);
  const count = machines[algorithm].run(0, windowLimitBytes, partial);
  return count < 0 ? undefined : machines[algorithm].output(count);
}

/** The same of the decoder in TypeScript. */
export function slow(
  algorithm: Algorithm,
  input: Uint8Array,
  outputBytes: number,
  partial = false,
): Uint8Array | undefined {
  const output = new Uint8Array(outputBytes);
  try {
    return output.subarray(0, decodeBlock(algorithm, input, output, { partial, windowLimitBytes }));
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return undefined;
  }
}

export const isEqual = (left: Uint8Array | undefined, right: Uint8Array | undefined) =>
  left === undefined || right === undefined ? left === right : Buffer.compare(left, right) === 0;

/** Both decode it to `content`, whatever room there is beyond that; and neither into less, but for a part of it. */
export function expectContent(algorithm: Algorithm, input: Uint8Array, content: Uint8Array): void {
  for (const room of [0, 1, 1000]) {
    expect(isEqual(fast(algorithm, input, content.length + room), content)).toBe(true);
    expect(isEqual(slow(algorithm, input, content.length + room), content)).toBe(true);
  }
  if (content.length === 0) return;
  expect(fast(algorithm, input, content.length - 1)).toBeUndefined();
  const next = random(content.length);
  for (const length of [0, 1, content.length - 1, next() % content.length, next() % content.length]) {
    expect(isEqual(fast(algorithm, input, length, true), content.subarray(0, length))).toBe(true);
  }
}

/** Both take it or refuse it, and make the same of it. */
export function expectAgreement(algorithm: Algorithm, input: Uint8Array, outputBytes: number): void {
  const expected = slow(algorithm, input, outputBytes);
  const actual = fast(algorithm, input, outputBytes);
  if (!isEqual(actual, expected)) {
    const [got, wanted] = [actual, expected].map((bytes) => (bytes ? `${bytes.length} bytes` : "nothing"));
    throw new Error(`got ${got}, expected ${wanted} from ${Buffer.from(input).toString("hex")}`);
  }
}

/** Copies of an input with a few bits or bytes changed, or cut. */
export function* mutations(input: Uint8Array, seed: number, rounds: number): Generator<Uint8Array> {
  const next = random(seed);
  for (let round = 0; round < rounds; round++) {
    const copy = input.slice();
    const near = round % 3 === 0 ? Math.min(40, copy.length) : copy.length;
    for (let i = 0; i <= round % 4; i++) {
      const at = next() % near;
      if (round % 2 === 0) copy[at] = (copy[at] ?? 0) ^ (1 << (next() % 8));
      else copy[at] = next();
    }
    yield round % 10 === 9 ? copy.subarray(0, next() % copy.length) : copy;
  }
}
