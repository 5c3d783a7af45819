import { serveTasks } from "@sextant/workers/node";
import { compressTask } from "./compress/work.js";

serveTasks(compressTask);
