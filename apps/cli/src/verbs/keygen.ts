import { link, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryName } from "@sextant/bytes/node";
import { generateKeyPair, type KeyAlgorithm, keyAlgorithms, readCertificates } from "@sextant/signing";
import { CommandError, exitCode, usageError } from "../errors.js";
import { print, printJson } from "../output.js";

interface KeygenOptions {
  readonly algorithm: string;
  readonly commonName: string;
  readonly days: string;
  readonly json?: boolean;
}

const secondsPerDay = 86_400;

/** Clocks of hosts differ: a certificate that is valid from this very second is not yet valid on some. */
const backdatedSeconds = 3_600;

/** Writes a new private key (mode 0600) and its certificate. What is there already is never replaced. */
export async function keygen(directory: string, options: KeygenOptions): Promise<number> {
  const { commonName } = options;
  if (!isAlgorithm(options.algorithm)) {
    throw usageError("--algorithm", `"${options.algorithm}" is not one of ${Object.keys(keyAlgorithms).join(", ")}`);
  }
  const days = Number(options.days);
  if (!/^\d+$/.test(options.days) || days < 1 || days > 36_500) {
    throw usageError("--days", `"${options.days}" is not a whole number from 1 to 36500`);
  }
  const keyPath = join(directory, "sextant.key");
  const certificatePath = join(directory, "sextant.crt");
  for (const path of [keyPath, certificatePath]) await refuseExisting(path);
  const now = Math.floor(Date.now() / 1000);
  const pair = await generateKeyPair(options.algorithm, {
    commonName,
    notBefore: now - backdatedSeconds,
    notAfter: now + days * secondsPerDay,
  }).catch((error: unknown) => {
    if (error instanceof RangeError) throw usageError("--common-name", error.message);
    throw error;
  });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeWhole(keyPath, pair.key, 0o600);
  await writeWhole(certificatePath, pair.certificate, 0o644);
  const [certificate] = readCertificates(pair.certificate);
  if (options.json) {
    printJson({ version: 1, key: keyPath, certificate: certificatePath, fingerprint: certificate?.fingerprint });
  } else {
    print(`private key  ${keyPath}`);
    print(`certificate  ${certificatePath}  (${options.algorithm}, CN=${commonName}, ${days} days)`);
    print(`fingerprint  ${certificate?.fingerprint}`);
    print("Hosts trust what it signs once the certificate is in /etc/verity.d/.");
  }
  return exitCode.done;
}

const isAlgorithm = (name: string): name is KeyAlgorithm => Object.hasOwn(keyAlgorithms, name);

async function refuseExisting(path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) === undefined) return;
  throw new CommandError(
    exitCode.usage,
    path,
    "exists already, and keys are never replaced",
    undefined,
    "give another directory",
  );
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, text, { mode, flag: "wx" });
    // Unlike a rename, a link never takes the place of a key that somebody made meanwhile.
    await link(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
