import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { instantiate } from "../src/encode/module.js";
import { inflateWasm } from "../src/wasm/inflate.js";
import { unlz4Wasm } from "../src/wasm/unlz4.js";
import { unzstdWasm } from "../src/wasm/unzstd.js";
import { isEqual, mutations } from "./decoders.js";
import { random, sample } from "./samples.js";

describe.each([
  ["zstd", unzstdWasm, deflateRawSync(sample(4000)), 6],
  ["deflate", inflateWasm, deflateRawSync(sample(4000)), 5],
  ["lz4", unlz4Wasm, Uint8Array.from({ length: 3000 }, random(3)), 5],
] as const)("the %s module", (name, wasm, seed, parameters) => {
  test("writes nowhere but into its own tables and the output", () => {
    const module = instantiate(wasm) as unknown as {
      readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
      areas(): number;
      decode(...parameters: number[]): number;
    };
    module.memory.grow(4);
    const memory = new Uint8Array(module.memory.buffer);
    const input = module.areas();
    const output = input + 8192;
    const head = name === "zstd" ? [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58] : [];
    const guard = new Uint8Array(memory.length).fill(0xa5);
    for (const damaged of mutations(seed, 31, 1500)) {
      const bytes = Uint8Array.from([...head, ...damaged]);
      memory.fill(0xa5, input - 64);
      memory.set(bytes, input);
      const limits = [input, input + bytes.length, output, output + 1000];
      module.decode(...limits, ...(parameters === 6 ? [2 ** 28] : []), 1);
      const isUntouched = (from: number, to: number) =>
        isEqual(memory.subarray(from, to), guard.subarray(0, to - from));
      expect(isUntouched(input - 64, input)).toBe(true);
      expect(Buffer.compare(memory.subarray(input, input + bytes.length), bytes)).toBe(0);
      expect(isUntouched(input + bytes.length, output)).toBe(true);
      expect(isUntouched(output + 1000 + 64, memory.length)).toBe(true);
    }
  });
});
