import { ArchiveError, type ArchiveErrorCode, readTar, type TarOptions } from "@sextant/archive";
import { concatBytes, fromBytes } from "@sextant/bytes";
import { type Directory, describeTree, type Name, nameFromText, type TreeNode } from "@sextant/tree";
import { expect } from "vitest";

/** All chunks of a writer in one. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concatBytes(parts);
}

/** A tree as lines of text. */
export async function linesOf(tree: Directory): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of describeTree(tree)) lines.push(line);
  return lines;
}

export const name = nameFromText;
export const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Fields of a hand-made header block; bytes are given as text, a character a byte. */
export interface Fields {
  readonly name?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly size?: string;
  readonly mtime?: string;
  readonly typeflag?: string;
  readonly linkname?: string;
  readonly magic?: string;
  readonly devmajor?: string;
  readonly devminor?: string;
  /** From byte 345 on. */
  readonly rest?: string;
  /** Default: the right one. */
  readonly checksum?: string;
}

const places = {
  name: 0,
  mode: 100,
  uid: 108,
  gid: 116,
  size: 124,
  mtime: 136,
  typeflag: 156,
  linkname: 157,
  magic: 257,
  devmajor: 329,
  devminor: 337,
  rest: 345,
} as const;

/** A header block, with data behind it that fills whole blocks. The size is that of the data unless told otherwise. */
export function member(fields: Fields, data: string | Uint8Array = ""): Uint8Array {
  const content = typeof data === "string" ? bytesOf(data) : data;
  const all = {
    mode: "0000644\0",
    uid: "0000000\0",
    gid: "0000000\0",
    size: `${content.length.toString(8).padStart(11, "0")}\0`,
    mtime: "00000000000\0",
    typeflag: "0",
    magic: "ustar\x0000",
    ...fields,
  };
  const block = new Uint8Array(512);
  for (const [key, at] of Object.entries(places)) block.set(bytesOf(all[key as keyof typeof places] ?? ""), at);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(bytesOf(fields.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return concatBytes([block, content, new Uint8Array(-content.length & 511)]);
}

/** A pax header block with these records. */
export function pax(records: readonly (readonly [key: string, value: string])[], typeflag = "x"): Uint8Array {
  const text = records.map(([key, value]) => {
    const rest = ` ${key}=${value}\n`.length;
    let length = rest + 1;
    while (String(length).length + rest !== length) length++;
    return `${length} ${key}=${value}\n`;
  });
  return member({ name: "./PaxHeaders/x", typeflag }, text.join(""));
}

export const end = new Uint8Array(1024);

/** Reads an archive made of these parts and its end. */
export const readParts = (parts: readonly Uint8Array[], options?: TarOptions) =>
  readTar(fromBytes(concatBytes([...parts, end]), "parts.tar"), options);

/** The text of a file in a tree. */
export async function textOf(tree: Directory, path: string): Promise<string> {
  let node: Directory | undefined = tree;
  const names = path.split("/").map(nameFromText);
  const last = names.pop() as Name;
  for (const part of names) {
    const next: TreeNode | undefined = node?.entries.get(part);
    node = next?.kind === "directory" ? next : undefined;
  }
  const found = node?.entries.get(last);
  if (found?.kind !== "file") throw new Error(`no file ${path}`);
  const source = found.content.open();
  return String.fromCharCode(...(await source.read(0, source.size)));
}

/** Asserts that reading fails as an archive's error with this code, path and offset. */
export async function expectError(
  reading: Promise<unknown>,
  code: ArchiveErrorCode,
  path?: string,
  offset?: number,
): Promise<void> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ArchiveError);
  expect(error).toMatchObject({ code });
  if (path !== undefined) expect((error as ArchiveError).context.path).toBe(path);
  if (offset !== undefined) expect((error as ArchiveError).context.offset).toBe(offset);
}
