import type { ByteSource, Chunk } from "@sextant/bytes";
import type { ErofsPlan } from "./plan.js";
import { unitBytes } from "./write-chunks.js";
import type { UnitMemory } from "./write-memory.js";

/** Reads under way. */
const unitsAhead = 4;

/** Reads compressed content, which begins the data area, in units. Offsets are in the image. */
export async function* readStored(
  { compressed, dataBlock, blockBytes }: ErofsPlan,
  memory: UnitMemory | undefined,
): AsyncGenerator<Chunk> {
  if (compressed === undefined) return;
  const { data } = compressed;
  const queue: Promise<Uint8Array>[] = [];
  let next = 0;
  for (let at = 0; at < data.size; at += unitBytes) {
    for (; next < data.size && queue.length < unitsAhead; next += unitBytes) {
      const unit = readUnit(data, next, Math.min(data.size, next + unitBytes), memory);
      // Whoever awaits it gets the error; until then it is nobody's.
      unit.catch(() => {});
      queue.push(unit);
    }
    const bytes = await queue.shift();
    if (bytes) yield { offset: dataBlock * blockBytes + at, bytes };
  }
}

/** Whole units go out as they are; what is left is copied, together with what follows. */
async function readUnit(data: ByteSource, start: number, end: number, memory: UnitMemory | undefined) {
  if (!data.readInto || !memory || end - start < unitBytes) return data.read(start, end);
  const unit = memory.take();
  await data.readInto(start, unit);
  return unit;
}
