// Where each adaptive model of LZMA lies in the one array of probabilities, and the properties that size it.
// Source: lzma-specification.txt of the LZMA SDK.

/** Literal context bits, literal position bits and position bits: what the properties byte holds. */
export interface LzmaProperties {
  /** 0…8 */
  readonly lc: number;
  /** 0…4 */
  readonly lp: number;
  /** 0…4 */
  readonly pb: number;
}

/** The properties in a byte `(pb * 5 + lp) * 9 + lc`; undefined where it holds none. */
export function lzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 5 * 5 * 9) return undefined;
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

const states = 12;
const positionStates = 16;
const literalCoderModels = 0x300;

export const isMatch = 0;
export const isRep = isMatch + states * positionStates;
export const isRepG0 = isRep + states;
export const isRepG1 = isRepG0 + states;
export const isRepG2 = isRepG1 + states;
export const isRep0Long = isRepG2 + states;
/** Four trees of 6 bits, by match length. */
export const distanceSlot = isRep0Long + states * positionStates;
/** Reverse trees for the slots 4…13, laid over each other; 115 are used. */
export const distanceSpecial = distanceSlot + 4 * 64;
export const distanceAlign = distanceSpecial + 128;

// Within a length coder: two choices, then trees of 3 bits for each position state twice, then one of 8 bits.
export const lengthLow = 2;
export const lengthMid = lengthLow + positionStates * 8;
export const lengthHigh = lengthMid + positionStates * 8;
const lengthModels = lengthHigh + 256;
export const matchLength = distanceAlign + 16;
export const repLength = matchLength + lengthModels;

export const literals = repLength + lengthModels;

/** Models that a decoder with these properties has. */
export const modelCount = ({ lc, lp }: LzmaProperties) => literals + (literalCoderModels << (lc + lp));
