import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inSystemdRoot } from "@sextant/peers";

/** A host tree of this machine and the command to run on it. */
export interface BatchCase {
  readonly root: string;
  readonly kind: "sysext" | "confext";
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** An overlay that the command has mounted, its words as in /proc/self/mountinfo. */
export interface BatchMount {
  /** Below the host's root, such as `/usr`. */
  readonly path: string;
  readonly flags: string;
  readonly options: string;
  readonly mode: string;
}

/** What systemd did with a case. */
export interface BatchResult {
  readonly exitCode: number;
  readonly mounts: readonly BatchMount[];
  /** The names in the metadata of the merge, the lowest layer first. */
  readonly order: readonly string[];
  readonly log: string;
}

/** Each case in a mount namespace of its own, so that nothing is there for the next one. */
const one = `
mount --make-rprivate / && mount --make-rshared /
folder=$1; . "$folder/run"
echo $? > "$folder/code"
grep -F " $root/" /proc/self/mountinfo | grep -F " - overlay " > "$folder/mounts"
for hierarchy in usr opt etc; do
  for list in "$root/$hierarchy"/.systemd-*/extensions "$root/$hierarchy"/.systemd-*/confexts; do
    [ -f "$list" ] && cat "$list" > "$folder/order"
  done
done
while read -r _ _ _ _ at _; do printf '%s %s\\n' "$(stat -c %a "$at" 2>/dev/null)" "$at"; done < "$folder/mounts" > "$folder/modes"
`;

const all = `
printf '%s\\0' "$1"/case-* | xargs -0 -n 1 -P 4 unshare --mount --propagation unchanged bash -c "$one" one
for folder in "$1"/case-*; do
  for part in code mounts order modes log; do
    printf '\\1%s %s\\n' "\${folder##*/case-}" "$part"
    cat "$folder/$part" 2>/dev/null
  done
done
`;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Runs systemd-sysext or its confext sister on many host trees, with one entry into systemd's root. */
export async function runBatch(folder: string, cases: readonly BatchCase[]): Promise<readonly BatchResult[]> {
  for (const [at, { root, kind, args = [], env = {} }] of cases.entries()) {
    const own = join(folder, `case-${at}`);
    mkdirSync(own, { recursive: true });
    const set = Object.entries(env).map(([key, value]) => `export ${key}=${quoted(value)}\n`);
    const command = [`/usr/bin/systemd-${kind}`, `--root=${root}`, "--no-pager", ...args, "merge"].map(quoted);
    const log = quoted(join(own, "log"));
    writeFileSync(join(own, "run"), `root=${quoted(root)}\n${set.join("")}${command.join(" ")} > ${log} 2>&1\n`);
  }
  const result = await inSystemdRoot({
    script: all,
    argv: [folder],
    env: { one, SYSTEMD_LOG_LEVEL: "debug", SYSTEMD_LOG_TARGET: "console" },
    timeoutMs: 240_000,
  });
  if (result.exitCode !== 0) throw new Error(`the batch failed: ${result.stderr}`);
  const parts = new Map<string, string>();
  for (const part of result.text.split("\x01").slice(1)) {
    const end = part.indexOf("\n");
    parts.set(part.slice(0, end), part.slice(end + 1));
  }
  return cases.map(({ root }, at) => {
    const text = (part: string) => parts.get(`${at} ${part}`) ?? "";
    const lines = (part: string) =>
      text(part)
        .split("\n")
        .filter((line) => line !== "");
    const modes = new Map(lines("modes").map((line) => line.split(" ", 2).reverse() as [string, string]));
    return {
      exitCode: Number.parseInt(text("code"), 10),
      mounts: lines("mounts").map((line) => mountOf(line, root, modes)),
      order: lines("order"),
      log: text("log"),
    };
  });
}

/** Mountinfo escapes what would end a field. */
const plain = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));

function mountOf(line: string, root: string, modes: ReadonlyMap<string, string>): BatchMount {
  const words = line.split(" ");
  const [at = "", flags = ""] = words.slice(4);
  const options = plain(words.slice(words.indexOf("-") + 3).join(" "));
  return { path: plain(at).slice(root.length), flags, options, mode: modes.get(at) ?? "" };
}
