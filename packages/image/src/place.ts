import type { PartitionSet } from "@sextant/ddi";
import { ErofsError, type ErofsImage } from "@sextant/erofs";
import type { FileContent, LazyNode } from "@sextant/tree";
import { VerityError } from "@sextant/verity";

/**
 * Runs something that reads a filesystem of a disk image. Its errors say where in the filesystem, or in the hashes over it,
 * something is wrong; what comes out says where in the image.
 */
export type Placing = <T>(work: () => Promise<T>) => Promise<T>;

/** Errors of what reads this set become errors about the image. */
export function placing({ data, verity }: PartitionSet): Placing {
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ErofsError) {
        const { code, message, context } = error;
        throw new ErofsError(code, message, shifted(context, data.start), { cause: error });
      }
      if (error instanceof VerityError) {
        const { code, message, context } = error;
        const start = context.path?.startsWith("data") ? data.start : (verity?.start ?? 0);
        throw new VerityError(code, message, shifted(context, start), { cause: error });
      }
      throw error;
    }
  };
}

function shifted<C extends { readonly offset?: number | bigint | undefined }>(context: C, start: number): C {
  return context.offset === undefined ? context : { ...context, offset: Number(context.offset) + start };
}

/** A filesystem that is read through `place`. */
export function placedImage(erofs: ErofsImage, place: Placing): ErofsImage {
  return {
    ...erofs,
    root: async () => placedNode(await place(() => erofs.root()), place),
    node: async (nid) => placedNode(await place(() => erofs.node(nid)), place),
    devices: () => place(() => erofs.devices()),
  };
}

function placedNode(node: LazyNode, place: Placing): LazyNode {
  return {
    ...node,
    xattrs: () => place(() => node.xattrs()),
    async entries() {
      const entries = await place(() => node.entries());
      return entries.map((entry) => ({
        ...entry,
        node: async () => placedNode(await place(() => entry.node()), place),
      }));
    },
    async lookup(name) {
      const found = await place(() => node.lookup(name));
      return found && placedNode(found, place);
    },
    readlink: () => place(() => node.readlink()),
    content: () => placedContent(node.content(), place),
  };
}

function placedContent(content: FileContent, place: Placing): FileContent {
  return {
    ...content,
    open() {
      const source = content.open();
      return { ...source, read: (start, end) => place(() => source.read(start, end)) };
    },
  };
}
