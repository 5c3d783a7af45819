export { serveTasks } from "./node/serve.js";
export { nodeWorker } from "./node/spawn.js";
