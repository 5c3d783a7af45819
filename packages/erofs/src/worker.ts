import { nodeHasher } from "@sextant/bytes/node";
import { serveTasks } from "@sextant/workers/node";
import { workOn } from "./compress/runner.js";

serveTasks(workOn(nodeHasher));
