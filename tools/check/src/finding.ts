/** Something that the check has to say about one line of one file. A hint never fails the check. */
export interface Finding {
  /** Path from the root of the repository. */
  readonly file: string;
  /** 1…n */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
  readonly severity: "error" | "hint";
}

/** `FILE:LINE: rule: message`, with `hint` before a rule that only advises. */
export function formatFinding(finding: Finding): string {
  const rule = finding.severity === "hint" ? `hint ${finding.rule}` : finding.rule;
  return `${finding.file}:${finding.line}: ${rule}: ${finding.message}`;
}

/** Findings by file, line, rule. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const key = (a: Finding) => `${a.file}\0${String(a.line).padStart(9, "0")}\0${a.rule}\0${a.message}`;
  return [...findings].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Makes the findings of one rule. */
export function reporter(rule: string) {
  const findings: Finding[] = [];
  const add = (severity: Finding["severity"]) => (file: string, line: number, message: string) => {
    findings.push({ file, line, rule, message, severity });
  };
  return { findings, error: add("error"), hint: add("hint") };
}
