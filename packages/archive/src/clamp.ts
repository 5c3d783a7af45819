import type { Attributes } from "@sextant/tree";

type Time = Pick<Attributes, "mtimeSeconds" | "mtimeNanoseconds">;

/** The time, or the epoch where it is later than that. */
export function clampTime({ mtimeSeconds, mtimeNanoseconds }: Time, epochSeconds: number | undefined): Time {
  const isLater =
    epochSeconds !== undefined &&
    (mtimeSeconds > epochSeconds || (mtimeSeconds === epochSeconds && mtimeNanoseconds > 0));
  return isLater ? { mtimeSeconds: epochSeconds, mtimeNanoseconds: 0 } : { mtimeSeconds, mtimeNanoseconds };
}
