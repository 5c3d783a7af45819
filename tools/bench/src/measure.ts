import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A command that is measured as a whole process, from its start to its end. */
export interface Job {
  readonly label: string;
  readonly command: readonly string[];
  /** Runs before each run and is not measured: takes away what the last run left. */
  readonly prepare?: () => void;
}

export interface Measured {
  readonly label: string;
  /** Wall times of the runs, in milliseconds, in the order that they ran. */
  readonly wallMs: readonly number[];
  /** Largest resident set of the warm-up run in MiB; undefined where /usr/bin/time is missing. */
  readonly peakMiB: number | undefined;
  /** Processor time of the warm-up run, all threads together, in milliseconds; undefined where /usr/bin/time is missing. */
  readonly cpuMs?: number | undefined;
}

/** GNU time, which asks the kernel what a child has used when it has ended. */
const gnuTime = "/usr/bin/time";

/**
 * Runs each job once to warm up and to take its memory and processor time, then all of them in turn `runs` times, so that whatever else the
 * machine does meets them alike. Throws with its output if a command fails.
 */
export async function measure(jobs: readonly Job[], runs: number): Promise<Measured[]> {
  const uses: (Use | undefined)[] = [];
  const times: number[][] = jobs.map(() => []);
  for (const job of jobs) uses.push(await useOf(job));
  for (let run = 0; run < runs; run++) {
    for (const [index, job] of jobs.entries()) {
      job.prepare?.();
      times[index]?.push(await once(job.command));
    }
  }
  return jobs.map(({ label }, index) => ({
    label,
    wallMs: times[index] ?? [],
    peakMiB: uses[index]?.peakMiB,
    cpuMs: uses[index]?.cpuMs,
  }));
}

interface Use {
  readonly peakMiB: number;
  readonly cpuMs: number;
}

async function useOf(job: Job): Promise<Use | undefined> {
  job.prepare?.();
  if (!existsSync(gnuTime)) {
    await once(job.command);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "sextant-bench-"));
  try {
    const report = join(folder, "use");
    await once([gnuTime, "--format=%M %U %S", `--output=${report}`, ...job.command]);
    const [kibibytes = 0, user = 0, system = 0] = readFileSync(report, "utf8").trim().split(" ").map(Number);
    return { peakMiB: kibibytes / 1024, cpuMs: (user + system) * 1000 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Wall milliseconds of one run. */
function once(command: readonly string[]): Promise<number> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on("error", reject);
    child.on("exit", () => {
      end = process.hrtime.bigint();
    });
    let end = start;
    child.on("close", (code) => {
      if (code === 0) resolve(Number(end - start) / 1e6);
      else reject(new Error(`${command.join(" ")}: exit code ${code}\n${complaint}`));
    });
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
