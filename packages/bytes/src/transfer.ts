import { BytesError } from "./errors.js";
import { type Exchange, pause, TransferError } from "./http.js";
import { ask, mismatch, outOfRange, type Remote, tooFar } from "./remote.js";

/** Where the server has no ranges, a file up to this size is taken whole at once. */
const eagerBytes = 2 ** 20;

/** Asks for the first bytes and learns the size, the version, and whether the server has ranges. Gives what to keep. */
export async function openRemote(remote: Remote, firstBytes: number): Promise<Uint8Array> {
  return persist(remote, 0, firstBytes, async (progress) => {
    if (!remote.ranges) progress.restart(firstBytes);
    const { transfer, verdict } = await ask(remote, progress.at, progress.end);
    try {
      if (verdict.kind === "outside") {
        if (verdict.size !== 0) throw outOfRange(remote, progress.at, verdict.size);
        remote.size = 0;
        progress.end = 0;
      } else if (verdict.kind === "whole") {
        remote.ranges = false;
        const size = verdict.version.size ?? Number.POSITIVE_INFINITY;
        progress.restart(Math.min(size, Math.max(firstBytes, eagerBytes)));
        if (size === Number.POSITIVE_INFINITY) await takeAll(remote, transfer, progress);
        else await takeStart(transfer, progress);
        remote.size = verdict.version.size ?? progress.at;
      } else {
        remote.size = verdict.version.size;
        progress.end = Math.min(progress.end, remote.size ?? progress.end);
        await takePart(remote, transfer, progress, verdict.end);
      }
    } finally {
      transfer.close();
    }
  });
}

/** Bytes `[start, end)` from a server that has ranges. */
export async function collectRange(remote: Remote, start: number, end: number): Promise<Uint8Array> {
  return persist(remote, start, end, async (progress) => {
    const conditional = remote.conditional && remote.version?.ifRange !== undefined;
    const { transfer, verdict } = await ask(remote, progress.at, end);
    try {
      if (verdict.kind === "part") return await takePart(remote, transfer, progress, verdict.end);
      if (verdict.kind === "outside") throw outOfRange(remote, progress.at, verdict.size);
      if (!conditional) {
        throw mismatch(remote, progress.at, "the server answered with the whole file, though it had ranges before");
      }
      // The same file, yet whole: some servers take no date for If-Range. Without it, answers are still compared.
      remote.conditional = false;
    } finally {
      transfer.close();
    }
  });
}

/** The first `end` bytes or more from a server without ranges; `known` of them were had before. */
export async function growPrefix(remote: Remote, known: number, end: number): Promise<Uint8Array> {
  const { wholeLimitBytes } = remote.settings;
  if (end > wholeLimitBytes) throw tooFar(remote, `byte ${end - 1} of ${remote.size}`);
  const goal = Math.min(remote.size ?? end, wholeLimitBytes, Math.max(end, 2 * known, eagerBytes));
  return persist(remote, 0, goal, async (progress) => {
    progress.restart(goal);
    const { transfer, verdict } = await ask(remote, 0, goal);
    try {
      if (verdict.kind === "outside") throw outOfRange(remote, 0, verdict.size);
      if (verdict.kind === "part") await takePart(remote, transfer, progress, verdict.end);
      else await takeStart(transfer, progress);
    } finally {
      transfer.close();
    }
  });
}

/** How far a read has come. */
interface Progress {
  /** Offset of the next byte. */
  at: number;
  end: number;
  restart(end: number): void;
  append(part: Uint8Array): void;
}

/** A read up to this size gets its memory at once, a larger one as bytes arrive, whatever the server claims. */
const trustedBytes = 2 ** 20;

function startProgress(start: number, end: number): { readonly progress: Progress; bytes(): Uint8Array } {
  // One growing array instead of a list of parts: a server may send byte by byte, and each part costs more than a byte.
  let buffer = new Uint8Array(0);
  const progress: Progress = {
    at: start,
    end,
    restart(newEnd) {
      progress.at = start;
      progress.end = newEnd;
    },
    append(part) {
      const used = progress.at - start;
      if (used + part.length > buffer.length) {
        const wanted = progress.end - start;
        const grown = Math.max(used + part.length, Math.min(wanted, Math.max(2 * buffer.length, trustedBytes)));
        const larger = new Uint8Array(grown);
        larger.set(buffer.subarray(0, used));
        buffer = larger;
      }
      buffer.set(part, used);
      progress.at += part.length;
    },
  };
  return { progress, bytes: () => buffer.subarray(0, progress.at - start) };
}

/** Takes steps until the bytes `[start, end)` are there, going on where a transfer broke; gives up after `retries`. */
async function persist(
  remote: Remote,
  start: number,
  end: number,
  step: (progress: Progress) => Promise<void>,
): Promise<Uint8Array> {
  const { retries, retryDelayMs } = remote.settings;
  const { progress, bytes } = startProgress(start, end);
  for (let failures = 0; progress.at < progress.end; ) {
    try {
      await step(progress);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      failures += 1;
      if (failures > retries) throw gaveUp(remote, progress, start, failures, error);
      await pause(error.retryAfterMs ?? retryDelayMs * 2 ** (failures - 1), remote.wire.signal);
    }
  }
  return bytes();
}

function gaveUp(remote: Remote, progress: Progress, start: number, attempts: number, cause: TransferError): BytesError {
  const bytes = progress.at - start;
  const wanted = remote.version && Number.isFinite(progress.end) ? ` of ${progress.end - start}` : "";
  return new BytesError(
    "UNREADABLE_SOURCE",
    `${cause.message}; ${bytes}${wanted} bytes came in ${attempts} attempt${attempts === 1 ? "" : "s"}`,
    { source: remote.name, offset: progress.at, bytes, attempts },
    { cause },
  );
}

/** Takes a range that was announced to end at `end`: exactly that. */
async function takePart(remote: Remote, transfer: Exchange, progress: Progress, end: number): Promise<void> {
  const announced = end - progress.at;
  for (;;) {
    const part = progress.at < end ? await transfer.next() : await afterTheEnd(transfer);
    if (part === undefined) break;
    if (progress.at + part.length > end) {
      throw mismatch(remote, end, `the server sends more than the ${announced} bytes that it announced`);
    }
    progress.append(part);
  }
  if (progress.at < end) throw endedEarly();
}

/** Reading on to the end lets the connection be used again; how it ends does not matter when all bytes are here. */
async function afterTheEnd(transfer: Exchange): Promise<Uint8Array | undefined> {
  try {
    return await transfer.next();
  } catch (error) {
    if (error instanceof TransferError) return undefined;
    throw error;
  }
}

/** Takes a whole file up to `progress.end` and leaves the rest. */
async function takeStart(transfer: Exchange, progress: Progress): Promise<void> {
  while (progress.at < progress.end) {
    const part = await transfer.next();
    if (part === undefined) throw endedEarly();
    progress.append(part.subarray(0, progress.end - progress.at));
  }
}

/** Takes a whole file of unknown size to its end, if that is within the limit. */
async function takeAll(remote: Remote, transfer: Exchange, progress: Progress): Promise<void> {
  for (let part = await transfer.next(); part !== undefined; part = await transfer.next()) {
    progress.append(part);
    if (progress.at > remote.settings.wholeLimitBytes) throw tooFar(remote, "the file, whose size it does not say,");
  }
  progress.end = progress.at;
}

const endedEarly = () => new TransferError("the connection ended early");
