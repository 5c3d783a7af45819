/** Least time between two states of a progress line, in milliseconds. */
const pace = 100;

/** A line on standard error that says how far something is, and goes away; none where that is not a terminal. */
export function progressLine(): { show(what: string, done: number, all: number): void; end(): void } {
  if (!process.stderr.isTTY) return { show: () => {}, end: () => {} };
  let shown = 0;
  return {
    show(what, done, all) {
      const now = performance.now();
      if (now - shown < pace) return;
      shown = now;
      const percent = all === 0 ? 100 : Math.floor((100 * done) / all);
      process.stderr.write(`\r\x1b[K${what}: ${percent} %`);
    },
    end() {
      if (shown > 0) process.stderr.write("\r\x1b[K");
    },
  };
}
