import { seededRandom } from "@sextant/testkit";
import { type Directory, directory, file, nameFromText, symlink } from "@sextant/tree";
import { extension, fill, pattern, xattr } from "./zoo.js";

/** Text that compresses to about a third: words in a seeded order. */
export function prose(size: number, seed = 1): Uint8Array {
  const random = seededRandom(seed);
  const words = Array.from({ length: 2000 }, () =>
    Array.from({ length: 2 + random.below(8) }, () => String.fromCharCode(97 + random.below(26))).join(""),
  );
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const word = words[random.below(words.length)] ?? "";
    for (let i = 0; i < word.length && at < size; i++) bytes[at++] = word.charCodeAt(i);
    if (at < size) bytes[at++] = random.below(12) === 0 ? 10 : 32;
  }
  return bytes;
}

/** Bytes that nothing makes smaller. */
export function noise(size: number, seed = 2): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random.below(256));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Files that meet every form of extents, clusters and fragments; about 2 MB. */
export function compressible(): Directory {
  const text = prose(450_000);
  const twins = { mode: 0o644 };
  return extension(
    {
      text: file(text),
      "text, longer": file(joined(text, prose(5000, 3))),
      "text, from its middle": file(text.subarray(100_001, 300_000)),
      "text behind noise": file(joined(noise(5000), text.subarray(0, 200_000))),
      "noise amid text": file(joined(text.subarray(0, 70_000), noise(70_000), text.subarray(70_000, 200_000))),
      noise: file(noise(100_001)),
      "little noise": file(noise(3000, 5)),
      zeros: file(new Uint8Array(400_000)),
      "zeros and text": file(joined(new Uint8Array(200_000), text.subarray(0, 9000))),
      "a block": file(prose(4096, 6)),
      "a block and a byte": file(prose(4097, 7)),
      "two blocks less a byte": file(prose(8191, 8)),
      small: file(prose(1000, 9), { xattrs: [xattr("user.a", "b")] }),
      tiny: file(prose(10, 10)),
      empty: file(new Uint8Array(0)),
      one: file(prose(20_000, 11), twins),
      "one again": file(prose(20_000, 11), twins),
      pattern: file(pattern(150_000)),
      link: symlink(nameFromText("text, longer")),
    },
    {
      "full directory": fill(
        directory(),
        Object.fromEntries(
          Array.from({ length: 700 }, (_, i) => [`${i}: a file that has a long name`, file(new Uint8Array(0))]),
        ),
      ),
      many: fill(
        directory(),
        Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`file ${i}`, file(prose(100 + 37 * i, 100 + i))])),
      ),
    },
  );
}
