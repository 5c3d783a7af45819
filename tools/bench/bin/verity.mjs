// `node verity.mjs DATA TREE SALT UUID JOBS`: what `veritysetup format` does, by the built package.
import { fromHex, writeChunks } from "@sextant/bytes";
import { fileSink } from "@sextant/bytes/node";
import { emitHashArea, hashAreaBytes } from "@sextant/verity";
import { hashFile } from "@sextant/verity/node";

const [data, output, salt, uuid, jobs] = process.argv.slice(2);
const tree = await hashFile(data, { salt: fromHex(salt), jobs: Number(jobs) });
const area = emitHashArea(tree, { uuid: fromHex(uuid.replaceAll("-", "")) });
await writeChunks(fileSink(output), area, hashAreaBytes(tree.params));
