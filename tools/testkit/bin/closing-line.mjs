import { writeFileSync } from "node:fs";

/**
 * A reporter whose last line counts the tests in one plain sentence, for machines that read logs. With `SEXTANT_COUNTS`
 * the counts go into that file instead, for `test.mjs` beside this file, which has more to count.
 */
export default class ClosingLine {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state in count) count[state] += 1;
        // A run that was broken off leaves tests that nobody has run.
        else count.failed += 1;
      }
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
    }
    const { SEXTANT_COUNTS: file } = process.env;
    if (file) writeFileSync(file, JSON.stringify(count));
    else process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  }
}
