import type { Span } from "@sextant/bytes";
import { dump as dumpDdi } from "@sextant/ddi";
import { dump as dumpErofs } from "@sextant/erofs";
import { exitCode, inputError } from "../errors.js";
import { type ReadingOptions, withImage } from "../images.js";
import { print, printJson } from "../output.js";

/** Prints every field of an image with its absolute offsets. */
export async function dump(where: string, options: ReadingOptions): Promise<number> {
  return withImage(where, options, async ({ image, input }) => {
    if (image.layout === "archive" || image.layout === "directory" || input === undefined) {
      throw inputError(
        where,
        `there are no fields to dump in ${image.layout === "directory" ? "a directory" : "an archive"}`,
      );
    }
    const spans: Span[] = [];
    const take = options.json ? (span: Span) => void spans.push(span) : printSpan;
    if (image.ddi) for (const span of await dumpDdi(input.source)) take(span);
    for (const { source, set } of image.filesystems) {
      const start = set?.data.start ?? 0;
      for await (const span of dumpErofs(source)) take({ ...span, start: span.start + start, end: span.end + start });
    }
    if (options.json) printJson({ version: 1, image: where, spans });
    return exitCode.done;
  });
}

/** `00000400..00000404  superblock.magic = 3774210530` */
function printSpan({ start, end, path, value }: Span): void {
  const hex = (offset: number) => offset.toString(16).padStart(8, "0");
  print(`${hex(start)}..${hex(end)}  ${path} = ${value}`);
}
