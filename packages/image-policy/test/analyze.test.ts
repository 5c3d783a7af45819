import { describeWithPeers } from "@sextant/peers";
import { seededRandom } from "@sextant/testkit";
import { expect, it } from "vitest";
import {
  type Allowed,
  allowedFor,
  designators,
  formatPolicy,
  type ImagePolicy,
  PolicyError,
  parsePolicy,
} from "../src/index.js";
import { flags, shorthands } from "../src/words.js";

/** The table of `systemd-analyze image-policy`, from ours. */
function describePolicy(policy: ImagePolicy): Record<string, string> {
  return Object.fromEntries(designators.map((name) => [name, row(allowedFor(policy, name))]));
}

function row({ uses, readOnly, growFileSystem, filesystems }: Allowed): string {
  const use = uses.join("+");
  const mode = uses.length === 7 ? "open" : use === "unused+absent" ? "ignore" : use === "" ? "-" : use;
  const bit = (value: boolean | undefined) => (value === undefined ? "-" : value ? "yes" : "no");
  return [mode, bit(readOnly), bit(growFileSystem), filesystems?.join("+") ?? "-"].join(" ");
}

const random = seededRandom(262);
const words = [...flags, ...Object.keys(shorthands)];

function randomPolicy(): string {
  const names = random.shuffled([...designators, ""]).slice(0, 1 + random.below(4));
  const rules = names.map((name) => {
    const some = random.shuffled(words).slice(0, random.below(6));
    return `${name}=${some.length > 0 ? some.join("+") : random.pick(["", "-"])}`;
  });
  return rules.join(":");
}

const fixed = [
  "*",
  "-",
  "~",
  "@sysext",
  "root=open:usr=ignore",
  " root = verity + signed : = absent ",
  "=absent",
  "=unused+absent",
  "=open",
  "root=signed+",
  "root",
  "root=open::usr=open",
  "root=open:root=absent",
  "=open:=absent",
  "boot=open",
  "root=opened",
  "root=+",
  ":",
];
const aliases: Readonly<Record<string, string>> = {
  "@sysext": `root=verity+signed+encrypted+encryptedwithintegrity+unprotected+absent:usr=verity+signed+encrypted+encryptedwithintegrity+unprotected+absent`,
};

describeWithPeers("systemd-analyze image-policy", ["systemd-analyze"], ({ "systemd-analyze": analyze }) => {
  const cases = [...fixed, ...Array.from({ length: 120 }, randomPolicy)];
  it.each(cases)("%s", async (text) => {
    const { exitCode, text: said } = await analyze.run(["image-policy", "--no-pager", text]);
    let policy: ImagePolicy | undefined;
    try {
      policy = parsePolicy(aliases[text] ?? text);
    } catch (error) {
      expect(error).toBeInstanceOf(PolicyError);
    }
    if (exitCode !== 0 || policy === undefined) {
      expect([policy === undefined, exitCode !== 0]).toEqual([true, true]);
      return;
    }
    const short = /Analyzing policy: (.*)/.exec(said)?.[1];
    const long = /Long form: (.*)/.exec(said)?.[1] ?? short;
    const table = [...said.matchAll(/^([a-z-]+) +(\S+) +(\S+) +(\S+) +(\S+)$/gm)];
    const theirs = Object.fromEntries(table.map(([, name, ...columns]) => [name, columns.join(" ")]));
    delete theirs["default"];
    expect({
      short: formatPolicy(policy),
      long: formatPolicy(policy, { form: "full" }),
      table: describePolicy(policy),
    }).toEqual({
      short,
      long,
      table: theirs,
    });
  });
});
