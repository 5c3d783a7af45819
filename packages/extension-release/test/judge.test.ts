import {
  consequences,
  type ExtensionKind,
  extensionKinds,
  findReleaseFile,
  type ImageFacts,
  type ImageVerdict,
  imageFromEntry,
  judgeImage,
  kindTraits,
  parseReleaseFile,
  type ReleaseEntry,
  type ReleaseFields,
} from "@sextant/extension-release";
import { describe, expect, it } from "vitest";
import { type Content, type ImageCase, imageCases, release } from "./image-cases.js";
import { utf8 } from "./oracle.js";

const host = parseReleaseFile(utf8(release));

/** The inode of a content; the symlinks of these cases lead to nothing or to themselves. */
function entryOf(name: string, content: Content): ReleaseEntry {
  if (typeof content === "string") return { name, type: "regular" };
  if ("link" in content) return { name, type: content.link === name ? "broken" : "dangling" };
  if ("directory" in content) return { name, type: "other" };
  return { name, type: "regular", strict: content.strict };
}

function lookUp(row: ImageCase, name: string, kind: ExtensionKind) {
  const start = `${kindTraits[kind].releaseDirectory}/`;
  const entries = Object.entries(row.files).filter(([path]) => path.startsWith(start));
  return findReleaseFile(
    name,
    entries.length === 0 ? undefined : entries.map(([path, content]) => entryOf(path.slice(start.length), content)),
  );
}

function fieldsOf(content: Content | undefined): ReleaseFields | undefined {
  if (typeof content === "string") return parseReleaseFile(utf8(content));
  return content !== undefined && "text" in content ? parseReleaseFile(utf8(content.text)) : undefined;
}

function judge(row: ImageCase): ImageVerdict {
  const { kind = "sysext", name: fileName = "foo", form, files, force = false } = row;
  const found =
    form === "raw" ? imageFromEntry(`${fileName}.raw`, "regular", kind) : imageFromEntry(fileName, "directory", kind);
  if (found.is !== "image") throw new Error(`${fileName} is not an image`);
  const lookups = { sysext: lookUp(row, found.name, "sysext"), confext: lookUp(row, found.name, "confext") };
  const own = lookups[kind];
  const isThere = (path: string) => typeof files[path] === "string";
  const image: ImageFacts = {
    kind,
    type: found.type,
    lookups,
    release:
      own.status === "found" ? fieldsOf(files[`${kindTraits[kind].releaseDirectory}/${String(own.name)}`]) : undefined,
    usrLibOsRelease: isThere("usr/lib/os-release"),
    etcOsRelease: isThere("etc/os-release"),
  };
  return judgeImage({ host, image, scope: "system", architecture: "x86-64", force });
}

describe("judgeImage", () => {
  it.each(imageCases.map((row) => [row.form, row.what, row.force ? "forced" : "", row] as const))(
    "%s: %s %s",
    (_form, _what, _forced, row) => {
      const verdict = judge(row);
      expect(verdict.reason).toBe(row.reason);
      expect(verdict.outcome).toBe(row.reason.split(":")[0]);
      expect(verdict.accepted).toBe(row.reason.startsWith("accept:"));
      expect(verdict.message).not.toBe("");
    },
  );

  const facts: ImageFacts = {
    kind: "sysext",
    type: "raw",
    lookups: { sysext: { status: "none", skipped: [] } },
    release: undefined,
    usrLibOsRelease: false,
  };
  const system = { scope: "system", architecture: "x86-64" } as const;

  it("tells fatal images before a fatal host, and a fatal host before rejected images", () => {
    expect(judgeImage({ host: undefined, image: facts, ...system }).reason).toBe("fatal:metadata-no-release-file");
    expect(judgeImage({ host: undefined, image: { ...facts, type: "directory" }, ...system }).reason).toBe(
      "fatal:host-os-release-unreadable",
    );
    expect(judgeImage({ host: new Map(), image: { ...facts, etcOsRelease: true }, ...system }).reason).toBe(
      "fatal:host-id-missing",
    );
  });

  it("takes block devices as raw images and subvolumes as directories", () => {
    expect(judgeImage({ host, image: { ...facts, type: "block" }, ...system }).outcome).toBe("fatal");
    expect(judgeImage({ host, image: { ...facts, type: "subvolume" }, ...system }).outcome).toBe("reject");
  });

  it("knows images without a file system", () => {
    const verdict = judgeImage({ host, image: { ...facts, dissectable: false }, ...system, force: true });
    expect([verdict.reason, verdict.problem]).toEqual(["fatal:undissectable", "undissectable"]);
  });
});

describe("the table of consequences", () => {
  it("has one for every problem, form and class", () => {
    for (const [problem, forms] of Object.entries(consequences)) {
      for (const kind of extensionKinds) {
        const reasons = [forms.directory[kind], forms.raw[kind]];
        expect([problem, reasons.some((consequence) => consequence !== undefined)]).toEqual([problem, true]);
        for (const consequence of reasons) {
          if (consequence?.evenForced) expect(consequence.reason).toMatch(/^fatal:/);
        }
      }
    }
  });
});
