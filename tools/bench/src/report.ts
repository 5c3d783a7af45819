import type { Comparison } from "./bench.js";
import { type Measured, median } from "./measure.js";

/** The form of `--json`: version 1. Milliseconds, MiB; ratios are ours to the peer's. */
export interface ReportRow {
  readonly bench: string;
  readonly title: string;
  readonly ours: Summary;
  readonly peer?: Summary;
  readonly ratio?: { readonly median: number; readonly min: number; readonly peak?: number };
  readonly goal?: string;
  readonly notes: readonly string[];
}

export interface Summary {
  readonly label: string;
  readonly runs: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly maxMs: number;
  readonly peakMiB?: number;
}

/** A comparison as it is reported; a goal is one of whole inputs, whatever `short` made of them. */
export function reportRow(
  bench: string,
  { title, ours, peer, goal, notes = [] }: Comparison,
  short = false,
): ReportRow {
  const own = summary(ours);
  const aim = goal === undefined ? {} : { goal: short ? `${goal} (without --short)` : goal };
  const row = { bench, title, ours: own, notes, ...aim };
  if (!peer) return row;
  const other = summary(peer);
  const peak =
    own.peakMiB === undefined || other.peakMiB === undefined ? {} : { peak: round(own.peakMiB / other.peakMiB, 2) };
  const ratio = { median: round(own.medianMs / other.medianMs, 2), min: round(own.minMs / other.minMs, 2), ...peak };
  return { ...row, peer: other, ratio };
}

function summary({ label, wallMs, peakMiB }: Measured): Summary {
  const times = {
    minMs: round(Math.min(...wallMs), 1),
    medianMs: round(median(wallMs), 1),
    maxMs: round(Math.max(...wallMs), 1),
  };
  const peak = peakMiB === undefined ? {} : { peakMiB: round(peakMiB, 1) };
  return { label, runs: wallMs.length, ...times, ...peak };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const heads = ["", "min ms", "median ms", "max ms", "peak MiB"];

/** Rows as text: a line for ours, one for the peer, one for the ratio. */
export function formatRow(row: ReportRow): string {
  const lines: string[][] = [[`${row.bench}: ${row.title}`, ...heads.slice(1)], cells(row.ours)];
  if (row.peer) lines.push(cells(row.peer));
  if (row.ratio) {
    const { median: middle, min, peak } = row.ratio;
    lines.push(["  ratio", `${min} ×`, `${middle} ×`, "", peak === undefined ? "" : `${peak} ×`]);
  }
  const text = lines.map(([first = "", ...rest]) => first.padEnd(56) + rest.map((cell) => cell.padStart(11)).join(""));
  const remarks = [...(row.goal === undefined ? [] : [`goal: ${row.goal}`]), ...row.notes];
  return [...text.map((line) => line.trimEnd()), ...remarks.map((remark) => `  ${remark}`)].join("\n");
}

function cells({ label, minMs, medianMs, maxMs, peakMiB }: Summary): string[] {
  return [`  ${label}`, String(minMs), String(medianMs), String(maxMs), peakMiB === undefined ? "–" : String(peakMiB)];
}
