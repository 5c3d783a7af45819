import { type ByteSource, type Hasher, portableHasher, readChunks, toHex } from "@sextant/bytes";
import { type Directory, directory, mergeLayers } from "@sextant/tree";
import { ArchiveError, type ArchiveWarning } from "./errors.js";
import { type OpenedArchive, type OpenOptions, openArchive } from "./open.js";

export interface OciOptions extends OpenOptions {
  /** Which image of several: `architecture` as OCI names it, such as `amd64`. Needed only where there are several. */
  readonly architecture?: string | undefined;
  /** Default `portableHasher`. */
  readonly hasher?: Hasher | undefined;
}

/** A container image as one tree. Dispose of it when the tree's contents are no longer read. */
export interface OciImage extends AsyncDisposable {
  readonly tree: Directory;
  readonly warnings: readonly ArchiveWarning[];
  /** Of the manifest, such as `sha256:…`. */
  readonly digest: string;
  /** Of the layers, the base first. */
  readonly layers: readonly string[];
}

/** Opens a file of the layout by its relative path; undefined where there is none. */
export type OpenFile = (path: string) => Promise<ByteSource | undefined>;

/** A content descriptor (image-spec, descriptor.md), as far as it is needed. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture?: unknown } | undefined;
}

/** Manifests and indexes are small; this is what registries take. */
const maxJsonBytes = 4 << 20;
/** Indexes may lead to indexes, though hardly any do. */
const maxIndexDepth = 4;
/** Overlay stacks end earlier. */
const maxLayers = 512;

const indexTypes = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);

/**
 * Reads an OCI image layout (image-spec, image-layout.md): the one image of its index, or the one of `architecture`, with
 * its layers laid over one another and their whiteouts applied. Every blob is held against its digest before it is used.
 *
 * Throws `ArchiveError` `MALFORMED_OCI` for what the specification rules out, a wrong digest and missing blobs among it,
 * `UNSUPPORTED_FORMAT` where no image or several could be meant, and what reading the layers throws.
 */
export async function readOciLayout(open: OpenFile, options: OciOptions = {}): Promise<OciImage> {
  const { hasher = portableHasher } = options;
  const marker = parseObject(await readSmall(open, "oci-layout"), "oci-layout");
  if (marker["imageLayoutVersion"] !== "1.0.0") {
    throw malformed(`the layout's version is ${JSON.stringify(marker["imageLayoutVersion"])}, not 1.0.0`, "oci-layout");
  }
  const index = parseObject(await readSmall(open, "index.json"), "index.json");
  const chosen = await chooseManifest(open, index, "index.json", options, hasher, 0);
  const manifest = parseObject(await readBlobJson(open, chosen, hasher), chosen.digest);
  const layers = descriptors(manifest["layers"], `${chosen.digest}.layers`);
  if (layers.length > maxLayers) throw malformed(`${layers.length} layers are more than ${maxLayers}`, chosen.digest);
  const opened: OpenedArchive[] = [];
  const close = async () => {
    for (const layer of opened.splice(0)) await layer[Symbol.asyncDispose]();
  };
  try {
    for (const layer of layers) {
      const source = await openBlob(open, layer, hasher);
      opened.push(await openArchive(source, { ...options, whiteouts: "oci" }));
    }
    const trees = opened.map(({ tree }) => tree).reverse();
    const tree = trees.length === 0 ? directory() : mergeLayers(trees);
    const warnings = opened.flatMap((layer) => layer.warnings);
    const names = layers.map(({ digest }) => digest);
    return { tree, warnings, digest: chosen.digest, layers: names, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

const malformed = (message: string, path: string) => new ArchiveError("MALFORMED_OCI", message, { path });

async function chooseManifest(
  open: OpenFile,
  index: Readonly<Record<string, unknown>>,
  path: string,
  options: OciOptions,
  hasher: Hasher,
  depth: number,
): Promise<Descriptor> {
  if (depth >= maxIndexDepth) throw malformed(`indexes are nested deeper than ${maxIndexDepth}`, path);
  const all = descriptors(index["manifests"], `${path}.manifests`);
  const fitting = all.filter(({ platform }) => platform?.architecture === options.architecture);
  const [chosen, ...more] = all.length === 1 ? all : fitting;
  if (chosen === undefined || more.length > 0) {
    const found = all.map(({ platform }) => String(platform?.architecture ?? "none")).join(", ") || "no image at all";
    const wanted = options.architecture ?? "no architecture in particular";
    const message = `no single image is meant by ${wanted}; the architectures are ${found}`;
    throw new ArchiveError("UNSUPPORTED_FORMAT", message, { path });
  }
  if (!indexTypes.has(chosen.mediaType)) return chosen;
  const inner = parseObject(await readBlobJson(open, chosen, hasher), chosen.digest);
  return chooseManifest(open, inner, chosen.digest, options, hasher, depth + 1);
}

/** The descriptors of a list, each checked; a digest becomes a path, so nothing but a digest may stand there. */
function descriptors(value: unknown, path: string): Descriptor[] {
  if (!Array.isArray(value)) throw malformed("there is no list of descriptors", path);
  return value.map((entry: unknown, at) => {
    const { mediaType, digest, size, platform } = (entry ?? {}) as Partial<Descriptor>;
    const where = `${path}[${at}]`;
    if (typeof mediaType !== "string") throw malformed("there is no media type", where);
    if (typeof digest !== "string" || !/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(digest)) {
      throw malformed(`${JSON.stringify(digest)} is no sha256 or sha512 digest`, where);
    }
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw malformed("there is no size", where);
    return { mediaType, digest, size, platform };
  });
}

async function openBlob(open: OpenFile, { digest, size }: Descriptor, hasher: Hasher): Promise<ByteSource> {
  const [algorithm, hex] = digest.split(":") as ["sha256" | "sha512", string];
  const source = await open(`blobs/${algorithm}/${hex}`);
  if (source === undefined) throw malformed("the blob is missing", digest);
  if (source.size !== size) throw malformed(`the blob has ${source.size} bytes, its descriptor says ${size}`, digest);
  const state = hasher.create(algorithm);
  for await (const bytes of readChunks(source)) state.update(bytes);
  const found = toHex(state.digest());
  if (found !== hex) throw malformed(`the blob's digest is ${algorithm}:${found}`, digest);
  return source;
}

async function readBlobJson(open: OpenFile, descriptor: Descriptor, hasher: Hasher): Promise<Uint8Array> {
  const { size, digest } = descriptor;
  if (size > maxJsonBytes) throw malformed(`${size} bytes are more than a manifest may have`, digest);
  return (await openBlob(open, descriptor, hasher)).read(0, size);
}

async function readSmall(open: OpenFile, path: string): Promise<Uint8Array> {
  const source = await open(path);
  if (source === undefined) throw malformed("the file is missing", path);
  if (source.size > maxJsonBytes) throw malformed(`${source.size} bytes are more than it may have`, path);
  return source.read(0, source.size);
}

function parseObject(bytes: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ArchiveError("MALFORMED_OCI", "this is not JSON", { path }, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw malformed("this is no JSON object", path);
}
