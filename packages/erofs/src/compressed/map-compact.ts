import { viewOf } from "@sextant/bytes";
import type { IndexRun, IndexSection } from "./index-run.js";
import { blockCountFlag, clusterType, clusterTypeMask, compactIndexOffset, compactPack } from "./layout.js";

export interface CompactForm {
  readonly clusterLog2: number;
  /** Some packs are of 2 bytes an index. */
  readonly narrow: boolean;
  /** Clusters may be of several blocks. */
  readonly big: boolean;
}

type PackForm = typeof compactPack.wide | typeof compactPack.narrow;

/** The compact indexes of an inode whose xattrs end at `bodyEnd`: packs of 4 bytes an index, then of 2, then of 4. */
export function compactSections(bodyEnd: number, count: number, form: CompactForm): IndexSection[] {
  const offset = compactIndexOffset(bodyEnd);
  const { wide, narrow } = compactPack;
  const align = narrow.bytes;
  const lead = ((align - (offset % align)) % align) / (wide.bytes / wide.indexes);
  const amid = form.narrow && lead < count ? Math.floor((count - lead) / narrow.indexes) * narrow.indexes : 0;
  if (amid === 0) return [section(0, count, offset, wide, form)];
  const amidOffset = offset + (lead / wide.indexes) * wide.bytes;
  const restOffset = amidOffset + (amid / narrow.indexes) * narrow.bytes;
  return [
    section(0, lead, offset, wide, form),
    section(lead, amid, amidOffset, narrow, form),
    section(lead + amid, count - lead - amid, restOffset, wide, form),
  ];
}

function section(first: number, count: number, offset: number, pack: PackForm, form: CompactForm): IndexSection {
  const lowBits = Math.max(form.clusterLog2, compactPack.leastLowBits);
  return {
    first,
    count,
    offset,
    packIndexes: pack.indexes,
    packBytes: pack.bytes,
    decode(bytes, run) {
      for (let index = 0, at = 0; index < run.count; index += pack.indexes, at += pack.bytes) {
        decodePack(bytes.subarray(at, at + pack.bytes), pack.indexes, lowBits, form.big, run, index);
      }
    },
  };
}

/** Decodes a pack into a run from index `to` on, as much of it as the run takes. */
function decodePack(pack: Uint8Array, indexes: number, lowBits: number, big: boolean, run: IndexRun, to: number): void {
  const view = viewOf(pack);
  const end = pack.length - compactPack.baseBytes;
  const bits = (8 * end) / indexes;
  // Where clusters may be big, the base is that of the first one here, and each one's size is known behind its head only.
  let block = view.getUint32(end, true);
  let sizeUnknown = !big;
  let previous = 0;
  for (let number = 0; number < indexes; number++) {
    const at = bits * number;
    const value = view.getUint32(at >>> 3, true) >>> (at & 7);
    const low = value & ((1 << lowBits) - 1);
    const type = (value >>> lowBits) & clusterTypeMask;
    const index = to + number;
    run.type[index] = type;
    if (type !== clusterType.nonhead) {
      if (sizeUnknown) block += 1;
      sizeUnknown = true;
      run.offset[index] = low;
      run.block[index] = block;
      previous = 0;
    } else if ((low & blockCountFlag) !== 0) {
      const count = low & ~blockCountFlag;
      block += count;
      sizeUnknown = !big;
      run.blocks[index] = count;
      run.back[index] = 1;
      previous = 1;
    } else if (number + 1 === indexes) {
      // The last one says how far the next head is; how far its own is says the one before it.
      run.ahead[index] = low;
      run.back[index] = previous + 1;
    } else {
      run.back[index] = low;
      previous = low;
    }
  }
}
