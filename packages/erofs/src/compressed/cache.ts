/** What the clusters of an image have cost so far. */
export interface ClusterStats {
  /** Clusters decompressed, or copied where they are stored as they are. */
  clusters: number;
  /** Bytes of them as stored. */
  storedBytes: number;
  /** Bytes that came out. */
  decodedBytes: number;
  /** Clusters that were wanted and still there. */
  cacheHits: number;
}

/** Decoded clusters, the least recently used first out. */
export interface ClusterCache {
  readonly limitBytes: number;
  readonly stats: ClusterStats;
  /** What is kept under that key, if it is at least so long. */
  get(key: string, bytes: number): Uint8Array | undefined;
  put(key: string, decoded: Uint8Array): void;
}

/** A cache of up to `limitBytes` of decoded data; what alone is larger is not kept. */
export function clusterCache(limitBytes: number): ClusterCache {
  if (!Number.isSafeInteger(limitBytes) || limitBytes < 0) throw new RangeError(`${limitBytes} is no limit in bytes`);
  const kept = new Map<string, Uint8Array>();
  let keptBytes = 0;
  const drop = (key: string) => {
    keptBytes -= kept.get(key)?.length ?? 0;
    kept.delete(key);
  };
  return {
    limitBytes,
    stats: { clusters: 0, storedBytes: 0, decodedBytes: 0, cacheHits: 0 },
    get(key, bytes) {
      const decoded = kept.get(key);
      if (decoded === undefined || decoded.length < bytes) return undefined;
      kept.delete(key);
      kept.set(key, decoded);
      return decoded;
    },
    put(key, decoded) {
      drop(key);
      if (decoded.length > limitBytes) return;
      kept.set(key, decoded);
      keptBytes += decoded.length;
      for (const oldest of kept.keys()) {
        if (keptBytes <= limitBytes) break;
        drop(oldest);
      }
    },
  };
}
