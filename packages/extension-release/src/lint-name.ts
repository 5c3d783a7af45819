import type { ReleaseFinding } from "./lint.js";
import { imageNameMaxBytes, imageNameProblem } from "./names.js";
import { byteString, type FileName, show, textOf } from "./text.js";

/** The characters with which nothing goes wrong anywhere. */
const plainImageName = /^[A-Za-z0-9._~^+-]+$/;

/**
 * What is questionable about an image name. Names with `,`, `:`, `\`, `"` or `'` make the whole merge fail, because the
 * options of the overlay mount are escaped once and unescaped twice; a name over 237 bytes leaves no room for the release
 * file's own.
 */
export function lintImageName(name: FileName): readonly ReleaseFinding[] {
  const shown = show(textOf(name) ?? byteString(name));
  const problem = imageNameProblem(name);
  if (problem !== undefined) {
    return [
      { rule: "name-invalid", severity: "error", message: `no image can be called ${shown}: the name ${problem}` },
    ];
  }
  const bytes = byteString(name);
  const fix = "use letters, digits and ._~^+-";
  const findings: ReleaseFinding[] = [];
  if (bytes.length > imageNameMaxBytes) {
    const message = `the image name has ${bytes.length} bytes, its release file's name would not fit beyond ${imageNameMaxBytes}`;
    findings.push({ rule: "name-too-long", severity: "error", message });
  }
  if (/[,:\\"']/.test(bytes)) {
    const message = `the image name ${shown} has one of , : \\ " ' in it, which makes the merge of all images fail`;
    findings.push({ rule: "name-breaks-merge", severity: "error", message, fix });
  } else if (!plainImageName.test(bytes)) {
    const message = `the image name ${shown} has characters that tools may stumble over`;
    findings.push({ rule: "name-unusual", severity: "warning", message, fix });
  }
  return findings;
}
