import type { UrlOptions } from "@sextant/bytes";
import { type Behaviour, serveRange } from "./hostile-server.js";

/** The file that test servers have. */
export const file = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 2654435761) >>> 24);

export const part = (start: number, end: number) => file.slice(start, end);

/** No waiting between attempts. */
export const quick: UrlOptions = { retryDelayMs: 1 };

export const good: Behaviour = (request, response) => serveRange(request, response, file, { etag: '"v1"' });

/** The n-th request gets the n-th behaviour, later ones the last. */
export const inTurn =
  (...behaviours: Behaviour[]): Behaviour =>
  (request, response, n) =>
    behaviours[Math.min(n, behaviours.length - 1)]?.(request, response, n);
