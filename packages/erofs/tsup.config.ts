import { library } from "../../tsup.base.js";

// The worker is built by tsup.worker.ts.
export default { ...library(), entry: ["src/index.ts", "src/node.ts"] };
