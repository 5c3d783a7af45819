import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** What a command in the guest came to. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** Results by the names of the commands, and whether the guest came to its end. */
export interface Results {
  readonly byName: ReadonlyMap<string, CommandResult>;
  readonly complete: boolean;
}

const lineFeed = 0x0a;

/** Reads what the guest's first process wrote on the results' disk; what follows it there means nothing. */
export function parseResults(disk: Uint8Array): Results {
  const byName = new Map<string, CommandResult>();
  for (let at = 0; ; ) {
    const end = disk.indexOf(lineFeed, at);
    const line = end < 0 ? "" : Buffer.from(disk.subarray(at, end)).toString("latin1");
    if (line === "end") return { byName, complete: true };
    const [, name = "", exitCode, outBytes, errBytes] = /^(\S+) (\d+) (\d+) (\d+)$/.exec(line) ?? [];
    const stdoutEnd = end + 1 + Number(outBytes);
    const next = stdoutEnd + Number(errBytes);
    if (name === "" || next > disk.length) return { byName, complete: false };
    byName.set(name, {
      exitCode: Number(exitCode),
      stdout: disk.subarray(end + 1, stdoutEnd),
      stderr: Buffer.from(disk.subarray(stdoutEnd, next)).toString(),
    });
    at = next;
  }
}

/** The results on a disk, which is much larger than they are. */
export function readResults(path: string): Results {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    for (let length = 1 << 20; ; length *= 4) {
      const bytes = new Uint8Array(Math.min(length, size));
      readSync(file, bytes, 0, bytes.length, 0);
      const results = parseResults(bytes);
      if (results.complete || length >= size) return results;
    }
  } finally {
    closeSync(file);
  }
}
