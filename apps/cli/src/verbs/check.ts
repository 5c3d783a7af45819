import { type ByteSource, slice, toHex } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { check as checkDdi, type DdiReport, looksLikeDdi, type SetReport } from "@sextant/ddi";
import { check as checkErofs, isErofs } from "@sextant/erofs";
import { openHashArea } from "@sextant/verity";
import { checkFile } from "@sextant/verity/node";
import { exitCode, inputError } from "../errors.js";
import { loadCertificates } from "../images.js";
import { countOf, print, printJson } from "../output.js";
import { type Input, openInput, printReads } from "../sources.js";

interface CheckOptions {
  readonly certificate?: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly device?: readonly string[];
  readonly json?: boolean;
  readonly stats?: boolean;
}

/** A finding of any format, with where it is in the image. */
interface Finding {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly path?: string | undefined;
  readonly offset?: number | undefined;
}

interface Checked {
  readonly findings: readonly Finding[];
  readonly disk: DdiReport | undefined;
}

/** Checks everything that an image claims, and fails closed: what cannot be verified is an error. */
export async function check(where: string, options: CheckOptions): Promise<number> {
  const certificates = (await loadCertificates(options.certificate)) ?? [];
  const input = await openInput(where);
  const devices: Input[] = [];
  try {
    for (const device of options.device ?? []) devices.push(await openInput(device));
    const head = await input.source.read(0, Math.min(input.source.size, 8192));
    const checked = looksLikeDdi(head)
      ? await checkDisk(input, { ...options, certificates })
      : await checkBare(input.source, head, options, devices);
    const ok = checked.findings.every(({ severity }) => severity !== "error");
    if (options.json) printJson(document(where, ok, checked));
    else printText(where, ok, checked);
    return ok ? exitCode.done : exitCode.no;
  } finally {
    for (const read of [input, ...devices]) {
      if (options.stats) printReads(read.where, read.reads());
      await read[Symbol.asyncDispose]();
    }
  }
}

type DiskOptions = Omit<CheckOptions, "certificate"> & {
  readonly certificates: NonNullable<Awaited<ReturnType<typeof loadCertificates>>>;
};

async function checkDisk(input: Input, { certificates, allowUnsigned = false }: DiskOptions): Promise<Checked> {
  const { source, path } = input;
  const disk = await checkDdi(source, {
    certificates,
    allowUnsigned,
    hasher: nodeHasher,
    // Of a file, several threads hash a part each.
    ...(path !== undefined && {
      checkTree: (data, area, rootHash) =>
        checkFile({ path, start: data.start, end: data.start + data.size }, area, rootHash),
    }),
  });
  const findings: Finding[] = [...disk.findings];
  for (const report of disk.sets) {
    findings.push(...(await checkFilesystem(await vouchedFor(report), report.set.data.start)));
  }
  return { findings, disk };
}

/** A filesystem as far as its hashes go: for a check, what nobody vouches for behind that is not there. */
async function vouchedFor({ set, verityReport }: SetReport): Promise<ByteSource> {
  if (!set.verity || !verityReport) return set.data.source;
  const { params } = await openHashArea(set.verity.source);
  return slice(set.data.source, 0, params.dataBlocks * params.dataBlockBytes);
}

async function checkBare(
  source: ByteSource,
  head: Uint8Array,
  options: CheckOptions,
  devices: readonly Input[],
): Promise<Checked> {
  if (!isErofs(head)) throw await unknownImage(source);
  const findings: Finding[] = [
    ...(await checkFilesystem(
      source,
      0,
      devices.map((device) => device.source),
    )),
  ];
  if (!options.allowUnsigned) {
    const message = "nothing vouches for a bare file system; --allow-unsigned takes it as it is";
    findings.push({ severity: "error", code: "unsigned", message });
  }
  return { findings, disk: undefined };
}

/** The error that opening gives is more exact than any that we could make up here. */
async function unknownImage(source: ByteSource): Promise<Error> {
  const { openImage } = await import("@sextant/image");
  const { format } = await openImage(source);
  return inputError(source.name ?? "image", `this is a ${format} archive, which has nothing to check`);
}

async function checkFilesystem(
  source: ByteSource,
  start: number,
  devices: readonly ByteSource[] = [],
): Promise<Finding[]> {
  const head = await source.read(0, Math.min(source.size, 4096));
  if (!isErofs(head)) {
    return [{ severity: "error", code: "unknown-filesystem", message: "no file system that is known", offset: start }];
  }
  const { findings, truncated } = await checkErofs(source, devices.length > 0 ? { devices } : {});
  const found = findings.map(({ code, message, path, offset }): Finding => {
    return {
      severity: "error",
      code,
      message,
      path,
      offset: offset === undefined ? undefined : start + Number(offset),
    };
  });
  if (truncated) found.push({ severity: "error", code: "more", message: "there are more findings than are listed" });
  return found;
}

function document(where: string, ok: boolean, { findings, disk }: Checked): object {
  return {
    version: 1,
    image: where,
    ok,
    findings,
    filesystems: (disk?.sets ?? []).map(({ set, rootHash, verity, verityReport, signature, signer }) => ({
      designator: set.data.designator ?? null,
      rootHash: rootHash ? toHex(rootHash) : null,
      verity,
      blocks: verityReport?.dataBlocks ?? null,
      signature,
      signer: signer ? { subject: signer.subject.text, fingerprint: signer.fingerprint } : null,
    })),
  };
}

function printText(where: string, ok: boolean, { findings, disk }: Checked): void {
  for (const { severity, message, path, offset } of findings) {
    const at = [path, offset === undefined ? undefined : `offset ${offset}`].filter((part) => part !== undefined);
    print(`${severity}: ${message}${at.length > 0 ? ` (${at.join(" at ")})` : ""}`);
  }
  for (const { set, verity, verityReport, signature, signer } of disk?.sets ?? []) {
    const blocks = verityReport ? `, ${countOf(verityReport.dataBlocks, "block")}` : "";
    const by = signer ? ` by ${signer.subject.text}` : "";
    print(`${set.data.designator ?? set.role}: verity ${verity}${blocks}, signature ${signature}${by}`);
  }
  print(`${where}: ${ok ? "ok" : "not ok"}`);
}
