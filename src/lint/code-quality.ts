/** Findings as a Code Quality report of GitLab, which a merge request shows beside the lines. */
import { createHash } from 'node:crypto';

import type { LintEffect, LintFinding, LintReport } from '../core/lint.ts';

const BY_EFFECT: Readonly<Record<LintEffect, string>> = {
  start: 'blocker',
  run: 'critical',
  offline: 'critical',
  jobs: 'major',
};
const BY_SEVERITY = { error: 'major', warning: 'minor', info: 'info' } as const;

export interface CodeQualityIssue {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: string;
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
}

/** One issue for each finding. A fingerprint stays when lines move, and equal findings have different ones. */
export function codeQualityOf({ findings }: LintReport): readonly CodeQualityIssue[] {
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const identity = [finding.rule, finding.file, finding.entry ?? 0, finding.key ?? ''].join(' ');
    const count = (seen.get(identity) ?? 0) + 1;
    seen.set(identity, count);
    return issueOf(finding, `${identity} ${count}`);
  });
}

function issueOf(finding: LintFinding, identity: string): CodeQualityIssue {
  const { rule, name, severity, effect, file, line = 1, message, consequence, corrected } = finding;
  const write = corrected === undefined ? '' : ` Write ${corrected}`;
  return {
    description: `${message}. ${consequence}${write}`,
    check_name: `${rule}/${name}`,
    fingerprint: createHash('sha256').update(identity).digest('hex'),
    severity: effect === undefined ? BY_SEVERITY[severity] : BY_EFFECT[effect],
    location: { path: file.replace(/^\.\//, ''), lines: { begin: line } },
  };
}
