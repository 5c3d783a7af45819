import { readFileSync } from "node:fs";

/** The cases of a recorded oracle file. */
export function oracle<Case>(name: string): readonly Case[] {
  const url = new URL(`../../../test-images/oracle/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { cases: Case[] }).cases;
}

export const utf8 = (text: string) => new TextEncoder().encode(text);
