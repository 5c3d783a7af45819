import { parentPort } from "node:worker_threads";
import { answer, type TaskHandler, type TaskRequest } from "../protocol.js";

/** In the worker's file: answers the tasks of the pool that started this thread. Throws `TypeError` in the main thread. */
export function serveTasks<Task, Result>(handler: TaskHandler<Task, Result>): void {
  const port = parentPort;
  if (!port) throw new TypeError("serveTasks is for worker threads");
  port.on("message", (request: TaskRequest) => {
    void answer(request, handler, (reply, transfer) => port.postMessage(reply, transfer));
  });
}
