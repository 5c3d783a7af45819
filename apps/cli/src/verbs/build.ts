import { readFile } from "node:fs/promises";
import { pourChunks } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { partitionArchitecture } from "@sextant/ddi";
import { emit as emitErofs } from "@sextant/erofs";
import {
  baseImageName,
  type ExtensionKind,
  ReleaseError,
  type ReleaseSpec,
  type WrittenRelease,
  writeRelease,
} from "@sextant/extension-release";
import { composeExtension, imageNameOf, newestTime } from "@sextant/image";
import { pemSigner, type Signer } from "@sextant/signing";
import { type DiskRequest, writeDisk } from "../disk.js";
import { epochFrom } from "../epoch.js";
import { exitCode, usageError } from "../errors.js";
import { planFilesystem } from "../filesystem.js";
import { checkArchitecture, machineArchitecture } from "../hosts.js";
import { countOf, formatSize, warn } from "../output.js";
import { writeOutput } from "../outputs.js";
import { reportWritten } from "../report.js";
import { collectTree } from "../trees.js";
import { inSeconds, type PackOptions, printStats } from "./pack.js";

interface BuildOptions extends Omit<PackOptions, "output"> {
  readonly output?: string;
  readonly name?: string;
  readonly version?: string;
  readonly from?: readonly string[];
  readonly class: ExtensionKind;
  readonly id?: string;
  readonly versionId?: string;
  readonly level?: string;
  readonly scope?: readonly string[];
  readonly arch?: string;
  readonly verity?: "signed" | "unsigned" | "none";
  readonly bare?: boolean;
  readonly key?: string;
  readonly certificate?: string;
  readonly seed?: Uint8Array;
  readonly sectorSize?: number;
}

/** What is settled before any source is read. */
interface Request {
  readonly name: string;
  readonly sources: readonly string[];
  readonly output: string;
  readonly release: WrittenRelease;
  /** Undefined for a bare file system. */
  readonly disk: Omit<DiskRequest, "signer"> | undefined;
}

/** Builds the extension image of one feature: everything from its files to the signed disk image. */
export async function build(options: BuildOptions): Promise<number> {
  const request = settle(options);
  const signer = await loadSigner(request, options);
  const started = performance.now();
  await using collected = await collectTree(request.sources, options);
  for (const warning of collected.warnings) warn(warning);
  const epoch = epochFrom(options.epoch);
  const newest = newestTime(collected.tree);
  const composed = composeExtension(collected.tree, {
    kind: options.class,
    release: request.release,
    timeSeconds: Math.min(newest, epoch ?? newest),
  });
  tellLeftOut(options.class, composed);
  const read = performance.now() - started;
  await using planned = await planFilesystem(composed.tree, options);
  const filesystem = planned.plan;
  const beforeWrite = performance.now();
  const written = await writeOutput(request.output, async (sink) => {
    if (request.disk) return writeDisk(sink, filesystem, { ...request.disk, signer });
    await pourChunks(sink, emitErofs(filesystem, { hasher: nodeHasher, reuseMemory: true }), filesystem.sizeBytes);
    await sink.commit(filesystem.sizeBytes);
    return { sizeBytes: filesystem.sizeBytes, rootHash: undefined, stages: {} };
  });
  const seconds = inSeconds({ read, ...planned.stages, write: performance.now() - beforeWrite, ...written.stages });
  const trust = written.rootHash ? `, root hash ${written.rootHash}` : "";
  const what = request.disk
    ? `${options.class} disk image, ${request.disk.verity === "none" ? "without verity" : request.disk.verity}`
    : `bare ${options.class}`;
  const line = `${request.output}: ${what}, ${countOf(filesystem.inodes.length, "inode")}, ${formatSize(written.sizeBytes)}${trust}`;
  const document = {
    version: 1,
    image: request.output,
    name: request.name,
    class: options.class,
    format: "erofs",
    size: written.sizeBytes,
    inodes: filesystem.inodes.length,
    verity: request.disk?.verity ?? "none",
    rootHash: written.rootHash ?? null,
    release: Object.fromEntries(request.release.fields),
    leftOut: composed.leftOut,
    ...planned.document,
    ...(options.stats && { seconds }),
  };
  reportWritten(request.output, document, [line], options);
  if (options.stats) printStats(planned.lines, seconds);
  return exitCode.done;
}

function settle(options: BuildOptions): Request {
  const { name, from: sources = [], id } = options;
  if (name === undefined) throw usageError("build", "a name is needed", "give --name NAME");
  if (sources.length === 0) throw usageError("build", "there is nothing to build from", "give --from DIR, TAR or DEB");
  if (id === undefined) throw usageError("build", "the hosts it is for are needed", "give --id ID, or --id _any");
  const architecture = options.arch === undefined ? machineArchitecture() : options.arch;
  if (architecture !== "_any") checkArchitecture(architecture);
  const prefix = options.class.toUpperCase();
  const release = describeRelease({
    kind: options.class,
    name,
    id,
    versionId: options.versionId,
    level: options.level,
    scope: options.scope,
    architecture,
    ...(options.version !== undefined && {
      extra: { [`${prefix}_ID`]: name, [`${prefix}_VERSION_ID`]: options.version },
    }),
  });
  for (const { message } of release.findings) warn(message);
  const output = options.output ?? defaultOutput(name, options.version, architecture);
  checkOutputName(output, name, options.class);
  return { name, sources, output, release, disk: diskRequest(options, architecture) };
}

/** What systemd would never accept is a mistake on the command line. */
function describeRelease(spec: ReleaseSpec): WrittenRelease {
  try {
    return writeRelease(spec);
  } catch (error) {
    if (error instanceof ReleaseError) throw usageError("build", error.message);
    throw error;
  }
}

function defaultOutput(name: string, version: string | undefined, architecture: string): string {
  if (version === undefined) return `${name}.raw`;
  return architecture === "_any" ? `${name}_${version}.raw` : `${name}_${version}_${architecture}.raw`;
}

/** A file whose name does not lead to its release file is found by nobody: "No medium found", at boot. */
function checkOutputName(output: string, name: string, kind: ExtensionKind): void {
  if (output === "-") return;
  const found = imageNameOf(output, "regular", kind);
  if (found.ignored !== undefined)
    warn(`${output} ${found.ignored}: systemd finds it only under a name such as ${name}.raw`);
  else if (found.name !== name && baseImageName(found.name) !== name) {
    const hint = `call it ${name}.raw or ${name}_VERSION.raw, or give --name ${found.name}`;
    throw usageError(output, `systemd would look for extension-release.${found.name} in it, not .${name}`, hint);
  }
}

function diskRequest(options: BuildOptions, architecture: string): Request["disk"] {
  const { verity = options.bare ? "none" : "signed", key, certificate, sectorSize = 512 } = options;
  if (verity !== "signed" && (key !== undefined || certificate !== undefined)) {
    const hint = "leave out --key and --certificate, or build a signed disk image";
    throw usageError(options.bare ? "--bare" : "--verity", "there is a key, and nothing would be signed with it", hint);
  }
  if (sectorSize !== 512 && sectorSize !== 4096) throw usageError("--sector-size", `${sectorSize} is not 512 or 4096`);
  if (options.bare) {
    if (verity !== "none") throw usageError("--bare", `a bare file system carries no ${verity} verity data`);
    return undefined;
  }
  if (verity === "signed" && (key === undefined || certificate === undefined)) {
    const hint = "give --key and --certificate (sextant keygen makes them), or --verity unsigned or none";
    throw usageError("build", "an image is signed unless you say otherwise, and there is no key", hint);
  }
  const partition = partitionArchitecture(architecture === "_any" ? machineArchitecture() : architecture);
  if (partition === undefined) throw usageError("--arch", `systemd has no partition types for ${architecture}`);
  return { verity, architecture: partition, sectorBytes: sectorSize, seed: options.seed, jobs: options.jobs };
}

async function loadSigner({ disk }: Request, { key, certificate }: BuildOptions): Promise<Signer | undefined> {
  if (disk?.verity !== "signed" || key === undefined || certificate === undefined) return undefined;
  return pemSigner({ key: await readFile(key), certificate: await readFile(certificate) });
}

function tellLeftOut(
  kind: ExtensionKind,
  { leftOut, moved, otherReleases }: ReturnType<typeof composeExtension>,
): void {
  const quoted = (names: readonly string[]) => names.map((name) => `/${name}`).join(", ");
  if (moved.length > 0) warn(`${quoted(moved)} went below /usr, where hosts have them`);
  if (leftOut.length > 0) warn(`left out, as a ${kind} does not carry it: ${quoted(leftOut)}`);
  if (otherReleases.length > 0) warn(`release files for other names are in the image: ${otherReleases.join(", ")}`);
}
