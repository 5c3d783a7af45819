import { allowedFor, type ImagePolicy, type Use } from "@sextant/image-policy";
import { type LazyNode, type Name, nameToText } from "@sextant/tree";
import { chase } from "./chase.js";
import type { Fatal, FatalCode, ImageEntry, MountedPartition, OpenedExtension } from "./types.js";

/** The most that a file with a hash has, in bytes; systemd reads its first line only. */
const hashFileMaxBytes = 4096;

/** Shorter hashes are refused: the first and the last bytes of a hash are the UUIDs of partitions. */
const hashMinBytes = 16;

const veritySuperblock = "verity\0\0";

async function sidecar(root: LazyNode, stem: Name, suffix: string): Promise<LazyNode | undefined> {
  const found = await chase(root, `${stem}${suffix}` as Name);
  return found.is === "found" ? found.node : undefined;
}

async function startOf(file: LazyNode, maxBytes: number): Promise<string> {
  const bytes = await file.content().open().read(0, Math.min(file.size, maxBytes));
  return String.fromCharCode(...bytes);
}

/** Why a file with a root hash is refused, as the rest of a sentence. */
async function hashProblem(file: LazyNode): Promise<string | undefined> {
  if (file.kind !== "file") return "is no file";
  const [line = ""] = (await startOf(file, hashFileMaxBytes)).split("\n");
  const digits = line.trim();
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) return "does not begin with a hash in hex";
  if (digits.length / 2 < hashMinBytes) return `has a hash of less than ${hashMinBytes} bytes`;
  const halves = [digits.slice(0, 2 * hashMinBytes), digits.slice(-2 * hashMinBytes)];
  return halves.some((half) => /^0+$/.test(half)) ? "has a hash with a half of zeros, which is no UUID" : undefined;
}

/**
 * What makes a merge fail that lies beside a raw image (shared/dissect-image.c, verity_settings_load): systemd reads
 * `X.roothash` or else `X.usrhash`, their signature `.p7s`, and `X.verity`, X being the path behind symlinks without `.raw`.
 * Whether the hashes in `X.verity` hold is not looked at here.
 */
export async function sidecarProblem(
  root: LazyNode,
  image: ImageEntry,
  opened: OpenedExtension,
): Promise<string | undefined> {
  if (image.type !== "raw") return undefined;
  const stem = image.path.replace(/\.raw$/, "") as Name;
  const shown = (suffix: string) => `/${nameToText(stem)}${suffix}`;
  for (const suffix of [".roothash", ".usrhash"]) {
    const file = await sidecar(root, stem, suffix);
    if (file === undefined) continue;
    const problem = await hashProblem(file);
    if (problem !== undefined) return `${shown(suffix)} ${problem}`;
    const signature = await sidecar(root, stem, `${suffix}.p7s`);
    if (signature?.size === 0) return `${shown(suffix)}.p7s is empty`;
    const hashes = await sidecar(root, stem, ".verity");
    if (hashes === undefined) return undefined;
    if (opened.table) return `${shown(".verity")} goes with a bare file system, and the image has partitions`;
    if (hashes.kind !== "file") return `${shown(".verity")} is no file`;
    const start = await startOf(hashes, veritySuperblock.length);
    return start === veritySuperblock ? undefined : `${shown(".verity")} is no hash tree of dm-verity`;
  }
  return undefined;
}

/** What a partition is that nobody encrypts, as a policy calls it. */
function usesOf({ verity, signed }: MountedPartition): readonly Use[] {
  if (signed) return ["signed", "verity", "unprotected"];
  return verity ? ["verity", "unprotected"] : ["unprotected"];
}

/** Why an image policy refuses an image; images that are directories have none. */
export function policyProblem(policy: ImagePolicy | undefined, opened: OpenedExtension): string | undefined {
  if (policy === undefined || opened.partitions === undefined) return undefined;
  let mounted = 0;
  for (const partition of opened.partitions) {
    const { designator, filesystem } = partition;
    const { uses, filesystems } = allowedFor(policy, designator);
    if (usesOf(partition).some((use) => uses.includes(use))) {
      if (filesystems !== undefined && !filesystems.some((one) => one === filesystem)) {
        return `the image policy does not allow ${filesystem} for its ${designator} partition`;
      }
      mounted += 1;
    } else if (!uses.includes("unused")) {
      const what = partition.signed ? "signed" : partition.verity ? "protected by verity, not signed" : "unprotected";
      return `the image policy does not allow its ${designator} partition, which is ${what}`;
    }
  }
  return mounted === 0 ? "the image policy leaves nothing of it to be mounted" : undefined;
}

/** The first thing about an image that would make the merge fail while it is mounted. */
export async function mountFailure(
  root: LazyNode,
  image: ImageEntry,
  opened: OpenedExtension,
  policy: ImagePolicy | undefined,
): Promise<Fatal | undefined> {
  const fatal = (code: FatalCode, message: string): Fatal => ({ stage: "mount", code, image: image.name, message });
  const beside = await sidecarProblem(root, image, opened);
  if (beside !== undefined) return fatal("fatal:sidecar", beside);
  const refused = policyProblem(policy, opened);
  return refused === undefined ? undefined : fatal("fatal:policy", refused);
}
