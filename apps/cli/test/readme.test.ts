import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { repositoryPath, withTemporaryDirectory } from "@sextant/testkit";
import { beforeAll, expect, test } from "vitest";
import { ensureBuilt } from "./command.js";

beforeAll(ensureBuilt);

/** The commands of a console block and what stands below each. */
function parseConsole(block: string): { command: string; output: string }[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = "", ...output] = part.split("\n");
      return { command, output: output.join("\n").trim() };
    });
}

/** A new key has a fingerprint of its own; everything else comes out the same for everybody. */
const unkeyed = (text: string) => text.replace(/^(fingerprint {2})[0-9a-f]{64}$/m, "$1…");

test("the README's example does what the README says", async () => {
  const readme = readFileSync(join(repositoryPath, "README.md"), "utf8");
  const block = /<!-- example -->\s*```console\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const steps = parseConsole(block);
  expect(steps.map(({ command }) => command.split(" ")[1])).toEqual(["keygen", "build", "match", "check"]);
  await withTemporaryDirectory(async (directory) => {
    mkdirSync(join(directory, "hello/usr/bin"), { recursive: true });
    for (const made of ["hello", "hello/usr", "hello/usr/bin"]) chmodSync(join(directory, made), 0o755);
    writeFileSync(join(directory, "hello/usr/bin/hello"), "#!/bin/sh\necho hello\n");
    chmodSync(join(directory, "hello/usr/bin/hello"), 0o755);
    for (const version of [12, 13]) {
      const osRelease = readFileSync(join(repositoryPath, `test-images/hosts/debian-${version}.os-release`));
      writeFileSync(join(directory, `debian-${version}`), osRelease);
    }
    const PATH = [join(repositoryPath, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
    for (const { command, output } of steps) {
      // A refused host makes the exit code 1, which is what the example shows.
      const script = `{ ${command}; } 2>&1; [ $? -le 1 ]`;
      const printed = execFileSync("sh", ["-c", script], {
        cwd: directory,
        env: { ...process.env, PATH },
        encoding: "utf8",
      });
      expect(unkeyed(printed.trim()), command).toBe(unkeyed(output));
    }
  });
});
