import { type Finding, reporter } from "../finding.js";
import { floorOf, floors } from "../floors.js";
import { lineOf, type Member, type Workspace } from "../workspace.js";

const document = "ARCHITECTURE.md";
const begin = "<!-- floors: written by `npm run check -- --write` -->";
const end = "<!-- /floors -->";

/** ARCHITECTURE.md shows the floors as the manifests have them. */
export function checkPicture(workspace: Workspace): Finding[] {
  const { findings, error } = reporter("picture");
  const text = workspace.files.get(document) ?? "";
  const drawn = drawInto(text, workspace);
  if (drawn === undefined) error(document, 1, `has no place for the floors: ${begin} … ${end}`);
  else if (drawn !== text) {
    error(document, lineOf(text, begin), "the floors are not those of the manifests; run npm run check -- --write");
  }
  return findings;
}

/** The document with the floors between its marks drawn anew; undefined if it has no marks. */
export function drawInto(text: string, workspace: Workspace): string | undefined {
  const start = text.indexOf(begin);
  const stop = text.indexOf(end, start);
  if (start < 0 || stop < 0) return undefined;
  return `${text.slice(0, start)}${begin}\n\n${drawFloors(workspace)}\n${text.slice(stop)}`;
}

/** The floors from the top down, then each package with what it is for and what it stands on. */
export function drawFloors(workspace: Workspace): string {
  const members = workspace.members.filter((member) => floorOf(member.short) !== undefined && member.kind !== "tool");
  const onFloor = (floor: number) =>
    (floors[floor] ?? []).flatMap((name) => members.filter((member) => member.short === name));
  const picture: string[] = [];
  const rows: string[] = [];
  for (let floor = floors.length - 1; floor >= 0; floor--) {
    const here = onFloor(floor);
    if (here.length === 0) continue;
    picture.push(`    ${floor}  ${here.map((member) => member.short).join("   ")}`);
    for (const member of here) rows.push(row(floor, member));
  }
  return [...picture, "", "| floor | package | is | stands on |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

function row(floor: number, { short, directory, manifest }: Member): string {
  const below = Object.keys(manifest.dependencies ?? {}).flatMap((name) => /^@sextant\/(.+)$/.exec(name)?.[1] ?? []);
  const stands = below.length === 0 ? "–" : below.join(", ");
  return `| ${floor} | [${short}](${directory}) | ${manifest.description} | ${stands} |`;
}
