import { toHex } from "@sextant/bytes";
import { type Partition, readSignature } from "@sextant/ddi";
import { type NeededKernel, neededKernel } from "@sextant/erofs";
import { lintImageName, lintRelease } from "@sextant/extension-release";
import { type Extension, imageNameOf, type MountedFilesystem, readExtension } from "@sextant/image";
import { openHashArea } from "@sextant/verity";
import { exitCode } from "../errors.js";
import { type ReadingOptions, type Session, withImage } from "../images.js";
import { countOf, formatSize, formatTable, print, printJson } from "../output.js";

/** What `inspect` tells of one file system. */
interface FilesystemFacts {
  readonly at: string;
  readonly features: readonly string[];
  /** The oldest Linux that mounts it, and why. */
  readonly kernel: string;
  readonly because: NeededKernel["because"];
  readonly blockBytes: number;
  readonly sizeBytes: number;
  readonly inodes: number;
  readonly uuid: string;
  readonly label: string;
  readonly verity: VerityFacts | null;
  readonly signature: SignatureFacts | null;
}

interface VerityFacts {
  readonly algorithm: string;
  readonly dataBlocks: number;
  readonly dataBlockBytes: number;
  readonly hashBlockBytes: number;
  readonly salt: string;
}

interface SignatureFacts {
  readonly rootHash: string;
  readonly certificateFingerprint: string | null;
  /** Subject of the certificate that was given and made the signature; null where none was given. */
  readonly verifiedBy: string | null;
}

/** Tells what an image is, from its metadata. */
export async function inspect(where: string, options: ReadingOptions): Promise<number> {
  return withImage(where, options, async (session) => {
    const { image } = session;
    const directory = image.layout === "directory";
    const named = imageNameOf(where, directory ? "directory" : "regular");
    const extension = await readExtension(await image.root(), {
      name: named.name,
      kind: named.kind,
      type: directory ? "directory" : "raw",
    });
    const filesystems: FilesystemFacts[] = [];
    for (const filesystem of image.filesystems) filesystems.push(await describeFilesystem(filesystem));
    if (options.json) printJson(document(session, extension, filesystems));
    else printText(session, extension, filesystems);
    return exitCode.done;
  });
}

async function describeFilesystem({ at, erofs, set, verified }: MountedFilesystem): Promise<FilesystemFacts> {
  const area = set?.verity && (await openHashArea(set.verity.source));
  const signature = set?.signature && (await readSignature(set.signature));
  return {
    at,
    features: erofs.features,
    ...neededKernel(erofs),
    blockBytes: erofs.blockBytes,
    sizeBytes: erofs.sizeBytes,
    inodes: Number(erofs.superblock.inodes),
    uuid: erofs.uuid,
    label: erofs.label,
    verity: area
      ? {
          algorithm: area.params.algorithm,
          dataBlocks: area.params.dataBlocks,
          dataBlockBytes: area.params.dataBlockBytes,
          hashBlockBytes: area.params.hashBlockBytes,
          salt: toHex(area.params.salt),
        }
      : null,
    signature: signature
      ? {
          rootHash: toHex(signature.rootHash),
          certificateFingerprint: signature.certificateFingerprint ?? null,
          verifiedBy: verified?.signer.subject.text ?? null,
        }
      : null,
  };
}

function describePartition({ label, designator, type, uuid, start, size, readOnly }: Partition): object {
  return { designator: designator ?? null, type, uuid, label, start, size, readOnly };
}

function findings({ release, kind, name }: Extension) {
  return [...lintImageName(name), ...(release?.fields ? lintRelease(release.fields, kind) : [])];
}

function document(session: Session, extension: Extension, filesystems: readonly FilesystemFacts[]): object {
  const { image, where } = session;
  return {
    version: 1,
    image: where,
    name: extension.name,
    class: extension.release ? extension.kind : null,
    layout: image.layout,
    format: image.format,
    size: image.sizeBytes,
    verified: image.verified ? "verified" : "unverified",
    release: extension.release
      ? {
          path: extension.release.path,
          fields: extension.release.fields ? Object.fromEntries(extension.release.fields) : null,
        }
      : null,
    disk: image.ddi
      ? {
          guid: image.ddi.diskGuid,
          sectorBytes: image.ddi.sectorBytes,
          partitions: image.ddi.partitions.map(describePartition),
          warnings: image.ddi.warnings,
        }
      : null,
    filesystems,
    findings: findings(extension),
    read: session.reads(),
  };
}

function printText(session: Session, extension: Extension, filesystems: readonly FilesystemFacts[]): void {
  const { image, where } = session;
  const what = extension.release ? extension.kind : "no extension release file";
  const size = image.layout === "directory" ? "" : `, ${formatSize(image.sizeBytes)}`;
  print(`${where}: ${image.layout === "ddi" ? "disk image" : image.layout} (${image.format}), ${what}${size}`);
  const { release } = extension;
  if (release) {
    print(`  release    ${release.path}`);
    for (const [key, value] of release.fields ?? []) print(`             ${key}=${value}`);
    if (release.problem) print(`             cannot be read: ${release.problem.message}`);
  }
  const rows = (image.ddi?.partitions ?? []).map(({ designator, type, uuid, start, size }) => [
    "            ",
    designator ?? type,
    uuid,
    `${formatSize(size)} at ${start}`,
  ]);
  for (const [index, line] of formatTable(rows, " ").entries())
    print(index === 0 ? `  partitions${line.slice(12)}` : line);
  for (const filesystem of filesystems) printFilesystem(filesystem);
  const [first] = image.verified ?? [];
  print(`  trust      ${first ? `verified, signed by ${first.signer.subject.text}` : "unverified (no --certificate)"}`);
  for (const warning of image.ddi?.warnings ?? []) print(`  warning    ${warning.message}`);
  for (const finding of findings(extension)) print(`  ${finding.severity.padEnd(9)}  ${finding.message}`);
}

function printFilesystem(filesystem: FilesystemFacts): void {
  const { at, features, kernel, because, sizeBytes, inodes, uuid, verity, signature } = filesystem;
  const used = features.length > 0 ? `, ${features.join(" ")}` : "";
  print(`  filesystem erofs on ${at}, ${formatSize(sizeBytes)}, ${countOf(inodes, "inode")}, ${uuid}${used}`);
  const why = because.map((one) => `${one.feature} (${one.kernel})`).join(", ");
  print(`  kernel     Linux ${kernel} or newer${why ? `: ${why}` : ""}`);
  if (verity)
    print(`  verity     ${verity.algorithm}, ${countOf(verity.dataBlocks, "block")} of ${verity.dataBlockBytes} bytes`);
  if (!signature) return;
  print(`  root hash  ${signature.rootHash}`);
  print(`  signature  certificate ${signature.certificateFingerprint ?? "not named"}`);
}
