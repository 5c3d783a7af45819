import { print, printJson } from "./output.js";

/** Says what a writing verb has done: text, or one JSON document; on standard error where the image itself is on standard output. */
export function reportWritten(
  output: string,
  document: object,
  lines: readonly string[],
  options: { readonly json?: boolean },
): void {
  if (output === "-") {
    for (const line of lines) process.stderr.write(`${line}\n`);
  } else if (options.json) printJson(document);
  else for (const line of lines) print(line);
}
