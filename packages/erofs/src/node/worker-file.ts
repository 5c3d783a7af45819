import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ownUrl = import.meta.url;
/** What runs in workers: built, it stands beside what this is built into; in a checkout, it is the source. */
export const workerFile = new URL(ownUrl.endsWith(".ts") ? "../worker.ts" : "./worker.js", ownUrl);

/** False where a bundler has left the file behind. */
export const hasWorkerFile = (): boolean => existsSync(fileURLToPath(workerFile));
