/**
 * The terms that users rely on. Every enumeration that leaves the program is declared here, in the order in which it
 * is shown.
 */

/** `unknown`: the probe could not find out. It never means that the target is down. */
export const STATUSES = ['pass', 'warn', 'fail', 'unknown', 'skipped'] as const;
export type Status = (typeof STATUSES)[number];

export const VERDICTS = ['healthy', 'degraded', 'broken', 'unsure'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** From worst to mildest. `info` never alerts and never changes the verdict. */
export const SEVERITIES = ['critical', 'warning', 'notice', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The worst first; causes of one severity stay in the order of blame. */
export function sortBySeverity<T extends { readonly severity: Severity }>(
  causes: readonly T[],
): readonly T[] {
  return causes.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

export const SEVERITY_MEANINGS: Readonly<Record<Severity, string>> = {
  critical: 'the runner cannot fetch jobs or report their results now.',
  warning: 'jobs fail, or the next restart or reconnect will fail.',
  notice: 'it works, but should be checked.',
  info: 'good to know; it never alerts and never changes the verdict.',
};

export type Confidence = 'suspected' | 'confirmed';

/** The links of the walk to GitLab, in the order in which the runner passes them. */
export const LINKS = ['dns', 'connect', 'proxy', 'tls', 'http', 'api', 'token'] as const;
export type Link = (typeof LINKS)[number];

export const SCOPES = [
  'host',
  'config',
  'service',
  'gitlab',
  'runner',
  'mount',
  'executor',
  'monitor',
] as const;
export type Scope = (typeof SCOPES)[number];
