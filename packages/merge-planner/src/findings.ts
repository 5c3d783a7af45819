import { byBytes } from "./order.js";
import { type Finding, type RuleName, rules, type Severity } from "./rules.js";

/** Collects findings: those of one rule about the same layers become one with many paths. */
export interface Findings {
  add(rule: RuleName, images: readonly string[], path: string, detail?: FindingDetail): void;
  all(): readonly Finding[];
}

/** What is special about a finding; findings with different details are told apart. */
export interface FindingDetail {
  /** Who takes part, where that is more than images: `b over a and the host`. */
  readonly who?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly fix?: string | undefined;
}

interface Group {
  readonly rule: RuleName;
  readonly images: readonly string[];
  readonly detail: FindingDetail;
  readonly paths: string[];
}

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** An empty collection. */
export function collectFindings(): Findings {
  const groups = new Map<string, Group>();
  return {
    add(rule, images, path, detail = {}) {
      // NUL is in no name.
      const key = [rule, detail.who, detail.severity, detail.fix, ...images].join("\0");
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { rule, images, detail, paths: [path] });
      else group.paths.push(path);
    },
    all: () => [...groups.values()].map(finish).sort(worstFirst),
  };
}

function worstFirst(a: Finding, b: Finding): number {
  return rank[a.severity] - rank[b.severity] || byBytes(a.rule, b.rule) || byBytes(a.paths[0] ?? "", b.paths[0] ?? "");
}

function finish({ rule, images, detail, paths }: Group): Finding {
  const { severity, explanation, fix } = rules[rule];
  const who = detail.who ?? images.join(", ");
  return {
    rule,
    severity: detail.severity ?? severity,
    message: `${who}: ${explanation}`,
    paths: paths.sort(byBytes),
    images,
    fix: detail.fix ?? fix,
  };
}
