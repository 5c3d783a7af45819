/** What a block of LZ4 consists of, read by a parser of its own: sequences, and how its end is made. */
export interface Lz4Sequence {
  readonly literals: number;
  /** Undefined in the last sequence. */
  readonly match?: { readonly length: number; readonly distance: number };
}

export function sequencesOf(block: Uint8Array): Lz4Sequence[] {
  const sequences: Lz4Sequence[] = [];
  let at = 0;
  const byte = () => {
    if (at >= block.length) throw new Error("the block ends too early");
    return block[at++] ?? 0;
  };
  const length = (first: number) => {
    let sum = first;
    if (first < 15) return sum;
    for (;;) {
      const more = byte();
      sum += more;
      if (more < 255) return sum;
    }
  };
  for (;;) {
    const token = byte();
    const literals = length(token >> 4);
    at += literals;
    if (at > block.length) throw new Error("the literals pass the end of the block");
    if (at === block.length) {
      if (token & 15) throw new Error("the last token has a match");
      sequences.push({ literals });
      return sequences;
    }
    const distance = byte() | (byte() << 8);
    sequences.push({ literals, match: { length: length(token & 15) + 4, distance } });
  }
}

/** What breaks the rules of the format about matches and the end of a block; undefined where nothing does. */
export function brokenRule(block: Uint8Array): string | undefined {
  const sequences = sequencesOf(block);
  let position = 0;
  let lastMatchStart: number | undefined;
  for (const { literals, match } of sequences) {
    position += literals;
    if (!match) continue;
    if (match.distance === 0 || match.distance > position) return `distance ${match.distance} at ${position}`;
    lastMatchStart = position;
    position += match.length;
  }
  if (lastMatchStart === undefined) return undefined;
  const lastLiterals = sequences.at(-1)?.literals ?? 0;
  if (lastLiterals < 5) return `${lastLiterals} literals at the end`;
  if (position - lastMatchStart < 12) return `a match ${position - lastMatchStart} bytes before the end`;
  return undefined;
}
