import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { counted } from "@sextant/bytes";
import { openFile } from "@sextant/bytes/node";
import { describeWithPeers } from "@sextant/peers";
import { expect, it } from "vitest";
import { readElf } from "../src/index.js";

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]);

/** What readelf says of a file, in our terms. */
function describeText(text: string) {
  return {
    needed: all(text, /\(NEEDED\)\s+Shared library: \[(.*)\]/g),
    soname: all(text, /\(SONAME\)\s+Library soname: \[(.*)\]/g)[0],
    interpreter: all(text, /Requesting program interpreter: (.*)\]/g)[0],
    libraries: all(text, /File: (\S+)\s+Cnt/g),
    versions: all(text, /0x[0-9a-f]+:\s+Name: (\S+)\s+Flags: (?!WEAK)\S+\s+Version/g),
    provided: all(text, /Rev: 1\s+Flags: (?!BASE)\S+\s+Index: \d+\s+Cnt: \d+\s+Name: (\S+)/g),
  };
}

/** Programs and libraries of this machine: enough of them to meet every kind of list. */
function samples(): string[] {
  const libraries = "/usr/lib";
  const multiarch = readdirSync(libraries).filter((name) => name.includes("-linux-gnu"));
  const folders = ["/usr/bin", "/usr/sbin", ...multiarch.map((name) => join(libraries, name))];
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const regular = files.sort().filter((path) => lstatSync(path).isFile());
  const step = Math.max(1, Math.floor(regular.length / 200));
  return regular.filter((path, index) => index % step === 0 || /\/(libc|libm|libstdc\+\+|ld-linux)[.-]/.test(path));
}

describeWithPeers("readelf", ["readelf"], ({ readelf }) => {
  it("says the same of this machine's programs and libraries, and reads far more of them", async () => {
    let compared = 0;
    for (const path of samples()) {
      await using file = openFile(path);
      const source = counted(file);
      const elf = await readElf(source);
      if (elf === undefined) continue;
      const { text } = await readelf.run(["-dVlW", path]);
      const { needed, soname, interpreter, neededVersions, providedVersions } = elf;
      const ours = {
        needed,
        soname,
        interpreter,
        libraries: neededVersions.map((one) => one.soname),
        versions: neededVersions.flatMap(({ versions }) => versions),
        provided: providedVersions,
      };
      expect(ours, path).toEqual(describeText(text));
      expect(source.count.bytes, path).toBeLessThan(96 << 10);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(50);
  });
});
