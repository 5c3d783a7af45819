import { CodedError } from "@sextant/bytes";
import { type LazyEntry, type LazyNode, type Name, nameToText } from "@sextant/tree";
import { collectFindings, type Findings } from "./findings.js";
import { equalNames } from "./order.js";
import { type Finding, isCritical, remedyOf } from "./rules.js";
import { equalBytes, sameContent } from "./same-content.js";
import type { Layer, MergePlan, PlannedHierarchy } from "./types.js";

/** A directory that a layer has at a path. */
interface Part {
  readonly layer: Layer;
  readonly node: LazyNode;
}

/** What a layer has under a name. */
interface Provider {
  readonly layer: Layer;
  readonly entry: LazyEntry;
}

interface Walk {
  readonly findings: Findings;
  /** Directories that are still to be merged: only those that several layers have. */
  readonly pending: { readonly path: string; readonly parts: readonly Part[] }[];
}

/**
 * What collides in a merge: the layers are merged level by level, from directory listings alone, and only directories that
 * several layers have are entered, so that what one layer has for itself costs nothing. Data is read where two files of one
 * size might be the same.
 *
 * Findings come with the worst first; paths of one rule about the same layers are in one finding.
 */
export async function findCollisions(plan: MergePlan): Promise<readonly Finding[]> {
  const findings = collectFindings();
  for (const names of equalNames(plan.order)) findings.add("equal-order", names, "/");
  for (const { name, path, sameDirectory } of plan.shadowed) {
    if (sameDirectory) findings.add("ambiguous-name", [name], `/${nameToText(path)}`);
  }
  for (const hierarchy of plan.hierarchies) await walkHierarchy(findings, hierarchy);
  return findings.all();
}

async function walkHierarchy(findings: Findings, { path, layers }: PlannedHierarchy): Promise<void> {
  const parts = layers.flatMap((layer) => (layer.node === undefined ? [] : [{ layer, node: layer.node }]));
  const walk: Walk = { findings, pending: [{ path, parts }] };
  for (let next = walk.pending.pop(); next !== undefined; next = walk.pending.pop()) {
    if (next.parts.length > 1) await mergeDirectory(walk, next.path, next.parts);
  }
}

const nameOf = (layer: Layer) => layer.name ?? (layer.is === "host" ? "the host" : "what is imported");

const extensionsOf = (layers: readonly { readonly layer: Layer }[]) =>
  layers.flatMap(({ layer }) => (layer.name === undefined ? [] : [layer.name]));

/** Reads something of a layer; what cannot be read is a finding, and the rest goes on. */
async function reading<T>(walk: Walk, layer: Layer, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    walk.findings.add("unreadable", extensionsOf([{ layer }]), path, { who: `${nameOf(layer)} (${error.message})` });
    return undefined;
  }
}

async function mergeDirectory(walk: Walk, path: string, parts: readonly Part[]): Promise<void> {
  const shared = new Map<Name, Provider | Provider[]>();
  let doubled = false;
  for (const { layer, node } of parts) {
    const entries = (await reading(walk, layer, path, () => node.entries())) ?? [];
    for (const entry of entries) {
      const before = shared.get(entry.name);
      if (before === undefined) shared.set(entry.name, { layer, entry });
      else if (Array.isArray(before)) before.push({ layer, entry });
      else shared.set(entry.name, [before, { layer, entry }]);
      doubled ||= before !== undefined;
    }
  }
  findSpellings(walk, path, shared);
  if (!doubled) return;
  for (const [name, providers] of shared) {
    if (Array.isArray(providers)) await mergeName(walk, `${path}/${nameToText(name)}`, providers);
  }
}

/** Names that are one but for upper and lower case, from different layers. */
function findSpellings(walk: Walk, path: string, shared: ReadonlyMap<Name, Provider | readonly Provider[]>): void {
  const folded = new Map<string, Name[]>();
  for (const name of shared.keys()) {
    if (!/[A-Z]/.test(name)) continue;
    const lower = name.toLowerCase();
    const group = folded.get(lower);
    if (group !== undefined) group.push(name);
    else folded.set(lower, shared.has(lower as Name) ? [lower as Name, name] : [name]);
  }
  for (const names of folded.values()) {
    if (names.length < 2) continue;
    const providers = names.map((name) => shared.get(name)).flatMap((each) => (each === undefined ? [] : each));
    const layers = [...new Set(providers.map(({ layer }) => layer))];
    // Of one layer alone they are meant to be two.
    if (layers.length < 2 || names.some((name) => [shared.get(name)].flat().length === layers.length)) continue;
    const images = extensionsOf(layers.map((layer) => ({ layer })));
    for (const name of names.toSorted()) walk.findings.add("case-only", images, `${path}/${nameToText(name)}`);
  }
}

async function mergeName(walk: Walk, path: string, providers: readonly Provider[]): Promise<void> {
  const [top, ...below] = providers;
  if (top === undefined) return;
  if (top.entry.kind === "directory") return mergeDirectories(walk, path, providers);
  if (top.entry.kind === "character-device") {
    const node = await reading(walk, top.layer, path, () => top.entry.node());
    if (node?.device?.major === 0 && node.device.minor === 0) return hidden(walk, "whiteout", path, top, below);
  }
  // A directory in a lower layer is hidden by any other kind above it.
  if (below.some(({ entry }) => entry.kind === "directory")) return hidden(walk, "type-conflict", path, top, below);
  await compareFiles(walk, path, top, below);
}

const joinWords = (words: readonly string[]) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

const over = (top: Provider, below: readonly Provider[]) =>
  `${nameOf(top.layer)} over ${joinWords(below.map(({ layer }) => nameOf(layer)))}`;

function hidden(
  walk: Walk,
  rule: "whiteout" | "type-conflict" | "opaque-directory",
  path: string,
  top: Provider,
  below: readonly Provider[],
): void {
  const bad = isCritical(path) && below.some(({ layer }) => layer.is === "host");
  const detail = { who: over(top, below), severity: bad ? ("error" as const) : undefined };
  walk.findings.add(rule, extensionsOf([top, ...below]), path, detail);
}

/** The directories from the top down merge, until something else is in the way. */
async function mergeDirectories(walk: Walk, path: string, providers: readonly Provider[]): Promise<void> {
  const parts: Part[] = [];
  for (const [at, provider] of providers.entries()) {
    const { layer, entry } = provider;
    const lower = providers.slice(at + 1);
    const node = await reading(walk, layer, path, () => entry.node());
    if (node === undefined) continue;
    if (entry.kind !== "directory") {
      // A whiteout in between ends the merge as it is meant to.
      if (entry.kind !== "character-device") hidden(walk, "type-conflict", path, providers[0] ?? provider, [provider]);
      break;
    }
    parts.push({ layer, node });
    if (lower.length > 0 && layer.is !== "host" && (await isOpaque(node))) {
      hidden(walk, "opaque-directory", path, provider, lower);
      break;
    }
  }
  await compareAttributes(walk, path, parts);
  if (parts.length > 1) walk.pending.push({ path, parts });
}

const opaque = "trusted.overlay.opaque";

/** Extended attributes, none where they cannot be told on this machine. */
async function xattrsOf(node: LazyNode) {
  try {
    return await node.xattrs();
  } catch (error) {
    if (error instanceof CodedError) return [];
    throw error;
  }
}

async function isOpaque(node: LazyNode): Promise<boolean> {
  const value = (await xattrsOf(node)).find(({ name }) => name === opaque)?.value;
  return value?.length === 1 && value[0] === 0x79;
}

async function compareAttributes(walk: Walk, path: string, parts: readonly Part[]): Promise<void> {
  const [top, ...below] = parts;
  if (top === undefined || top.layer.is === "host") return;
  const different: Part[] = [];
  for (const part of below) if (await differs(top.node, part.node)) different.push(part);
  if (different.length === 0) return;
  const words = ({ node }: Part) => `${node.mode.toString(8).padStart(4, "0")} ${node.uid}:${node.gid}`;
  const others = joinWords(different.map((part) => `${nameOf(part.layer)} (${words(part)})`));
  const who = `${nameOf(top.layer)} (${words(top)}) over ${others}`;
  walk.findings.add("directory-attributes", extensionsOf([top, ...different]), path, { who });
}

async function differs(a: LazyNode, b: LazyNode): Promise<boolean> {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return true;
  const plain = async (node: LazyNode) =>
    (await xattrsOf(node)).filter(({ name }) => !name.startsWith("trusted.overlay."));
  const [left, right] = [await plain(a), await plain(b)];
  if (left.length !== right.length) return true;
  return left.some((xattr, i) => {
    const other = right[i];
    return other === undefined || other.name !== xattr.name || !equalBytes(other.value, xattr.value);
  });
}

async function compareFiles(walk: Walk, path: string, top: Provider, below: readonly Provider[]): Promise<void> {
  const winner = await reading(walk, top.layer, path, () => top.entry.node());
  if (winner === undefined) return;
  const same: Provider[] = [];
  const different: Provider[] = [];
  for (const provider of below) {
    const equal = await reading(walk, provider.layer, path, async () => isSame(winner, await provider.entry.node()));
    if (equal !== undefined) (equal ? same : different).push(provider);
  }
  if (same.length > 0) walk.findings.add("same-content", extensionsOf([top, ...same]), path, { who: over(top, same) });
  if (different.length > 0) reportDifferent(walk, path, top, different);
}

async function isSame(a: LazyNode, b: LazyNode): Promise<boolean> {
  if (a.kind !== b.kind) return false;
  if (a.kind === "file") return sameContent(a.content(), b.content());
  if (a.kind === "symlink") return (await a.readlink()) === (await b.readlink());
  return a.device?.major === b.device?.major && a.device?.minor === b.device?.minor;
}

function reportDifferent(walk: Walk, path: string, top: Provider, different: readonly Provider[]): void {
  const who = over(top, different);
  const images = extensionsOf([top, ...different]);
  const ofHost = different.some(({ layer }) => layer.is === "host");
  const remedy = remedyOf(path);
  if (ofHost && isCritical(path)) walk.findings.add("shadows-critical", images, path, { who });
  else if (remedy !== undefined) walk.findings.add("regenerated-cache", images, path, { who, fix: remedy });
  else if (different.some(({ layer }) => layer.is !== "host"))
    walk.findings.add("file-collision", images, path, { who });
  else walk.findings.add("shadows-host", images, path, { who });
}
