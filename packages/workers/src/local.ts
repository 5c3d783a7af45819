import type { TaskHandler, TaskReply, TaskRequest, WorkerLike, WorkerListener } from "./protocol.js";

/** The calling thread in the role of a worker: nothing is cloned or transferred, and errors stay what they are. */
export function callingThread<Task, Result>(handler: TaskHandler<Task, Result>): WorkerLike {
  let listener: WorkerListener | undefined;
  const run = async ({ id, task }: TaskRequest): Promise<TaskReply> => {
    try {
      return { id, ok: true, result: await handler(task as Task, () => {}) };
    } catch (thrown) {
      return { id, ok: false, error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
    }
  };
  return {
    listen(events) {
      listener = events;
    },
    post(message) {
      // Not at once: `run()` of a pool never runs a task before it returns, with whatever number of workers.
      void Promise.resolve(message as TaskRequest)
        .then(run)
        .then((reply) => listener?.message(reply));
    },
    async terminate() {
      listener = undefined;
    },
  };
}
