import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describeWithKernels } from "@sextant/peers";
import { directory, file, nameFromText } from "@sextant/tree";
import { expect, test } from "vitest";
import { bootLab, compareMounted, describeMounted, LabError } from "../src/index.js";
import { loadModules } from "../src/modules.js";
import { ours } from "./images.js";

/** Of this process's descendants; QEMU is started through another program, which it replaces. */
function guests(): string[] {
  const commandOf = (pid: string) => {
    const path = `/proc/${pid}/cmdline`;
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  };
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(marker));
}

/** Stands on the kernel's command line of the guests of this file. */
const marker = `lab.test=${process.pid}`;
const leftFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("sextant-lab-")).length;

describeWithKernels("a guest", ["6.12"], ({ "6.12": kernel }) => {
  test("gives outputs byte for byte, exit codes, and takes disks", async () => {
    const before = leftFolders();
    const { results, seconds } = await bootLab({
      kernel,
      append: marker,
      disks: [{ image: new Uint8Array(700).fill(0x61) }, { image: new Uint8Array(4096).fill(0x62), readonly: false }],
      commands: [
        { name: "bytes", script: "printf 'a\\0\\377\\nend\\n'; echo oops >&2; exit 3" },
        { name: "disks", script: "head -c 3 /disks/0; head -c 3 /disks/1; stat -c %s /sys/block/vda/size" },
        { name: "write", script: "echo x >/disks/1; echo x >/disks/0" },
        { name: "empty", script: "" },
        { name: "command-line", script: "cat /proc/cmdline" },
      ],
    });
    const text = (name: string) => Buffer.from(results.get(name)?.stdout ?? []).toString("latin1");
    expect(results.get("bytes")).toMatchObject({ exitCode: 3, stderr: "oops\n" });
    expect(text("bytes")).toBe("a\0\xff\nend\n");
    expect(text("disks")).toMatch(/^aaabbb/);
    expect(results.get("write")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("not permitted") });
    expect(results.get("empty")).toEqual({ exitCode: 0, stdout: new Uint8Array(0), stderr: "" });
    expect(text("command-line")).toContain(marker);
    expect(seconds).toBeGreaterThan(0);
    expect(leftFolders()).toBe(before);
  });

  test("is killed where it takes too long", async () => {
    const commands = [{ name: "wait", script: "sleep 600" }];
    const boot = bootLab({ kernel, append: marker, commands, timeoutSeconds: 2 });
    const error = await boot.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LabError);
    expect(String(error)).toContain("did not end within 2 s");
    expect(guests()).toEqual([]);
  });

  test("that crashes is a failure with what came before, not a hang", async () => {
    const commands = [
      { name: "first", script: "true" },
      { name: "crash", script: "echo c >/proc/sysrq-trigger" },
    ];
    const error = await bootLab({ kernel, append: marker, commands }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LabError);
    expect(String(error)).toContain("the guest ended after first;");
    expect((error as LabError).console).toContain("Kernel panic");
  });

  test("shows where a mounted image is not the tree", async () => {
    const make = (content: string, mode: number) => {
      const root = directory();
      root.entries.set(nameFromText("same"), file(Buffer.from("same")));
      root.entries.set(nameFromText("other one"), file(Buffer.from(content), { mode }));
      return root;
    };
    const packed = make("abc", 0o644);
    packed.entries.set(nameFromText("more"), file(Buffer.from("more")));
    const wanted = make("abd", 0o600);
    wanted.entries.set(nameFromText("less"), directory());
    const images = [
      { name: "differs", image: await ours()(packed) },
      { name: "is no image", image: new Uint8Array(8192) },
    ];
    const [differs, no] = await describeMounted(kernel, images);
    if (differs === undefined || no === undefined) throw new Error("a result for each image");
    const digests = (text: string) => expect.stringMatching(text);
    expect(await compareMounted(wanted, differs)).toEqual([
      "/less: missing",
      digests(String.raw`^/other\\x20one: has mode=0644 sha256=\w{64}, not mode=0600 sha256=\w{64}$`),
      "/more: unexpected",
    ]);
    expect(no).toMatchObject({ name: "is no image", mounted: false, complaints: expect.stringContaining("mount") });
    expect((await compareMounted(wanted, no)).join()).toContain("erofs: ");
  });

  test("takes modules with what they need, each once, and none that is built in", async () => {
    const names = (await loadModules(kernel, ["dm-verity", "erofs", "btrfs", "virtio_pci"])).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("virtio_pci");
    for (const [first, later] of [
      ["dm_mod", "dm_bufio"],
      ["dm_bufio", "dm_verity"],
      ["libcrc32c", "erofs"],
      ["raid6_pq", "btrfs"],
    ] as const) {
      expect([first, names.indexOf(first) >= 0 && names.indexOf(first) < names.indexOf(later)]).toEqual([first, true]);
    }
    await expect(loadModules(kernel, ["no-such"])).rejects.toThrow("has no module no_such");
  });
});
