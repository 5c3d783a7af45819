import { type ClusterEncoder, deflateEncoder, lz4Encoder, zstdEncoder } from "@sextant/codecs";
import { type Compression, zstdWindowLog2 } from "./compression.js";

/** Encoders that are kept: each has tables of some MiB, and most images need one. */
const keptEncoders = 2;
const known = new Map<string, ClusterEncoder>();

/** The encoder for a compression; one thread uses it at a time. */
export function encoderFor(compression: Compression): ClusterEncoder {
  const { method, level } = compression;
  const window = method === "zstd" ? zstdWindowLog2(compression) : 0;
  const key = `${method}:${level}:${window}`;
  const found = known.get(key) ?? create(compression);
  // Used last, dropped last.
  known.delete(key);
  known.set(key, found);
  for (const oldest of known.keys()) if (known.size > keptEncoders) known.delete(oldest);
  return found;
}

function create(compression: Compression): ClusterEncoder {
  const { method, level } = compression;
  switch (method) {
    case "lz4":
    case "lz4hc":
      return lz4Encoder({ level });
    case "deflate":
      return deflateEncoder({ level });
    case "zstd":
      return zstdEncoder({ level, windowLog2: zstdWindowLog2(compression) });
  }
}
