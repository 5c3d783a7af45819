import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** A number in [0, below), a new one each call. */
type Random = (below: number) => number;

/** xorshift32: the same numbers everywhere for one seed, and fast. */
function seeded(seed: number): Random {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const poolBytes = 4 << 20;

/** Bytes that look half like machine code and half like text: a compressor gets them to about the half. */
function makePool(random: Random): Uint8Array {
  const words = ["usr", "lib", "system", "extension", "return", "static", "0x00000000", "\n", " ", "\0\0\0\0"];
  const encoded = words.map((word) => new TextEncoder().encode(word));
  const pool = new Uint8Array(poolBytes);
  for (let at = 0; at < poolBytes; ) {
    if (random(2) === 0) {
      for (let i = 0; i < 64 && at < poolBytes; i++) pool[at++] = random(256);
    } else {
      for (let i = 0; i < 16 && at < poolBytes; i++) {
        const word = encoded[random(encoded.length)] ?? new Uint8Array(1);
        pool.set(word.subarray(0, poolBytes - at), at);
        at += word.length;
      }
    }
  }
  return pool;
}

function writeFile(path: string, size: number, pool: Uint8Array, random: Random): void {
  const file = openSync(path, "wx", random(4) === 0 ? 0o755 : 0o644);
  for (let left = size; left > 0; ) {
    const start = random(poolBytes / 2);
    left -= writeSync(file, pool, start, Math.min(left, poolBytes - start));
  }
  closeSync(file);
}

interface Corpus {
  /** Counts up when what it holds changes, so that a former one is not taken for it. */
  readonly version: number;
  make(folder: string, short: boolean): void;
}

/** One file of 141 MB among a few others, 200 MB in all, as a language runtime has it. */
const big: Corpus = {
  version: 1,
  make(folder, short) {
    const random = seeded(1);
    const pool = makePool(random);
    mkdirSync(join(folder, "usr/lib/runtime"), { recursive: true });
    const sizes = [141, 21, 13, 9, 6, 4, 3, 2, 1];
    for (const [index, size] of sizes.entries()) {
      const bytes = Math.floor((size * 1e6) / (short ? 4 : 1)) + random(4096);
      writeFile(join(folder, `usr/lib/runtime/module-${index}.so`), bytes, pool, random);
    }
  },
};

/** 20,000 files between 0 and 64 KiB in 200 directories, small ones more often than large ones. */
const many: Corpus = {
  version: 1,
  make(folder, short) {
    const random = seeded(2);
    const pool = makePool(random);
    for (let directory = 0; directory < (short ? 50 : 200); directory++) {
      const path = join(folder, `usr/share/data-${directory % 20}/part-${directory}`);
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < 100; file++) {
        const size = Math.floor((random(65537) * random(65537)) / 65536);
        writeFile(join(path, `file-${file}-${random(1 << 20).toString(36)}`), size, pool, random);
      }
    }
  },
};

/** 500,000 entries, nearly all of them empty: what a tree costs by itself. */
const entries: Corpus = {
  version: 1,
  make(folder, short) {
    const random = seeded(3);
    const line = new TextEncoder().encode("a line of text in a small file\n");
    for (let directory = 0; directory < (short ? 100 : 1000); directory++) {
      const path = join(folder, `usr/share/part-${directory % 30}/${directory}`);
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < 499; file++) {
        writeFileSync(join(path, `entry-${file}-${random(1 << 30).toString(36)}`), file % 20 === 0 ? line : "");
      }
    }
  },
};

/** 5 MB of a few large files, many small ones, and a copy: for a quick look at what compresses. */
const sample: Corpus = {
  version: 1,
  make(folder) {
    const random = seeded(5);
    const pool = makePool(random);
    for (const name of ["lib", "share", "again"]) mkdirSync(join(folder, "usr", name), { recursive: true });
    for (let file = 0; file < 3; file++) {
      writeFile(join(folder, `usr/lib/library-${file}.so`), 1_000_000 + random(4096), pool, random);
    }
    for (let file = 0; file < 120; file++) {
      writeFile(join(folder, `usr/share/file-${file}`), random(16_384), pool, random);
    }
    copyFileSync(join(folder, "usr/lib/library-0.so"), join(folder, "usr/again/library.so"));
  },
};

const corpora = { big, many, entries, sample };
export type CorpusName = keyof typeof corpora;

/** The folder of a corpus below `parent`, made if it is not there. */
export function corpus(name: CorpusName, parent: string, short: boolean): string {
  const { version, make } = corpora[name];
  const folder = join(parent, `${name}-${version}${short ? "-short" : ""}`);
  if (existsSync(folder)) return folder;
  return made(folder, (unfinished) => {
    mkdirSync(unfinished, { recursive: true });
    make(unfinished, short);
  });
}

/** A file of `size` bytes without repetition below `parent`, made if it is not there. */
export function noise(size: number, parent: string): string {
  const path = join(parent, `noise-1-${size}`);
  if (existsSync(path)) return path;
  return made(path, (unfinished) => {
    mkdirSync(parent, { recursive: true });
    const random = seeded(4);
    writeFile(unfinished, size, makePool(random), random);
  });
}

/** Makes something under another name first, so that an interrupted run leaves nothing that looks whole. */
function made(path: string, make: (unfinished: string) => void): string {
  const unfinished = `${path}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  make(unfinished);
  renameSync(unfinished, path);
  return path;
}
