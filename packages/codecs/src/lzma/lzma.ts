// LZMA1: a range decoder over adaptive bit models. LZMA2 and so .xz wrap it; MicroLZMA and squashfs' lzma use it alone.
// Source: lzma-specification.txt of the LZMA SDK.
import { copyMatch } from "../window.js";
import * as model from "./models.js";

/** How a run of the decoder ended. */
export type LzmaStatus =
  /** The output is as long as it was to be. */
  | "full"
  /** The end marker came. */
  | "end-marker"
  /** A distance that leads before the start of the data or out of the dictionary. */
  | "bad-distance"
  /** The output is full in the middle of a match. */
  | "too-long"
  /** The input ended first. */
  | "truncated";

/** Bytes of anything that must lie readable behind the input: more than one symbol can take. */
export const lzmaPadBytes = 32;

const rangeTop = 0x1000000;
const evenProbability = 0x400;

/**
 * The state that LZMA data carries from chunk to chunk. `outputAt` counts from the last reset of the dictionary, modulo 16.
 */
export class LzmaDecoder {
  private models = new Uint16Array(0);
  private lc = 0;
  private lpMask = 0;
  private pbMask = 0;
  private state = 0;
  private rep0 = 0;
  private rep1 = 0;
  private rep2 = 0;
  private rep3 = 0;
  private range = 0;
  private code = 0;
  /** The next byte of input, after `start` and `decode`. */
  inputAt = 0;
  /** The end of the output, after `decode`. */
  outputAt = 0;

  /** Takes new properties and forgets everything but the dictionary. */
  setProperties(properties: model.LzmaProperties): void {
    const count = model.modelCount(properties);
    if (this.models.length !== count) this.models = new Uint16Array(count);
    this.lc = properties.lc;
    this.lpMask = (1 << properties.lp) - 1;
    this.pbMask = (1 << properties.pb) - 1;
    this.resetState();
  }

  /** Forgets everything but the dictionary and the properties. */
  resetState(): void {
    this.models.fill(evenProbability);
    this.state = 0;
    this.rep0 = 0;
    this.rep1 = 0;
    this.rep2 = 0;
    this.rep3 = 0;
  }

  /** Starts the range coder with the 5 bytes at `inputAt`; false where the first is not zero, as it must be. */
  start(input: Uint8Array, inputAt: number): boolean {
    let code = 0;
    for (let i = 1; i < 5; i++) code = (code << 8) | (input[inputAt + i] as number);
    this.code = code;
    this.range = -1;
    this.inputAt = inputAt + 5;
    return input[inputAt] === 0;
  }

  /** Whether the range coder is where an encoder leaves it after its last symbol. */
  get isFinished(): boolean {
    return this.code === 0;
  }

  /**
   * Decodes into `output` from `outputAt` until `outputEnd`. What is before `outputAt` is the dictionary, of which the last
   * `dictionaryBytes` may be used. The input ends at `inputEnd` and has `lzmaPadBytes` behind it.
   *
   * One function, with each bit written out and without branches where bits are hard to predict: 60 MB/s, where one
   * with methods for trees and bits reaches 45 (V8 keeps range and code in registers only here).
   */
  decode(
    input: Uint8Array,
    inputEnd: number,
    output: Uint8Array,
    outputAt: number,
    outputEnd: number,
    dictionaryBytes: number,
  ): LzmaStatus {
    const models = this.models;
    const lc = this.lc;
    const lpMask = this.lpMask;
    const pbMask = this.pbMask;
    let state = this.state;
    let rep0 = this.rep0;
    let rep1 = this.rep1;
    let rep2 = this.rep2;
    let rep3 = this.rep3;
    // 32-bit registers held as signed integers; `>>> 0` where the order matters.
    let range = this.range;
    let code = this.code;
    let at = this.inputAt;
    let out = outputAt;
    let status: LzmaStatus = "full";
    // Registers of a single bit: `zero` is -1 where the bit is 0, else 0.
    let index = 0;
    let bound = 0;
    let rest = 0;
    let zero = 0;
    let probability = 0;

    while (out < outputEnd) {
      if (at > inputEnd) {
        status = "truncated";
        break;
      }
      const positionState = out & pbMask;

      index = model.isMatch + (state << 4) + positionState;
      probability = models[index] as number;
      bound = Math.imul(range >>> 11, probability);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        models[index] = probability + ((0x800 - probability) >>> 5);
        if (range >>> 0 < rangeTop) {
          range <<= 8;
          code = (code << 8) | (input[at++] as number);
        }
        const previous = out > 0 ? (output[out - 1] as number) : 0;
        const coder = model.literals + (((out & lpMask) << lc) + (previous >> (8 - lc))) * 0x300;
        // After a match the byte at its distance chooses among three sets of models until the literal differs from it.
        let matched = state < 7 ? 0 : (output[out - rep0 - 1] as number);
        let half = state < 7 ? 0 : 0x100;
        let symbol = 1;
        do {
          matched <<= 1;
          const matchedBit = matched & half;
          index = coder + half + matchedBit + symbol;
          probability = models[index] as number;
          bound = Math.imul(range >>> 11, probability);
          zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
          rest = (range - bound) | 0;
          range = rest ^ ((rest ^ bound) & zero);
          code = (code - (bound & ~zero)) | 0;
          models[index] = probability - ((probability + (zero & -2017)) >> 5);
          symbol = (symbol << 1) + 1 + zero;
          half &= matchedBit ^ zero;
          if (range >>> 0 < rangeTop) {
            range <<= 8;
            code = (code << 8) | (input[at++] as number);
          }
        } while (symbol < 0x100);
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        output[out++] = symbol;
        continue;
      }
      range = (range - bound) | 0;
      code = (code - bound) | 0;
      models[index] = probability - (probability >>> 5);
      if (range >>> 0 < rangeTop) {
        range <<= 8;
        code = (code << 8) | (input[at++] as number);
      }

      index = model.isRep + state;
      probability = models[index] as number;
      bound = Math.imul(range >>> 11, probability);
      zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
      rest = (range - bound) | 0;
      range = rest ^ ((rest ^ bound) & zero);
      code = (code - (bound & ~zero)) | 0;
      models[index] = probability - ((probability + (zero & -2017)) >> 5);
      if (range >>> 0 < rangeTop) {
        range <<= 8;
        code = (code << 8) | (input[at++] as number);
      }
      const isNew = zero !== 0;

      if (isNew) {
        rep3 = rep2;
        rep2 = rep1;
        rep1 = rep0;
      } else {
        index = model.isRepG0 + state;
        probability = models[index] as number;
        bound = Math.imul(range >>> 11, probability);
        zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
        rest = (range - bound) | 0;
        range = rest ^ ((rest ^ bound) & zero);
        code = (code - (bound & ~zero)) | 0;
        models[index] = probability - ((probability + (zero & -2017)) >> 5);
        if (range >>> 0 < rangeTop) {
          range <<= 8;
          code = (code << 8) | (input[at++] as number);
        }
        if (zero !== 0) {
          index = model.isRep0Long + (state << 4) + positionState;
          probability = models[index] as number;
          bound = Math.imul(range >>> 11, probability);
          zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
          rest = (range - bound) | 0;
          range = rest ^ ((rest ^ bound) & zero);
          code = (code - (bound & ~zero)) | 0;
          models[index] = probability - ((probability + (zero & -2017)) >> 5);
          if (range >>> 0 < rangeTop) {
            range <<= 8;
            code = (code << 8) | (input[at++] as number);
          }
          if (zero !== 0) {
            if (rep0 >>> 0 >= out || rep0 >>> 0 >= dictionaryBytes) {
              status = "bad-distance";
              break;
            }
            output[out] = output[out - rep0 - 1] as number;
            out++;
            state = state < 7 ? 9 : 11;
            continue;
          }
        } else {
          index = model.isRepG1 + state;
          probability = models[index] as number;
          bound = Math.imul(range >>> 11, probability);
          zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
          rest = (range - bound) | 0;
          range = rest ^ ((rest ^ bound) & zero);
          code = (code - (bound & ~zero)) | 0;
          models[index] = probability - ((probability + (zero & -2017)) >> 5);
          if (range >>> 0 < rangeTop) {
            range <<= 8;
            code = (code << 8) | (input[at++] as number);
          }
          let distance = rep1;
          if (zero === 0) {
            index = model.isRepG2 + state;
            probability = models[index] as number;
            bound = Math.imul(range >>> 11, probability);
            zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
            rest = (range - bound) | 0;
            range = rest ^ ((rest ^ bound) & zero);
            code = (code - (bound & ~zero)) | 0;
            models[index] = probability - ((probability + (zero & -2017)) >> 5);
            if (range >>> 0 < rangeTop) {
              range <<= 8;
              code = (code << 8) | (input[at++] as number);
            }
            distance = rep2;
            if (zero === 0) {
              distance = rep3;
              rep3 = rep2;
            }
            rep2 = rep1;
          }
          rep1 = rep0;
          rep0 = distance;
        }
      }

      // The length: which of its three trees, then the tree.
      const lengths = isNew ? model.matchLength : model.repLength;
      let tree = lengths + model.lengthLow + (positionState << 3);
      let leaves = 8;
      let length = 2 - 8;
      index = lengths;
      probability = models[index] as number;
      bound = Math.imul(range >>> 11, probability);
      zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
      rest = (range - bound) | 0;
      range = rest ^ ((rest ^ bound) & zero);
      code = (code - (bound & ~zero)) | 0;
      models[index] = probability - ((probability + (zero & -2017)) >> 5);
      if (range >>> 0 < rangeTop) {
        range <<= 8;
        code = (code << 8) | (input[at++] as number);
      }
      if (zero === 0) {
        index = lengths + 1;
        probability = models[index] as number;
        bound = Math.imul(range >>> 11, probability);
        zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
        rest = (range - bound) | 0;
        range = rest ^ ((rest ^ bound) & zero);
        code = (code - (bound & ~zero)) | 0;
        models[index] = probability - ((probability + (zero & -2017)) >> 5);
        if (range >>> 0 < rangeTop) {
          range <<= 8;
          code = (code << 8) | (input[at++] as number);
        }
        if (zero !== 0) {
          tree = lengths + model.lengthMid + (positionState << 3);
          length = 10 - 8;
        } else {
          tree = lengths + model.lengthHigh;
          leaves = 256;
          length = 18 - 256;
        }
      }
      let symbol = 1;
      do {
        index = tree + symbol;
        probability = models[index] as number;
        bound = Math.imul(range >>> 11, probability);
        zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
        rest = (range - bound) | 0;
        range = rest ^ ((rest ^ bound) & zero);
        code = (code - (bound & ~zero)) | 0;
        models[index] = probability - ((probability + (zero & -2017)) >> 5);
        symbol = (symbol << 1) + 1 + zero;
        if (range >>> 0 < rangeTop) {
          range <<= 8;
          code = (code << 8) | (input[at++] as number);
        }
      } while (symbol < leaves);
      length += symbol;

      if (isNew) {
        // The distance: a slot, then from slot 4 on some bits as they are and some from a reverse tree.
        tree = model.distanceSlot + ((length < 6 ? length - 2 : 3) << 6);
        symbol = 1;
        do {
          index = tree + symbol;
          probability = models[index] as number;
          bound = Math.imul(range >>> 11, probability);
          zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
          rest = (range - bound) | 0;
          range = rest ^ ((rest ^ bound) & zero);
          code = (code - (bound & ~zero)) | 0;
          models[index] = probability - ((probability + (zero & -2017)) >> 5);
          symbol = (symbol << 1) + 1 + zero;
          if (range >>> 0 < rangeTop) {
            range <<= 8;
            code = (code << 8) | (input[at++] as number);
          }
        } while (symbol < 64);
        rep0 = symbol - 64;
        if (rep0 >= 4) {
          const slot = rep0;
          let treeBits = (slot >> 1) - 1;
          rep0 = (2 | (slot & 1)) << treeBits;
          if (slot < 14) {
            tree = model.distanceSpecial + rep0 - slot;
          } else {
            let direct = 0;
            for (let i = treeBits - 4; i > 0; i--) {
              range >>>= 1;
              code = (code - range) | 0;
              const under = code >> 31;
              code = (code + (range & under)) | 0;
              direct = (direct << 1) + 1 + under;
              if (range >>> 0 < rangeTop) {
                range <<= 8;
                code = (code << 8) | (input[at++] as number);
              }
            }
            rep0 = (rep0 + (direct << 4)) | 0;
            treeBits = 4;
            tree = model.distanceAlign;
          }
          symbol = 1;
          for (let i = 0; i < treeBits; i++) {
            index = tree + symbol;
            probability = models[index] as number;
            bound = Math.imul(range >>> 11, probability);
            zero = ((~code & bound) | ((~code | bound) & (code - bound))) >> 31;
            rest = (range - bound) | 0;
            range = rest ^ ((rest ^ bound) & zero);
            code = (code - (bound & ~zero)) | 0;
            models[index] = probability - ((probability + (zero & -2017)) >> 5);
            symbol = (symbol << 1) + 1 + zero;
            rep0 = (rep0 + ((1 + zero) << i)) | 0;
            if (range >>> 0 < rangeTop) {
              range <<= 8;
              code = (code << 8) | (input[at++] as number);
            }
          }
          if (rep0 === -1) {
            status = "end-marker";
            break;
          }
        }
        state = state < 7 ? 7 : 10;
      } else {
        state = state < 7 ? 8 : 11;
      }

      if (rep0 >>> 0 >= out || rep0 >>> 0 >= dictionaryBytes) {
        status = "bad-distance";
        break;
      }
      if (length > outputEnd - out) {
        length = outputEnd - out;
        status = "too-long";
      }
      copyMatch(output, out, rep0 + 1, length);
      out += length;
    }

    this.state = state;
    this.rep0 = rep0;
    this.rep1 = rep1;
    this.rep2 = rep2;
    this.rep3 = rep3;
    this.range = range;
    this.code = code;
    this.inputAt = at;
    this.outputAt = out;
    return at > inputEnd ? "truncated" : status;
  }
}
