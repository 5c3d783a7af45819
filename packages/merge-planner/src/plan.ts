import { CodedError, describeError } from "@sextant/bytes";
import {
  type Architecture,
  chooseOsRelease,
  type FileState,
  type HostKind,
  type ImageFacts,
  type ImageVerdict,
  initrdMarkerPath,
  isArchitecture,
  judgeImage,
  osReleasePaths,
  parseReleaseFile,
  ReleaseError,
  type ReleaseFields,
  releaseFileMaxBytes,
  scopeOf,
} from "@sextant/extension-release";
import { type LazyNode, nameFromText } from "@sextant/tree";
import { chase } from "./chase.js";
import { discoverImages } from "./discover.js";
import { defaultHierarchies, planHierarchies } from "./hierarchies.js";
import { layerOrder } from "./order.js";
import { mountFailure } from "./sidecars.js";
import type { Fatal, FatalCode, ImageEntry, MergePlan, OpenedExtension, PlanInput, PlannedImage } from "./types.js";

/** A host as the merge sees it. */
interface PlanHost {
  readonly hostKind: HostKind;
  /** Undefined where systemd has none that it could read. */
  readonly release: ReleaseFields | undefined;
}

/**
 * What `systemd-sysext merge` or its confext sister would do with this host: all of its decisions, in its order, from
 * metadata alone (sysext/sysext.c, merge). What would make the command fail is a result, not an error.
 *
 * Throws `RangeError` for an architecture that systemd has no name for, and what reading the host's root throws.
 */
export async function planMerge(input: PlanInput): Promise<MergePlan> {
  const { root, kind = "sysext", architecture, mutable = "no" } = input;
  if (!isArchitecture(architecture)) throw new RangeError(`systemd knows no architecture ${String(architecture)}`);
  const host = await readHost(root);
  const found = await discoverImages(root, { kind, hostKind: host.hostKind, architecture });
  const judged: Judged[] = [];
  for (const entry of found.images) judged.push(await judge(input, entry, host, architecture));
  const accepted = judged.filter(({ image }) => image.accepted).map(({ image }) => image);
  const order = layerOrder(accepted.map(({ name }) => name));
  const hierarchies = await planHierarchies({
    root,
    kind,
    mutable,
    extensions: order.flatMap((name) => accepted.filter((image) => image.name === name)),
    hierarchies: input.hierarchies ?? defaultHierarchies[kind],
    noexec: input.noexec,
    overlayOptions: input.overlayOptions,
  });
  return {
    kind,
    scope: scopeOf(host.hostKind),
    fatal: found.fatal ?? firstFatal(judged, host) ?? hierarchies.fatal,
    images: judged.map(({ image }) => image),
    shadowed: found.shadowed,
    ignored: found.ignored,
    order,
    hierarchies: hierarchies.mounts,
  };
}

async function readHost(root: LazyNode): Promise<PlanHost> {
  const states = new Map<string, FileState>();
  for (const path of osReleasePaths) states.set(path, await stateOf(root, path));
  const choice = chooseOsRelease((path) => states.get(path) ?? "missing");
  const marker = await chase(root, nameFromText(initrdMarkerPath));
  const hostKind = marker.is === "found" ? "initrd" : "host";
  if (choice.path === undefined || choice.state !== "present") return { hostKind, release: undefined };
  const found = await chase(root, nameFromText(choice.path));
  return { hostKind, release: found.is === "found" ? await readFields(found.node) : undefined };
}

async function stateOf(root: LazyNode, path: string): Promise<FileState> {
  const found = await chase(root, nameFromText(path));
  if (found.is === "missing") return "missing";
  return found.is === "found" && found.node.kind === "file" ? "present" : "unreadable";
}

async function readFields(node: LazyNode): Promise<ReleaseFields | undefined> {
  if (node.size > releaseFileMaxBytes) return undefined;
  try {
    return parseReleaseFile(await node.content().open().read(0, node.size));
  } catch (error) {
    if (error instanceof ReleaseError) return undefined;
    throw error;
  }
}

interface Judged {
  readonly image: PlannedImage;
  /** systemd reads the metadata of all images before it looks at the host and mounts the first of them. */
  readonly fatal: Fatal | undefined;
}

async function judge(input: PlanInput, entry: ImageEntry, host: PlanHost, architecture: Architecture): Promise<Judged> {
  const { force = false, kind = "sysext" } = input;
  const opened = await open(input, entry);
  const facts: ImageFacts = { ...opened.facts, kind, type: entry.type };
  const scope = scopeOf(host.hostKind);
  const verdict = judgeImage({ host: host.release, image: facts, scope, architecture, force });
  const message = opened.problem ?? verdict.message;
  const hostFault = verdict.outcome === "fatal" && verdict.problem === undefined;
  const metadata = verdict.outcome === "fatal" && !hostFault;
  if (metadata) {
    const fatal: Fatal = { stage: "metadata", code: verdict.reason as FatalCode, image: entry.name, message };
    return { image: planned(entry, verdict, opened, message), fatal };
  }
  const failure = hostFault ? undefined : await mountFailure(input.root, entry, opened, input.imagePolicy);
  if (failure === undefined) {
    return { image: planned(entry, verdict, opened, message), fatal: undefined };
  }
  const image = planned(entry, verdict, opened, failure.message);
  const refused = { ...image, accepted: false, outcome: "fatal" as const, reason: failure.code };
  return { image: refused, fatal: failure };
}

function planned(entry: ImageEntry, verdict: ImageVerdict, opened: OpenedExtension, message: string): PlannedImage {
  const { accepted, outcome, reason } = verdict;
  return { ...entry, accepted, outcome, reason, message, tree: opened.tree };
}

/** An image that cannot be opened is one that systemd cannot dissect either. */
async function open({ openImage, kind = "sysext" }: PlanInput, entry: ImageEntry): Promise<OpenedExtension> {
  try {
    return await openImage(entry);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { type } = entry;
    const facts = { kind, type, lookups: {}, release: undefined, usrLibOsRelease: false, dissectable: false };
    return { facts, tree: undefined, problem: describeError(error) };
  }
}

function firstFatal(judged: readonly Judged[], host: PlanHost): Fatal | undefined {
  const metadata = judged.find(({ fatal }) => fatal?.stage === "metadata")?.fatal;
  if (metadata !== undefined) return metadata;
  if (host.release === undefined) {
    const message = "the host has no os-release file that systemd can read";
    return { stage: "host", code: "fatal:host-os-release-unreadable", image: null, message };
  }
  if ((host.release.get("ID") ?? "") === "") {
    return { stage: "host", code: "fatal:host-id-missing", image: null, message: "the host's os-release has no ID=" };
  }
  return judged.find(({ fatal }) => fatal !== undefined)?.fatal;
}
