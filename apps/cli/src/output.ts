/** Prints a line of a verb's result. */
export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** The one JSON document of a verb. u64 numbers become numbers where they are safe, text otherwise; bytes become hex. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, replace, 2)}\n`);
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value;
}

/** Something that the user should know and that does not stop the work. */
export function warn(line: string): void {
  process.stderr.write(`sextant: warning: ${line.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ")}\n`);
}

/** `12 B`, `1.5 KiB`, `101.2 MiB`. */
export function formatSize(bytes: number | bigint): string {
  let value = Number(bytes);
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Columns as wide as their widest cell; the last one is never padded. */
export function formatTable(rows: readonly (readonly string[])[], gap = "  "): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join(gap)
      .trimEnd(),
  );
}

/** `1 block`, `2 blocks`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
