import { viewOf } from "@sextant/bytes";
import type { IndexRun, IndexSection } from "./index-run.js";
import {
  blockCountFlag,
  clusterIndexRecord,
  clusterType,
  clusterTypeMask,
  fullIndexOffset,
  partialReference,
} from "./layout.js";

/** The full indexes of an inode whose xattrs end at `bodyEnd`. */
export function fullSections(bodyEnd: number, count: number): IndexSection[] {
  const offset = fullIndexOffset(bodyEnd);
  return [{ first: 0, count, offset, packIndexes: 1, packBytes: clusterIndexRecord.size, decode: decodeFull }];
}

const { offsets, size } = clusterIndexRecord;

function decodeFull(bytes: Uint8Array, run: IndexRun): void {
  const view = viewOf(bytes);
  for (let index = 0, at = 0; index < run.count; index++, at += size) {
    const advise = view.getUint16(at + offsets.advise, true);
    const type = advise & clusterTypeMask;
    run.type[index] = type;
    if (type === clusterType.nonhead) {
      const distance = view.getUint16(at + offsets.address, true);
      const hasCount = (distance & blockCountFlag) !== 0;
      run.back[index] = hasCount ? 1 : distance;
      run.blocks[index] = hasCount ? distance & ~blockCountFlag : 0;
      run.ahead[index] = view.getUint16(at + offsets.address + 2, true);
    } else {
      run.offset[index] = view.getUint16(at + offsets.clusterOffset, true);
      run.block[index] = view.getUint32(at + offsets.address, true);
      run.partial[index] = (advise & partialReference) === 0 ? 0 : 1;
    }
  }
}
