import { type ByteSource, checkRange } from "@sextant/bytes";
import { readExtents } from "./compressed/clusters.js";
import type { Inode } from "./inode.js";
import { extentMapper } from "./map-data.js";
import type { Volume } from "./volume.js";

/**
 * The data of an inode as a source. A read costs one request for each run of neighbouring blocks or clusters, nothing for
 * holes, and nothing for inline data whose page is cached; besides that the indexes on the way, through the cache of
 * pages. Of compressed data only the clusters touched are read, and a read through the whole of it decodes each once.
 */
export function openData(volume: Volume, inode: Inode): ByteSource {
  const mapper = extentMapper(volume, inode);
  const data: ByteSource = {
    size: inode.size,
    name: volume.source.name,
    async read(start, end) {
      checkRange(data, start, end);
      return readExtents(volume, inode, await mapper.map(start, end), start, end);
    },
  };
  return data;
}
