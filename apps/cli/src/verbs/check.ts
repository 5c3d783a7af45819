import { nodeHasher } from "@sextant/bytes/node";
import { check as checkDdi, type DdiReport, looksLikeDdi, type SetReport } from "@sextant/ddi";
import { check as checkErofs, isErofs } from "@sextant/erofs";
import { toHex, type ByteSource } from "@sextant/bytes";
import { checkFile } from "@sextant/verity/node";
import { CommandError, exitCode } from "../errors.js";
import { loadCertificates } from "../images.js";
import { print, printJson } from "../output.js";
import { type Input, openInput, printReads } from "../sources.js";

interface CheckOptions {
  readonly certificate?: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly json?: boolean;
  readonly stats?: boolean;
}

/** A finding of any format, with where it is in the image. */
interface Finding {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly path?: string | undefined;
  readonly offset?: number | undefined;
}
