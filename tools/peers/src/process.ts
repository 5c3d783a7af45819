import { spawn } from "node:child_process";
import { constants } from "node:os";

export interface RunOptions {
  /** Standard input; none by default. */
  readonly input?: Uint8Array;
  readonly cwd?: string;
  /** Added to a small fixed environment: nothing of the caller's own reaches a peer by chance. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default two minutes; then the process and its children are killed and the promise rejects. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** As a shell has it: 128 + the signal where a signal ended the process. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  /** `stdout` as text. */
  readonly text: string;
  readonly stderr: string;
}

/** The environment of every peer: PATH with the system folders, HOME, and the C locale. */
export function peerEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = "", HOME = "/", TMPDIR } = process.env;
  const path = `${PATH}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  return { PATH: path, HOME, LC_ALL: "C", ...(TMPDIR === undefined ? {} : { TMPDIR }), ...more };
}

/** Runs a command to its end. Rejects where it cannot be started or takes too long; any exit code is a result. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = command;
  if (program === undefined) throw new TypeError("a command has at least one word");
  const { input, cwd, env, timeoutMs = 120_000 } = options;
  return new Promise((resolve, reject) => {
    // A group of its own, so that a timeout reaches the children too.
    const child = spawn(program, args, { cwd, env: peerEnvironment(env), detached: true });
    const out: Uint8Array[] = [];
    const err: Uint8Array[] = [];
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      reject(new Error(`${command.join(" ")}: no end after ${timeoutMs} ms\n${Buffer.concat(err).toString()}`));
    }, timeoutMs);
    child.stdout.on("data", (bytes: Uint8Array) => out.push(bytes));
    child.stderr.on("data", (bytes: Uint8Array) => err.push(bytes));
    // A peer that ends before it has read its input is no error of ours.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const stdout = new Uint8Array(Buffer.concat(out));
      resolve({
        exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
        stdout,
        text: new TextDecoder().decode(stdout),
        stderr: Buffer.concat(err).toString(),
      });
    });
  });
}
