import { viewOf } from "@sextant/bytes";
import { clusterIndexRecord, clusterType, partialReference } from "./layout.js";
import type { LogicalClusters } from "./write-lclusters.js";

/** Full indexes: 8 bytes for each lcluster. */
export function encodeFull(clusters: LogicalClusters): Uint8Array {
  const { count, types, low, next, addresses, partial, fragment } = clusters;
  const { size, offsets } = clusterIndexRecord;
  const bytes = new Uint8Array(size * count);
  const view = viewOf(bytes);
  for (let index = 0; index < count; index++) {
    const at = size * index;
    const type = types[index] ?? 0;
    view.setUint16(at + offsets.advise, type + (partial[index] ? partialReference : 0), true);
    if (type === clusterType.nonhead) {
      view.setUint16(at + offsets.address, low[index] ?? 0, true);
      view.setUint16(at + offsets.address + 2, next[index] ?? 0, true);
      continue;
    }
    view.setUint16(at + offsets.clusterOffset, low[index] ?? 0, true);
    view.setUint32(at + offsets.address, Math.max(0, addresses[index] ?? 0), true);
  }
  if (fragment) {
    view.setUint32(size * fragment.index + offsets.address, Math.floor(fragment.offset / 2 ** 32), true);
  }
  return bytes;
}
