import { AbortWatch } from "./abort.js";
import { WorkerPoolError } from "./errors.js";
import { callingThread } from "./local.js";
import { fromPlain, type TaskHandler, type TaskReply, type WorkerLike } from "./protocol.js";

/**
 * Tasks that one worker holds at a time: the one it runs and one to go on with while the reply to the former travels.
 */
const defaultInFlightPerWorker = 2;
/** A slow task holds back the results of later ones; so long they pile up before threads have to wait for it. */
const aheadPerThread = 2;

export interface PoolOptions<Task, Result> {
  /** Threads at most; with 0 or 1 the tasks run in the calling thread, one after another. */
  readonly size: number;
  /** Starts one worker. Called when there is a task that no idle worker can take. */
  readonly spawn: () => WorkerLike;
  /** Runs a task in the calling thread; does the same as the workers. */
  readonly local: TaskHandler<Task, Result>;
  /** Tasks that a worker holds at a time. Default 2. */
  readonly inFlightPerWorker?: number;
  /**
   * Whether the calling thread is one of the `size` threads: it then works while the others start (some 40 ms in Node),
   * and answers to other events only between what `local` does at once. Default false.
   */
  readonly callerHelps?: boolean;
  /** Whether even one thread is a worker, so that the calling thread runs no task at all. Default false. */
  readonly workersOnly?: boolean;
}

export interface TaskOptions {
  /** Rejects the task with the signal's reason. A task that a worker already runs is left to end, unheard. */
  readonly signal?: AbortSignal | undefined;
  /** Buffers of the task that move to the worker; count them as gone, with any number of workers. */
  readonly transfer?: readonly ArrayBuffer[];
}

export interface MapOptions<Task> {
  /** Ends the iteration with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The buffers of a task that move to the worker. */
  readonly transfer?: (task: Task) => readonly ArrayBuffer[];
}

/** A task on its way. `settled` once its caller has an answer, though a worker may still be busy with it. */
interface Job<Task, Result> {
  readonly id: number;
  readonly task: Task;
  readonly transfer: readonly ArrayBuffer[];
  settled: boolean;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

interface Slot<Task, Result> {
  readonly worker: WorkerLike;
  /** Jobs that it holds at most. */
  readonly capacity: number;
  readonly jobs: Map<number, Job<Task, Result>>;
}

/**
 * Runs tasks in a few workers. What it promises: the results of `map` come in the order of the tasks, whatever the
 * number of workers; a task that fails, or whose worker dies, rejects and the pool goes on with the others (a dead
 * worker is replaced when there is a task for it); a `map` holds at most
 * `2 × size × inFlightPerWorker` tasks and results.
 */
export class WorkerPool<Task, Result> {
  readonly size: number;
  readonly #local: TaskHandler<Task, Result> | undefined;
  readonly #inFlightPerWorker: number;
  readonly #spawn: () => WorkerLike;
  readonly #slots: Slot<Task, Result>[] = [];
  readonly #queue: Job<Task, Result>[] = [];
  readonly #aborts = new AbortWatch();
  #lastId = 0;
  #closed = false;

  constructor(options: PoolOptions<Task, Result>) {
    const { size, inFlightPerWorker = defaultInFlightPerWorker } = options;
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a pool cannot have ${size} workers`);
    if (!Number.isSafeInteger(inFlightPerWorker) || inFlightPerWorker < 1) {
      throw new RangeError(`a worker cannot hold ${inFlightPerWorker} tasks`);
    }
    this.size = Math.max(1, size);
    this.#local = !options.workersOnly && (size <= 1 || options.callerHelps) ? options.local : undefined;
    this.#inFlightPerWorker = inFlightPerWorker;
    this.#spawn = options.spawn;
  }

  /** Runs one task. Rejects with `WorkerPoolError`, or with the signal's reason. */
  run(task: Task, options: TaskOptions = {}): Promise<Result> {
    const { promise } = this.#submit(task, options);
    return promise;
  }

  /**
   * Runs tasks and gives their results in the order of the tasks. Takes a task from the iterable only when there is
   * room for it. Ending the iteration early drops the tasks that no worker has begun.
   */
  async *map(tasks: Iterable<Task> | AsyncIterable<Task>, options: MapOptions<Task> = {}): AsyncGenerator<Result> {
    const { signal, transfer } = options;
    const ahead = this.size === 1 && this.#local ? 1 : aheadPerThread * this.size * this.#inFlightPerWorker;
    const running: { promise: Promise<Result>; drop: () => void }[] = [];
    try {
      for await (const task of tasks) {
        signal?.throwIfAborted();
        const job = this.#submit(task, { signal, transfer: transfer?.(task) ?? [] });
        // The first failure in order is thrown below; a later one must not count as unhandled until then.
        job.promise.catch(() => {});
        running.push(job);
        const first = running.length >= ahead ? running.shift() : undefined;
        if (first) yield await first.promise;
      }
      for (let first = running.shift(); first; first = running.shift()) yield await first.promise;
    } finally {
      for (const { drop } of running) drop();
    }
  }

  /** Rejects what is not done with `CLOSED_POOL`, ends all workers, and waits until they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const slots = this.#slots.splice(0);
    const jobs = [...slots.flatMap((slot) => [...slot.jobs.values()]), ...this.#queue.splice(0)];
    for (const job of jobs) job.reject(new WorkerPoolError("CLOSED_POOL", "the worker pool was closed"));
    await Promise.all(slots.map((slot) => slot.worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #submit(task: Task, { signal, transfer = [] }: TaskOptions): { promise: Promise<Result>; drop: () => void } {
    let drop = () => {};
    const promise = new Promise<Result>((resolve, reject) => {
      if (this.#closed) throw new WorkerPoolError("CLOSED_POOL", "the worker pool was closed");
      signal?.throwIfAborted();
      const settle = <T>(done: (value: T) => void) => {
        return (value: T) => {
          if (job.settled) return;
          job.settled = true;
          if (signal) this.#aborts.forget(signal, job);
          done(value);
        };
      };
      this.#lastId += 1;
      const job: Job<Task, Result> = {
        id: this.#lastId,
        task,
        transfer,
        settled: false,
        resolve: settle(resolve),
        reject: settle(reject),
      };
      drop = () => job.reject(new WorkerPoolError("CLOSED_POOL", "nobody waits for the task"));
      if (signal) this.#aborts.watch(signal, job);
      this.#queue.push(job);
      this.#dispatch();
    });
    return { promise, drop: () => drop() };
  }

  /** Hands out what waits, as far as there is room. */
  #dispatch(): void {
    for (;;) {
      while (this.#queue[0]?.settled) this.#queue.shift();
      const [job] = this.#queue;
      const idle = this.#leastBusy();
      const full = this.#slots.length >= this.size;
      if (!job || (full && !idle)) return;
      this.#queue.shift();
      try {
        // A new worker before any gets a second task.
        this.#post(idle && (full || idle.jobs.size === 0) ? idle : this.#addSlot(), job);
      } catch (cause) {
        job.reject(new WorkerPoolError("FAILED_WORKER", `a worker cannot be started: ${messageOf(cause)}`, { cause }));
      }
    }
  }

  /** The worker with room that has the least to do. */
  #leastBusy(): Slot<Task, Result> | undefined {
    let best: Slot<Task, Result> | undefined;
    for (const slot of this.#slots) {
      if (slot.jobs.size < slot.capacity && (!best || slot.jobs.size < best.jobs.size)) best = slot;
    }
    return best;
  }

  #addSlot(): Slot<Task, Result> {
    // The calling thread never fails, so as the first it stays the first.
    const local = this.#slots.length === 0 ? this.#local : undefined;
    const slot: Slot<Task, Result> = {
      worker: local ? callingThread(local) : this.#spawn(),
      capacity: local ? 1 : this.#inFlightPerWorker,
      jobs: new Map(),
    };
    slot.worker.listen({
      message: (data) => this.#receive(slot, data as TaskReply),
      failure: (cause) => this.#lose(slot, cause),
    });
    this.#slots.push(slot);
    return slot;
  }

  #post(slot: Slot<Task, Result>, job: Job<Task, Result>): void {
    slot.jobs.set(job.id, job);
    if (slot.jobs.size === 1) slot.worker.busy?.(true);
    try {
      slot.worker.post({ id: job.id, task: job.task }, job.transfer);
    } catch (cause) {
      this.#release(slot, job);
      job.reject(new WorkerPoolError("FAILED_TASK", `a task cannot be sent: ${messageOf(cause)}`, { cause }));
    }
  }

  #release(slot: Slot<Task, Result>, job: Job<Task, Result>): void {
    slot.jobs.delete(job.id);
    if (slot.jobs.size === 0) slot.worker.busy?.(false);
  }

  #receive(slot: Slot<Task, Result>, reply: TaskReply): void {
    const job = slot.jobs.get(reply.id);
    if (!job) return;
    this.#release(slot, job);
    if (reply.ok) {
      job.resolve(reply.result as Result);
    } else {
      const cause = fromPlain(reply.error);
      job.reject(new WorkerPoolError("FAILED_TASK", cause.message, { cause }));
    }
    this.#dispatch();
  }

  #lose(slot: Slot<Task, Result>, cause: Error): void {
    const index = this.#slots.indexOf(slot);
    if (index < 0) return;
    this.#slots.splice(index, 1);
    for (const job of slot.jobs.values()) {
      job.reject(new WorkerPoolError("FAILED_WORKER", `a worker failed: ${cause.message}`, { cause }));
    }
    slot.jobs.clear();
    // It has failed already: how its end goes changes nothing for anybody.
    slot.worker.terminate().catch(() => {});
    this.#dispatch();
  }
}

const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));
