import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Peer, peer } from "@sextant/peers";
import type { Bench, Comparison, Context } from "../bench.js";
import { type CorpusName, corpus } from "../corpora.js";
import { type DebianCorpusName, debianCorpus } from "../debian-corpora.js";
import { type Job, type Measured, measure } from "../measure.js";

/** A line of the table: the same setting in our words and in the peer's. */
interface Setting {
  readonly title: string;
  readonly ours: readonly string[];
  readonly mkfs: readonly string[];
  /** Most that ours may be of the peer's. */
  readonly goal: { readonly size: number; readonly wall: number };
  /** Levels of mksquashfs's zstd that it is shown beside too. */
  readonly squashfsLevels?: readonly number[];
  /** Only on this corpus. */
  readonly only?: DebianCorpusName;
}

const settings: readonly Setting[] = [
  {
    title: "zstd 3, 64 KiB",
    ours: ["--compress", "zstd:3", "--cluster", "64K"],
    mkfs: ["-zzstd,level=3", "-C65536"],
    goal: { size: 1, wall: 0.33 },
    squashfsLevels: [3],
  },
  {
    title: "zstd 3, 64 KiB, dedupe, all-fragments",
    ours: ["--compress", "zstd:3", "--cluster", "64K", "--dedupe", "--all-fragments"],
    mkfs: ["-zzstd,level=3", "-C65536", "-Ededupe,all-fragments"],
    goal: { size: 1, wall: 0.33 },
    squashfsLevels: [3],
    only: "mix",
  },
  {
    title: "zstd 12, 128 KiB, all-fragments",
    ours: ["--compress", "zstd:12", "--cluster", "128K", "--all-fragments"],
    mkfs: ["-zzstd,level=12", "-C131072", "-Eall-fragments"],
    goal: { size: 1, wall: 0.33 },
    squashfsLevels: [15],
  },
  {
    title: "lz4hc 12, 64 KiB, fragments, tail packing",
    ours: ["--compress", "lz4hc:12", "--cluster", "64K", "--fragments", "--tail-packing"],
    mkfs: ["-zlz4hc,level=12", "-C65536", "-Efragments,ztailpacking"],
    goal: { size: 1, wall: 1 },
  },
  {
    title: "lz4, 4 KiB",
    ours: ["--compress", "lz4", "--cluster", "4K"],
    mkfs: ["-zlz4", "-C4096"],
    goal: { size: 1.01, wall: 2.5 },
  },
  { title: "uncompressed", ours: ["--compress", "none"], mkfs: [], goal: { size: 1, wall: 3 } },
];

/** Goal of every setting. */
const peakMiB = 512;
/** The slowest setting takes the peer half a minute. */
const mostRuns = 3;

export const compressJava: Bench = {
  name: "java",
  about: "compressed images of a Java runtime beside mkfs.erofs and mksquashfs: size, time, memory",
  run: (context) => compareSettings(context, "java"),
};

export const compressMix: Bench = {
  name: "mix",
  about: "the same of programs and scripts, 6,200 entries",
  run: (context) => compareSettings(context, "mix"),
};

export const compressMany: Bench = {
  name: "many",
  about: "the same of 20,000 small files",
  run: (context) => compareSettings(context, "many"),
};

type Name = DebianCorpusName | (CorpusName & "many");

/** With `--short` every corpus is the same small one, and each setting is tried on one of them. */
async function* compareSettings(context: Context, name: Name): AsyncGenerator<Comparison> {
  const { folder, short } = context;
  const rows = settings.filter(({ only }) => only === undefined || only === name);
  const chosen = short ? rows.filter(({ only }) => (name === "java") === (only === undefined)) : rows;
  if (chosen.length === 0 || (short && name === "many")) return;
  const source = short
    ? corpus("sample", folder, short)
    : name === "many"
      ? corpus("many", folder, short)
      : await debianCorpus(name, (line) => process.stderr.write(`${line}\n`));
  for (const setting of chosen) yield* await compareOne(context, source, short ? "sample" : name, setting);
}

/** A job that writes an image, which stays until `remove`. */
interface Packing extends Job {
  /** What is asked for, without paths. */
  readonly flags: readonly string[];
  readonly image: string;
}

function packing(label: string, flags: readonly string[], image: string, command: readonly string[]): Packing {
  return { label, flags, image, command, prepare: () => rmSync(image, { force: true }) };
}

/** Times are fixed and every processor is used on each side; nothing is named that the others are not given. */
function packings({ folder, sextant }: Context, source: string, setting: Setting): Packing[] {
  const at = (name: string) => join(folder, `compress-${name}`);
  const flags = ["--epoch", "0", ...setting.ours];
  const jobs = [packing("sextant pack", flags, at("ours"), [...sextant, "pack", source, ...flags, "-o", at("ours")])];
  const mkfs = peer("mkfs.erofs");
  if (mkfs) {
    const args = ["-T0", ...setting.mkfs];
    const command = [...mkfs.command, "--quiet", ...args, at("erofs"), source];
    jobs.push(packing(`mkfs.erofs ${mkfs.version}`, args, at("erofs"), command));
  }
  const mksquashfs = peer("mksquashfs");
  for (const level of mksquashfs ? (setting.squashfsLevels ?? []) : []) {
    jobs.push(squashing(mksquashfs as Peer, level, source, at(`squashfs-${level}`)));
  }
  return jobs;
}

function squashing(mksquashfs: Peer, level: number, source: string, image: string): Packing {
  const args = ["-comp", "zstd", "-Xcompression-level", `${level}`, "-all-time", "0", "-mkfs-time", "0"];
  const command = [...mksquashfs.command, source, image, "-noappend", "-no-progress", "-quiet", ...args];
  return packing(`mksquashfs ${mksquashfs.version}`, args, image, command);
}

async function compareOne(context: Context, source: string, name: string, setting: Setting): Promise<Comparison[]> {
  const jobs = packings(context, source, setting);
  try {
    const measured = await measure(jobs, Math.min(context.runs, context.short ? 1 : mostRuns));
    const outcomes = jobs.map(({ image, flags, label }, index): Outcome => {
      const { size } = statSync(image);
      return { label, flags, size, measured: measured[index] as Measured };
    });
    const [ours, ...others] = outcomes;
    if (ours === undefined) return [];
    const title = `${name}, ${setting.title}`;
    if (others.length === 0) return [{ title, ours: ours.measured, notes: [megabytes(ours.size)] }];
    return others.map((other) =>
      compared(title, ours, other, other.label.startsWith("mkfs.erofs") ? setting.goal : undefined),
    );
  } finally {
    for (const { image } of jobs) rmSync(image, { force: true });
  }
}

interface Outcome {
  readonly label: string;
  readonly flags: readonly string[];
  /** Of the image, in bytes. */
  readonly size: number;
  readonly measured: Measured;
}

function compared(title: string, ours: Outcome, other: Outcome, goal: Setting["goal"] | undefined): Comparison {
  const aim =
    goal && `size ${goal.size.toFixed(2)} ×, wall ${goal.wall.toFixed(2)} ×, peak ${peakMiB} MiB, each at most`;
  const [own, theirs] = [ours.measured.cpuMs, other.measured.cpuMs];
  const notes = [
    `size ${megabytes(ours.size)} to ${megabytes(other.size)}: ${ratio(ours.size, other.size, 3)}`,
    ...(own === undefined || theirs === undefined
      ? []
      : [`processors ${(own / 1000).toFixed(2)} s to ${(theirs / 1000).toFixed(2)} s: ${ratio(own, theirs, 2)}`]),
    ...[ours, other].map(({ label, flags }) => `${label}: ${flags.join(" ")}`),
  ];
  return { title, ours: ours.measured, peer: other.measured, goal: aim, notes };
}

const ratio = (a: number, b: number, digits: number) => `${(a / b).toFixed(digits)} ×`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
