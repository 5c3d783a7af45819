import { ArchiveError } from "../errors.js";

/** What a package says about itself (deb-control(5)). */
export interface DebControl {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  /** Every field as it is spelled, in its order; lines that go on are joined by newlines. */
  readonly fields: ReadonlyMap<string, string>;
}

const required = ["Package", "Version", "Architecture"] as const;

/** Parses the `control` file of a package. Throws `ArchiveError`. */
export function parseControl(text: string): DebControl {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") {
      // A package has one paragraph.
      if (fields.size > 0) break;
      continue;
    }
    if (line.startsWith("#")) continue;
    const match = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
    if (/^[ \t]/.test(line) && current !== undefined) {
      fields.set(current, `${fields.get(current)}\n${line.slice(1).trimEnd()}`);
    } else if (match) {
      current = match[1] as string;
      fields.set(current, (match[2] as string).trimEnd());
    } else {
      throw malformed(`line ${index + 1} of the control file is no field`);
    }
  }
  // Names of fields are the same in upper and lower case.
  const byName = new Map([...fields].map(([name, value]) => [name.toLowerCase(), value]));
  const [name = "", version = "", architecture = ""] = required.map((field) => {
    const value = byName.get(field.toLowerCase());
    if (value === undefined || value === "") throw malformed(`the control file has no ${field}`);
    return value;
  });
  return { package: name, version, architecture, fields };
}

const malformed = (what: string) => new ArchiveError("MALFORMED_FIELD", what, { path: "deb.control" });
