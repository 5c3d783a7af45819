import { type ExtensionKind, parseBoolean } from "@sextant/extension-release";
import { type ImagePolicy, PolicyError, parsePolicy } from "@sextant/image-policy";
import {
  type Finding,
  findCollisions,
  isWanted,
  type Layer,
  type MergePlan,
  type MutableMode,
  mutableModes,
  PlanError,
  type PlannedHierarchy,
  type PlannedImage,
  parseHierarchies,
  planMerge,
  rules,
  severities,
} from "@sextant/merge-planner";
import { nameToText } from "@sextant/tree";
import { lazyDirectory } from "@sextant/tree/node";
import { exitCode, usageError } from "../errors.js";
import { checkArchitecture, machineArchitecture } from "../hosts.js";
import { formatTable, print, printJson } from "../output.js";
import { openPlanned } from "../plans.js";

interface PlanOptions {
  readonly root: string;
  readonly json?: boolean;
  readonly class?: ExtensionKind;
  readonly arch?: string;
  readonly force?: boolean;
  readonly mutable?: string;
  readonly noexec?: string;
  readonly hierarchies?: string;
  readonly overlayOptions?: string;
  readonly imagePolicy?: string;
  readonly failOn?: readonly string[];
}

/** Tells what systemd-sysext or systemd-confext would merge into a host tree, and how. */
export async function plan(options: PlanOptions): Promise<number> {
  const kind = options.class ?? "sysext";
  const architecture = options.arch === undefined ? machineArchitecture() : checkArchitecture(options.arch);
  const { force } = options;
  const mutable = mutableMode(options.mutable);
  const noexec = boolean("--noexec", options.noexec);
  const hierarchies = hierarchyList(options.hierarchies);
  const imagePolicy = policyOf(options.imagePolicy);
  const failOn = checkFailOn(options.failOn);
  const made = await planMerge({
    root: lazyDirectory(options.root),
    openImage: (entry) => openPlanned(entry, kind, architecture),
    architecture,
    kind,
    force,
    mutable,
    noexec,
    hierarchies,
    overlayOptions: options.overlayOptions,
    imagePolicy,
  });
  const findings = await findCollisions(made);
  if (options.json) printJson(document(made, findings));
  else {
    printPlan(made);
    printFindings(findings);
  }
  const unwanted = failOn.some((word) => findings.some((finding) => isWanted(finding, word)));
  return made.fatal === undefined && !unwanted ? exitCode.done : exitCode.no;
}

/** Words that findings are held against. */
function checkFailOn(words: readonly string[] = []): readonly string[] {
  const known: readonly string[] = [...severities, ...Object.keys(rules)];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown === undefined) return words;
  throw usageError("--fail-on", `"${unknown}" is neither a severity nor a rule`, `it can be ${known.join(", ")}`);
}

function mutableMode(text: string | undefined): MutableMode | undefined {
  if (text === undefined) return undefined;
  const known = mutableModes.find((mode) => mode === text);
  if (known !== undefined) return known;
  const yes = parseBoolean(text);
  if (yes === undefined) throw usageError("--mutable", `"${text}" is not one of ${mutableModes.join(", ")}`);
  return yes ? "yes" : "no";
}

function boolean(flag: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const value = parseBoolean(text);
  if (value === undefined) throw usageError(flag, `"${text}" is neither yes nor no`);
  return value;
}

function hierarchyList(text: string | undefined): readonly string[] | undefined {
  try {
    return text === undefined ? undefined : parseHierarchies(text);
  } catch (error) {
    if (error instanceof PlanError) throw usageError("--hierarchies", error.message);
    throw error;
  }
}

function policyOf(text: string | undefined): ImagePolicy | undefined {
  try {
    return text === undefined ? undefined : parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyError) throw usageError("--image-policy", error.message);
    throw error;
  }
}

const octal = (mode: number) => `0${mode.toString(8)}`;

const layerName = ({ is, name }: Layer) => name ?? `<${is}>`;

/** Images as systemd would tell them: none where discovery itself fails. */
const notFound = ({ fatal }: MergePlan) => fatal !== undefined && fatal.stage === "discovery";

function document(made: MergePlan, findings: readonly Finding[]): object {
  const { fatal } = made;
  const images = made.images.map((image) => imageDocument(image, made));
  const hierarchies = made.hierarchies.map(hierarchyDocument);
  return {
    version: 1,
    class: made.kind,
    scope: made.scope,
    verified: "unverified",
    fatal: fatal === undefined ? null : { code: fatal.code, image: fatal.image, message: fatal.message },
    images: notFound(made) ? [] : images,
    order: fatal === undefined ? made.order : [],
    hierarchies: fatal === undefined ? hierarchies : [],
    shadowed: made.shadowed.map(({ name, path, by }) => ({
      name,
      path: `/${nameToText(path)}`,
      by: `/${nameToText(by)}`,
    })),
    ignored: made.ignored.map(({ path, why }) => ({ path: `/${nameToText(path)}`, why })),
    findings,
    // What would be merged if whatever is fatal were not there.
    otherwise:
      fatal === undefined
        ? null
        : { images: images.map(({ name, outcome }) => ({ name, outcome })), order: made.order, hierarchies },
  };
}

function imageDocument(image: PlannedImage, { fatal }: MergePlan) {
  const { name, type, outcome, reason, message } = image;
  const path = `/${nameToText(image.path)}`;
  return { name, type, path, accepted: image.accepted && fatal === undefined, outcome, reason, message };
}

function hierarchyDocument(hierarchy: PlannedHierarchy): object {
  const { path, layers, flags, options, upper, work, mode } = hierarchy;
  return {
    path,
    layers: layers.map(layerName),
    flags,
    options,
    upper: upper === undefined ? null : nameToText(upper),
    work: work === undefined ? null : nameToText(work),
    mode: octal(mode),
  };
}

const outcomeWords = { accept: "merged", reject: "left out", fatal: "blocks" } as const;

function printPlan(made: MergePlan): void {
  const { fatal } = made;
  if (fatal !== undefined) {
    print(`systemd-${made.kind} would fail and merge nothing: ${fatal.message} (${fatal.code})`);
    print();
  }
  const rows = made.images.map((image) => {
    const word = fatal !== undefined && image.accepted ? "held up" : outcomeWords[image.outcome];
    return [word, image.name, image.type, `/${nameToText(image.path)}`, image.message];
  });
  if (rows.length === 0) print(`There is no ${made.kind} in the search directories.`);
  for (const line of formatTable(rows)) print(line);
  if (fatal === undefined) printHierarchies(made);
}

function printHierarchies({ hierarchies }: MergePlan): void {
  for (const { path, layers, flags, upper } of hierarchies) {
    print();
    print(`${path}  ${flags}${upper === undefined ? "" : `, written to ${nameToText(upper)}`}`);
    for (const layer of layers) print(`  ${layerName(layer)}`);
  }
}

/** Paths that text shows of a finding; `--json` has all of them. */
const shownPaths = 5;

/** Columns that sentences are wrapped to. */
const columns = 80;

/** Prints a sentence in lines; those after the first are indented. */
function printWrapped(sentence: string, indent = ""): void {
  let line = indent;
  for (const word of sentence.split(" ")) {
    if (line.trim() !== "" && line.length + word.length + 1 > columns) {
      print(line);
      line = `  ${word}`;
    } else {
      line += line.trim() === "" ? word : ` ${word}`;
    }
  }
  print(line);
}

function printFindings(findings: readonly Finding[]): void {
  for (const { rule, severity, message, paths, fix } of findings) {
    print();
    printWrapped(`${severity}: ${rule}: ${message}`);
    for (const path of paths.slice(0, shownPaths)) print(`  ${path}`);
    if (paths.length > shownPaths) print(`  and ${paths.length - shownPaths} more`);
    printWrapped(`fix: ${fix}`, "  ");
  }
}
