import { type WorkerLike, type WorkerListener, WorkerPool, WorkerPoolError } from "@sextant/workers";
import { nodeWorker } from "@sextant/workers/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answer, type Ask, perform } from "./fixtures/tasks.js";

const workerFile = new URL("./fixtures/worker.ts", import.meta.url);
const kinds = [0, 1, 2, 3, 4].flatMap((size) => [
  { size, callerHelps: false },
  { size, callerHelps: true },
]);

function pool(size: number, inFlightPerWorker = 2, callerHelps = false) {
  const spawn = () => nodeWorker(workerFile);
  return new WorkerPool<Ask, Answer>({ size, spawn, local: perform, inFlightPerWorker, callerHelps });
}

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("did not reject");
    },
    (error: unknown) => error,
  );

describe.each(kinds)("a pool of $size, the caller helps: $callerHelps", ({ size, callerHelps }) => {
  const make = () => pool(size, 2, callerHelps);

  test("gives results in the order of the tasks, however long each takes", async () => {
    await using workers = make();
    const tasks: Ask[] = Array.from({ length: 40 }, (_, i) => ({ do: "double", value: i, delay: (i * 7) % 5 }));
    expect(await collect(workers.map(tasks))).toEqual(tasks.map((_, i) => 2 * i));
  });

  test("rejects the task that throws, with its cause, and goes on", async () => {
    await using workers = make();
    const context = { path: "superblock.magic", offset: 1024n };
    const [error, result] = await Promise.all([
      failure(workers.run({ do: "throw", code: "MALFORMED_TEST", context })),
      workers.run({ do: "double", value: 4 }),
    ]);
    expect(error).toBeInstanceOf(WorkerPoolError);
    expect(error).toMatchObject({
      code: "FAILED_TASK",
      message: "asked to throw MALFORMED_TEST",
      cause: { name: "RangeError", code: "MALFORMED_TEST", context },
    });
    expect(result).toBe(8);
  });

  test("map ends with the first failure in order and drops the rest", async () => {
    await using workers = make();
    const tasks: Ask[] = [
      { do: "double", value: 1, delay: 20 },
      { do: "throw", code: "FIRST" },
      { do: "throw", code: "SECOND" },
      { do: "double", value: 2 },
    ];
    const seen: Answer[] = [];
    const error = await failure(
      (async () => {
        for await (const answer of workers.map(tasks)) seen.push(answer);
      })(),
    );
    expect(seen).toEqual([2]);
    expect(error).toMatchObject({ code: "FAILED_TASK", cause: { code: "FIRST" } });
    expect(await workers.run({ do: "double", value: 3 })).toBe(6);
  });

  test("map takes no more tasks than it has room for", async () => {
    await using workers = make();
    let taken = 0;
    const tasks = (function* (): Generator<Ask> {
      for (;;) {
        taken += 1;
        yield { do: "double", value: taken };
      }
    })();
    const room = size <= 1 ? 1 : 2 * size * 2;
    for await (const _ of workers.map(tasks)) {
      expect(taken).toBeLessThanOrEqual(room);
      break;
    }
    expect(taken).toBeLessThanOrEqual(room);
  });

  test("moves buffers", async () => {
    await using workers = make();
    const buffer = Uint8Array.of(1, 2, 3).buffer;
    const result = await workers.run({ do: "bytes", buffer }, { transfer: [buffer] });
    expect([...new Uint8Array(result as ArrayBuffer)]).toEqual([0xfe, 0xfd, 0xfc]);
    expect(buffer.byteLength).toBe(size <= 1 || callerHelps ? 3 : 0);
  });

  test("an abort rejects what runs and what waits with its reason", async () => {
    await using workers = make();
    const abort = new AbortController();
    const tasks = Array.from({ length: 12 }, (_, value) =>
      failure(workers.run({ do: "double", value, delay: 50 }, { signal: abort.signal })),
    );
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await Promise.all(tasks)).toEqual(tasks.map(() => reason));
    expect(await failure(workers.run({ do: "double", value: 1 }, { signal: abort.signal }))).toBe(reason);
    expect(await failure(collect(workers.map([{ do: "double", value: 1 }], { signal: abort.signal })))).toBe(reason);
    expect(await workers.run({ do: "double", value: 5 })).toBe(10);
  });

  test("close rejects what is not done, and everything after", async () => {
    const workers = make();
    const tasks = Array.from({ length: 12 }, (_, value) => failure(workers.run({ do: "double", value, delay: 1000 })));
    await workers.close();
    for (const error of await Promise.all(tasks)) expect(error).toMatchObject({ code: "CLOSED_POOL" });
    expect(await failure(workers.run({ do: "double", value: 1 }))).toMatchObject({ code: "CLOSED_POOL" });
    await workers.close();
  });
});

describe("a worker that dies", () => {
  test.each(["exit", "throw-late"] as const)("by %s rejects its tasks, and the pool replaces it", async (how) => {
    await using workers = pool(2, 1);
    const error = await failure(workers.run({ do: "crash", how }));
    expect(error).toMatchObject({ name: "WorkerPoolError", code: "FAILED_WORKER" });
    expect((error as Error).message).toMatch(how === "exit" ? /exited with code 3/ : /thrown outside of any task/);
    const tasks: Ask[] = Array.from({ length: 6 }, (_, value) => ({ do: "double", value }));
    expect(await collect(workers.map(tasks))).toEqual([0, 2, 4, 6, 8, 10]);
  });

  test("again and again, fails each task once and never hangs", async () => {
    await using workers = pool(2, 1);
    const errors = await Promise.all(
      Array.from({ length: 5 }, () => failure(workers.run({ do: "crash", how: "exit" }))),
    );
    for (const error of errors) expect(error).toMatchObject({ code: "FAILED_WORKER" });
  });

  test("because its file is missing, says so", async () => {
    const spawn = () => nodeWorker(new URL("./fixtures/none.js", import.meta.url));
    await using workers = new WorkerPool<Ask, Answer>({ size: 2, spawn, local: perform });
    expect(await failure(workers.run({ do: "double", value: 1 }))).toMatchObject({ code: "FAILED_WORKER" });
  });

  test("because it cannot be spawned, says so", async () => {
    const spawn = (): WorkerLike => {
      throw new Error("no threads left");
    };
    await using workers = new WorkerPool<Ask, Answer>({ size: 2, spawn, local: perform });
    expect(await failure(workers.run({ do: "double", value: 1 }))).toMatchObject({
      code: "FAILED_WORKER",
      message: "a worker cannot be started: no threads left",
    });
  });
});

test("a result, a task or a context that cannot be cloned", async () => {
  await using workers = pool(2);
  expect(await failure(workers.run({ do: "unclonable" }))).toMatchObject({
    code: "FAILED_TASK",
    cause: { name: "DataCloneError" },
  });
  expect(await failure(workers.run({ do: "throw-opaque" }))).toMatchObject({
    code: "FAILED_TASK",
    cause: { name: "Error", message: "opaque", code: "OPAQUE" },
  });
  const context = () => {};
  expect(await failure(workers.run({ do: "throw", code: "X", context }))).toMatchObject({
    code: "FAILED_TASK",
    cause: { name: "DataCloneError" },
  });
  expect(await workers.run({ do: "double", value: 1 })).toBe(2);
});

test.each([-1, 1.5, Number.NaN])("refuses %d workers", (size) => {
  expect(() => pool(size)).toThrow(RangeError);
});

/** A worker that answers when the test says so: every interleaving of replies, without threads. */
function manualWorker(ready: (() => void)[]): WorkerLike {
  let listener: WorkerListener | undefined;
  return {
    listen: (events) => {
      listener = events;
    },
    post: (message) => {
      const { id, task } = message as { id: number; task: number };
      ready.push(() => listener?.message({ id, ok: true, result: task * 2 }));
    },
    terminate: async () => {},
  };
}

test("any number of workers and any order of replies give the same results", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      async (size, inFlightPerWorker, callerHelps, tasks, choices) => {
        const ready: (() => void)[] = [];
        const spawn = () => manualWorker(ready);
        const local = (task: number) => task * 2;
        const workers = new WorkerPool<number, number>({ size, spawn, local, inFlightPerWorker, callerHelps });
        const results = collect(workers.map(tasks));
        let done = false;
        void results.then(() => {
          done = true;
        });
        while (!done) {
          expect(ready.length).toBeLessThanOrEqual(size * inFlightPerWorker);
          const choice: number = choices.next().value ?? 0;
          ready.splice(choice % Math.max(1, ready.length), 1)[0]?.();
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(await results).toEqual(tasks.map(local));
      },
    ),
    { seed: 1, numRuns: 60 },
  );
});
