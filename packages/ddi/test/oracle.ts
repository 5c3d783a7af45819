import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type ByteSource, collectChunks, fromBytes, fromHex, slice } from "@sextant/bytes";
import { nodeHasher } from "@sextant/bytes/node";
import { pemSigner, readCertificates, type Signer } from "@sextant/signing";
import { repositoryPath } from "@sextant/testkit";
import { type DdiPlan, emit, open, type PlanOptions, plan } from "../src/index.js";

/** The seed of every image in test-images/ddi. */
export const seed = fromHex("0123456789abcdef0123456789abcdef");

export const imageNames = ["probe-sysext", "probe-confext", "deferred", "joined", "p4k"] as const;
export type ImageName = (typeof imageNames)[number];

export function oracleFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(repositoryPath, "test-images", "ddi", name)));
}

const unpacked = new Map<ImageName, Uint8Array>();

/** An image that systemd-repart made. Do not write to it. */
export function oracleImage(name: ImageName): Uint8Array {
  const known = unpacked.get(name) ?? new Uint8Array(gunzipSync(oracleFile(`${name}.raw.gz`)));
  unpacked.set(name, known);
  return known;
}

export const oracleCertificates = readCertificates(oracleFile("cert.pem"));
export const oracleSigner = (): Promise<Signer> =>
  pemSigner({ key: oracleFile("throwaway-key.pem"), certificate: oracleFile("cert.pem") });

/** The filesystem in the first partition of an image, as long as its superblock says. */
export async function filesystemOf(image: Uint8Array): Promise<ByteSource> {
  const [data] = (await open(fromBytes(image))).partitions;
  if (!data) throw new Error("the image has no partition");
  // EROFS superblock at 1024: blkszbits at 12, blocks_lo at 36.
  const superblock = await data.source.read(1024, 1152);
  const view = new DataView(superblock.buffer, superblock.byteOffset);
  return slice(data.source, 0, view.getUint32(36, true) * 2 ** view.getUint8(12));
}

/** A filesystem of that many bytes, different in every block. */
export function anyFilesystem(bytes: number): ByteSource {
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) content[at] = (at * 7 + (at >> 9) * 13) & 0xff;
  return fromBytes(content, "filesystem");
}

/** Options for small images. */
export const someOptions = { seed, architecture: "x86-64", verity: "unsigned", hasher: nodeHasher } as const;

export const build = (made: DdiPlan): Promise<Uint8Array> => collectChunks(emit(made), made.layout.sizeBytes);

/** A whole image in memory. */
export async function makeImage(options: Partial<PlanOptions> = {}, bytes = 40960): Promise<Uint8Array> {
  return await build(await plan(anyFilesystem(bytes), { ...someOptions, ...options }));
}

/** A signed image in memory, by the throw-away key. */
export const makeSigned = async (options: Partial<PlanOptions> = {}, bytes = 40960): Promise<Uint8Array> =>
  makeImage({ verity: "signed", signer: await oracleSigner(), ...options }, bytes);
