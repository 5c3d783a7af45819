import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { peer } from "@sextant/peers";
import type { Bench, Comparison, Context } from "../bench.js";
import { corpus } from "../corpora.js";
import { debianCorpus } from "../debian-corpora.js";
import { type Job, measure } from "../measure.js";

const clusterBytes = 65536;
const blockBytes = 4096;
const settings = ["--compress", "zstd:3", "--cluster", "64K", "--epoch", "0"];

export const read: Bench = {
  name: "read",
  about: "one 1 KiB file out of a compressed image of 200 MB, and all of it: time, requests, bytes",
  async run(context) {
    const { folder, short, sextant } = context;
    const source = short
      ? corpus("sample", folder, short)
      : await debianCorpus("java", (line) => process.stderr.write(`${line}\n`));
    const work = join(folder, "read");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    try {
      const image = join(work, "image");
      call([...sextant, "pack", source, ...settings, "-o", image]);
      return [...(await printOne(context, source, image)), ...(await extractAll(context, image, work))];
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

function call([program = "", ...args]: readonly string[]): string {
  const { status, stderr } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")}: exit code ${status}\n${stderr}`);
  return stderr;
}

/** The file whose size is nearest to 1 KiB; of several the deepest. */
function smallFile(source: string): string {
  const paths = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(source, join(entry.parentPath, entry.name)));
  const rank = (path: string) => Math.abs(statSync(join(source, path)).size - 1024) - path.split("/").length / 100;
  const ranked = paths.map((path) => ({ path, rank: rank(path) })).sort((a, b) => a.rank - b.rank);
  const [first] = ranked;
  if (first === undefined) throw new Error(`${source} has no file`);
  return first.path;
}

async function printOne({ runs, sextant }: Context, source: string, image: string): Promise<Comparison[]> {
  const path = smallFile(source);
  const command = [...sextant, "cat", image, path];
  const stats = call([...command, "--stats"]);
  const jobs: Job[] = [{ label: "sextant cat", command }];
  const dump = peer("dump.erofs");
  if (dump)
    jobs.push({
      label: `dump.erofs ${dump.version} --cat`,
      command: [...dump.command, "--cat", `--path=/${path}`, image],
    });
  const [ours, theirs] = await measure(jobs, runs);
  const directories = path.split("/").length;
  const limit = directories * 2 * blockBytes + clusterBytes;
  const goal = `two blocks for each of ${directories} directories and a cluster: at most ${limit / 1024} KiB`;
  const size = statSync(join(source, path)).size;
  const title = `one file of ${size} bytes out of ${(statSync(image).size / 1e6).toFixed(0)} MB`;
  return ours ? [{ title, ours, peer: theirs, goal, notes: [path, ...stats.trim().split("\n")] }] : [];
}

async function extractAll({ runs, short, sextant }: Context, image: string, work: string): Promise<Comparison[]> {
  const at = (name: string) => join(work, name);
  const job = (label: string, folder: string, command: readonly string[]): Job => ({
    label,
    command,
    prepare: () => rmSync(folder, { recursive: true, force: true }),
  });
  const jobs = [job("sextant extract", at("ours"), [...sextant, "extract", image, "-o", at("ours")])];
  const fsck = peer("fsck.erofs");
  if (fsck) {
    const command = [...fsck.command, "--xattrs", `--extract=${at("peer")}`, image];
    jobs.push(job(`fsck.erofs ${fsck.version} --extract`, at("peer"), command));
  }
  const [ours, theirs] = await measure(jobs, Math.min(runs, short ? 1 : 5));
  return ours ? [{ title: "all of it, extracted", ours, peer: theirs, goal: "within 1.5 ×" }] : [];
}
