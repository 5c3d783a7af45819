import { serveWebWorker, type WebWorker, type WebWorkerScope, WorkerPool, webWorker } from "@sextant/workers";
import { expect, test } from "vitest";

type Listener = (event: { data?: unknown; message?: string }) => void;

/** A browser's worker and its global scope, back to back: messages are cloned and arrive later, as in a browser. */
function fakeWebWorker(serve: (scope: WebWorkerScope) => void, events: string[]) {
  const inside: Listener[] = [];
  const outside = { message: [] as Listener[], messageerror: [] as Listener[], error: [] as Listener[] };
  const send = (listeners: readonly Listener[], event: object) =>
    setImmediate(() => {
      for (const listener of listeners) listener(event);
    });
  serve({
    postMessage: (data, transfer) => send(outside.message, { data: structuredClone(data, { transfer }) }),
    addEventListener: (_, listener) => inside.push(listener),
  });
  const worker: WebWorker & { fail(type: "messageerror" | "error", message?: string): void } = {
    postMessage: (data, transfer) => send(inside, { data: structuredClone(data, { transfer }) }),
    addEventListener: (type, listener) => outside[type].push(listener),
    terminate: () => events.push("terminated"),
    fail: (type, message) => send(outside[type], message === undefined ? {} : { message }),
  };
  return worker;
}

const square = (value: number) => {
  if (value < 0) throw new RangeError("negative");
  return value * value;
};

test("a pool of browser workers", async () => {
  const events: string[] = [];
  const spawn = () => webWorker(fakeWebWorker((scope) => serveWebWorker(scope, square), events));
  const workers = new WorkerPool<number, number>({ size: 2, spawn, local: square });
  const results: number[] = [];
  for await (const result of workers.map([1, 2, 3, 4, 5])) results.push(result);
  expect(results).toEqual([1, 4, 9, 16, 25]);
  await expect(workers.run(-1)).rejects.toMatchObject({ code: "FAILED_TASK", cause: { name: "RangeError" } });
  await workers.close();
  expect(events).toEqual(["terminated", "terminated"]);
});

test.each([
  ["error", "boom", /boom/],
  ["error", undefined, /did not start/],
  ["messageerror", undefined, /could not be decoded/],
] as const)("its %s event with message %s rejects what it holds", async (type, message, expected) => {
  const events: string[] = [];
  const made: ReturnType<typeof fakeWebWorker>[] = [];
  const spawn = () => {
    const worker = fakeWebWorker(() => {}, events);
    made.push(worker);
    return webWorker(worker);
  };
  const workers = new WorkerPool<number, number>({ size: 2, spawn, local: square });
  const result = workers.run(3);
  made[0]?.fail(type, message);
  await expect(result).rejects.toMatchObject({ code: "FAILED_WORKER", message: expect.stringMatching(expected) });
  expect(events).toEqual(["terminated"]);
});
