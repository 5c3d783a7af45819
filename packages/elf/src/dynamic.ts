import type { ByteSource } from "@sextant/bytes";
import type { ElfFile, NeededVersions } from "./file.js";
import {
  flagPie,
  segmentType,
  tag,
  versionDefinition,
  versionDefinitionName,
  versionIsBase,
  versionIsWeak,
  versionNeed,
  versionNeedName,
} from "./layout.js";
import { malformed, type Reader, type Segment, textAt } from "./reader.js";

type Dynamic = Pick<
  ElfFile,
  "dynamic" | "pie" | "soname" | "needed" | "runpath" | "neededVersions" | "providedVersions"
>;

const nothing: Dynamic = {
  dynamic: false,
  pie: false,
  soname: undefined,
  needed: [],
  runpath: [],
  neededVersions: [],
  providedVersions: [],
};

/** What any real dynamic section, list of versions and string table stays below. */
const limits = { dynamicBytes: 64 << 10, versions: 4096, versionBytes: 1 << 20, stringBytes: 64 << 20 } as const;

/** Reads the dynamic section, and what it points to. */
export async function readDynamic(source: ByteSource, segments: readonly Segment[], reader: Reader): Promise<Dynamic> {
  const segment = segments.find(({ type }) => type === segmentType.dynamic);
  if (segment === undefined || segment.fileSize === 0) return nothing;
  const { offset, fileSize } = segment;
  // What debuggers keep of a file has the segment, but not its bytes.
  if (offset + fileSize > source.size) {
    const message = `the dynamic section ends at byte ${offset + fileSize} of ${source.size}`;
    throw malformed(source, "MALFORMED_SEGMENT", message, offset);
  }
  if (fileSize > limits.dynamicBytes) {
    throw malformed(source, "LIMIT_ENTRIES", `a dynamic section of ${fileSize} bytes is too large`, offset);
  }
  const entries = readEntries(await source.read(offset, offset + fileSize), reader);
  const strings = await stringTable(source, segments, entries);
  const one = (wanted: number) => entries.get(wanted)?.[0];
  const text = async (at: number | undefined) => (at === undefined ? undefined : strings(at));
  const all = async (wanted: number) => Promise.all((entries.get(wanted) ?? []).map(strings));
  const runpath = (await text(one(tag.runpath))) ?? (await text(one(tag.rpath)));
  const file = { source, segments, reader, strings };
  return {
    dynamic: true,
    pie: ((one(tag.flags1) ?? 0) & flagPie) !== 0,
    soname: await text(one(tag.soname)),
    needed: await all(tag.needed),
    runpath: runpath ? runpath.split(":") : [],
    neededVersions: await readNeeds(file, one(tag.versionsNeeded), one(tag.versionsNeededCount) ?? 0),
    providedVersions: await readDefinitions(file, one(tag.versionDefinitions), one(tag.versionDefinitionCount) ?? 0),
  };
}

/** Values by tag, in order. */
function readEntries(bytes: Uint8Array, { layout, field }: Reader): Map<number, number[]> {
  const { dynamicSize } = layout;
  const width = dynamicSize === 8 ? 4 : 8;
  const entries = new Map<number, number[]>();
  for (let at = 0; at + dynamicSize <= bytes.length; at += dynamicSize) {
    const key = field(bytes, at, [0, width]);
    if (key === tag.end) break;
    const values = entries.get(key);
    const value = field(bytes, at, [width, width]);
    if (values) values.push(value);
    else entries.set(key, [value]);
  }
  return entries;
}

/** Where an address is in the file; undefined where nothing of the file is loaded there. */
function fileOffset(segments: readonly Segment[], address: number): number | undefined {
  const found = segments.find(
    (segment) =>
      segment.type === segmentType.load && address >= segment.address && address < segment.address + segment.fileSize,
  );
  return found && found.offset + address - found.address;
}

type Strings = (at: number) => Promise<string>;

/** Pages of the string table that are read as they are needed: names of one library stand near each other. */
const pageBytes = 4096;

async function stringTable(
  source: ByteSource,
  segments: readonly Segment[],
  entries: ReadonlyMap<number, readonly number[]>,
): Promise<Strings> {
  const address = entries.get(tag.stringTable)?.[0];
  const size = entries.get(tag.stringTableSize)?.[0] ?? 0;
  const start = address === undefined ? undefined : fileOffset(segments, address);
  const isThere = start !== undefined && start + size <= source.size && size <= limits.stringBytes;
  const pages = new Map<number, Promise<Uint8Array>>();
  const page = (index: number, from: number) => {
    const known =
      pages.get(index) ?? source.read(from + index * pageBytes, from + Math.min(size, (index + 1) * pageBytes));
    pages.set(index, known);
    return known;
  };
  return async (at) => {
    if (!isThere || at >= size) {
      throw malformed(source, "MALFORMED_DYNAMIC", `there is no string ${at} in a table of ${size} bytes`, start ?? 0);
    }
    let text = "";
    for (let index = Math.floor(at / pageBytes); index * pageBytes < size; index++) {
      const bytes = await page(index, start);
      const from = Math.max(0, at - index * pageBytes);
      text += textAt(bytes, from);
      if (bytes.indexOf(0, from) >= 0 || text.length > pageBytes) break;
    }
    return text;
  };
}

interface File {
  readonly source: ByteSource;
  readonly segments: readonly Segment[];
  readonly reader: Reader;
  readonly strings: Strings;
}

/** The records from an address on, as far as they can reach: they say by offsets where the next one is. */
async function readVersions({ source, segments }: File, address: number, count: number) {
  if (count > limits.versions) {
    throw malformed(source, "LIMIT_ENTRIES", `${count} lists of versions are more than ${limits.versions}`, 0);
  }
  const start = fileOffset(segments, address);
  if (start === undefined || start > source.size) {
    throw malformed(source, "MALFORMED_DYNAMIC", `nothing is loaded at address ${address}, where versions are`, 0);
  }
  // A record and a handful of names each; more is read when a list leads there.
  let bytes = await source.read(start, Math.min(source.size, start + Math.min(limits.versionBytes, 64 + count * 160)));
  return {
    start,
    async at(offset: number, size: number): Promise<Uint8Array> {
      if (offset + size > limits.versionBytes || start + offset + size > source.size) {
        throw malformed(source, "MALFORMED_DYNAMIC", "a list of versions leads out of the file", start + offset);
      }
      if (offset + size > bytes.length) {
        bytes = await source.read(
          start,
          Math.min(source.size, start + Math.min(limits.versionBytes, 4 * (offset + size))),
        );
      }
      return bytes;
    },
  };
}

async function readNeeds(file: File, address: number | undefined, count: number): Promise<NeededVersions[]> {
  if (address === undefined || count === 0) return [];
  const { field } = file.reader;
  const records = await readVersions(file, address, count);
  const needs: NeededVersions[] = [];
  let names = 0;
  let at = 0;
  for (let index = 0; index < count; index++) {
    const need = await records.at(at, versionNeed.size);
    const soname = await file.strings(field(need, at, versionNeed.file));
    const versions: string[] = [];
    const nameCount = field(need, at, versionNeed.count);
    let nameAt = at + field(need, at, versionNeed.first);
    const next = field(need, at, versionNeed.next);
    names += nameCount;
    if (names > limits.versions) {
      throw malformed(file.source, "LIMIT_ENTRIES", `there are more than ${limits.versions} versions`, records.start);
    }
    for (let left = nameCount; left > 0; left--) {
      const name = await records.at(nameAt, versionNeedName.size);
      const isWeak = (field(name, nameAt, versionNeedName.flags) & versionIsWeak) !== 0;
      if (!isWeak) versions.push(await file.strings(field(name, nameAt, versionNeedName.name)));
      const step = field(name, nameAt, versionNeedName.next);
      if (step === 0) break;
      nameAt += step;
    }
    needs.push({ soname, versions });
    if (next === 0) break;
    at += next;
  }
  return needs;
}

async function readDefinitions(file: File, address: number | undefined, count: number): Promise<string[]> {
  if (address === undefined || count === 0) return [];
  const { field } = file.reader;
  const records = await readVersions(file, address, count);
  const versions: string[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const definition = await records.at(at, versionDefinition.size);
    const isBase = (field(definition, at, versionDefinition.flags) & versionIsBase) !== 0;
    const nameAt = at + field(definition, at, versionDefinition.first);
    const next = field(definition, at, versionDefinition.next);
    const name = await records.at(nameAt, versionDefinitionName.size);
    if (!isBase) versions.push(await file.strings(field(name, nameAt, versionDefinitionName.name)));
    if (next === 0) break;
    at += next;
  }
  return versions;
}
