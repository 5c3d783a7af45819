import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCertificates, readPrivateKey } from "@sextant/signing";
import { withTemporaryDirectory } from "@sextant/testkit";
import { beforeAll, expect, test } from "vitest";
import { ensureBuilt, must, sextant } from "./command.js";

beforeAll(ensureBuilt);

const modeOf = (path: string) => statSync(path).mode & 0o7777;

test.each(["rsa-2048", "ecdsa-p256", "ecdsa-p384"])("a %s key that only its owner reads", async (algorithm) => {
  await withTemporaryDirectory(async (folder) => {
    const args = ["keygen", "deep/keys", "--algorithm", algorithm, "--common-name", "fleet", "--json"];
    const { text, stderr } = await must(args, { cwd: folder });
    const keys = join(folder, "deep/keys");
    expect(stderr).toBe("");
    expect(readdirSync(keys).sort()).toEqual(["sextant.crt", "sextant.key"]);
    expect([modeOf(join(keys, "sextant.key")), modeOf(join(keys, "sextant.crt"))]).toEqual([0o600, 0o644]);
    expect(readFileSync(join(keys, "sextant.key"), "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    await readPrivateKey(readFileSync(join(keys, "sextant.key")));
    const [certificate] = readCertificates(readFileSync(join(keys, "sextant.crt")));
    expect(certificate?.subject.text).toBe("CN=fleet");
    expect(JSON.parse(text)).toEqual({
      version: 1,
      key: "deep/keys/sextant.key",
      certificate: "deep/keys/sextant.crt",
      fingerprint: certificate?.fingerprint,
    });
  });
});

test("the mode does not hang on the umask", async () => {
  await withTemporaryDirectory(async (folder) => {
    const before = process.umask(0);
    try {
      await must(["keygen", "."], { cwd: folder });
    } finally {
      process.umask(before);
    }
    expect(modeOf(join(folder, "sextant.key"))).toBe(0o600);
  });
});

test.each(["sextant.key", "sextant.crt"])("a %s that is there is never replaced", async (name) => {
  await withTemporaryDirectory(async (folder) => {
    writeFileSync(join(folder, name), "precious");
    const { exitCode, text, stderr } = await sextant(["keygen", "."], { cwd: folder });
    expect({ exitCode, text }).toEqual({ exitCode: 2, text: "" });
    expect(stderr).toBe(
      `sextant: ${name}: exists already, and keys are never replaced\nhint: give another directory\n`,
    );
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(join(folder, name), "utf8")).toBe("precious");
  });
});

test("nor a dangling symlink, which would put the key elsewhere", async () => {
  await withTemporaryDirectory(async (folder) => {
    mkdirSync(join(folder, "keys"));
    symlinkSync("../elsewhere", join(folder, "keys/sextant.key"));
    expect((await sextant(["keygen", "keys"], { cwd: folder })).exitCode).toBe(2);
    expect(readdirSync(folder)).toEqual(["keys"]);
  });
});

test("a file where the directory should be is an error", async () => {
  await withTemporaryDirectory(async (folder) => {
    writeFileSync(join(folder, "file"), "");
    const { exitCode, stderr } = await sextant(["keygen", "file"], { cwd: folder });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^sextant: [^\n]*file[^\n]*\n$/);
  });
});
