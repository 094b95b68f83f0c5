/** The one sentence at the top: who cannot do what, and why. */
import type { Cause } from '../core/diagnosis.ts';
import { detailOf, reasonOf } from '../core/finding.ts';
import type { RunnerTarget } from '../core/target.ts';
import { unjudgedChecks } from '../core/verdict.ts';
import type { Verdict } from '../core/vocabulary.ts';
import type { SnapshotIndex } from './snapshot-index.ts';

const MOST_NAMES = 3;
/** Scopes of causes that stand between an entry and its GitLab. */
const ON_THE_WAY: ReadonlySet<string> = new Set(['gitlab', 'host', 'runner']);

export function summaryOf(
  verdict: Verdict,
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): string {
  const [worst] = causes.toSorted((a, b) => rank(a) - rank(b));
  if (worst !== undefined && verdict !== 'unsure') {
    const more = causes.length > 1 ? ` And ${causes.length - 1} more.` : '';
    return `${leadOf(worst, indexed)}${more}`;
  }
  return verdict === 'healthy' ? healthy(indexed) : unsure(indexed, causes);
}

function rank({ severity }: Cause): number {
  return ['critical', 'warning', 'notice', 'info'].indexOf(severity);
}

function leadOf(cause: Cause, { hostContext }: SnapshotIndex): string {
  const { scope, severity, summary } = cause;
  const concerned = hostContext.runners.filter(({ id }) => scope.runners.includes(id));
  const [first] = concerned;
  if (severity !== 'critical' || first === undefined || !ON_THE_WAY.has(scope.kind)) return summary;
  const urls = new Set(concerned.map(({ url }) => url));
  const where = urls.size === 1 ? first.url : 'GitLab';
  return `${namesOf(concerned)} cannot reach ${where}: ${lowered(summary)}`;
}

/** A sentence that goes on after a colon. */
function lowered(text: string): string {
  return /^[A-Z][a-z]+ /.test(text) && !text.startsWith('GitLab')
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : text;
}

function namesOf(runners: readonly RunnerTarget[]): string {
  const names = runners.map(({ name }) => name);
  if (names.length <= MOST_NAMES) return names.join(', ');
  return `${names.slice(0, MOST_NAMES - 1).join(', ')} and ${names.length - MOST_NAMES + 1} more runners`;
}

function healthy({ hostContext }: SnapshotIndex): string {
  const { runners, endpoints } = hostContext;
  const where =
    endpoints.length === 1
      ? (endpoints[0]?.id ?? 'GitLab')
      : `${endpoints.length} GitLab addresses`;
  const who =
    runners.length === 1
      ? `${runners[0]?.name ?? 'The runner'} reaches`
      : `${runners.length} runners reach`;
  return `${who} ${where}; nothing is wrong.`;
}

function unsure({ snapshot }: SnapshotIndex, causes: readonly Cause[]): string {
  const { checks, hostContext } = snapshot;
  if (checks.every(({ finding }) => reasonOf(finding) === 'not-run-yet')) {
    return 'Nothing has been looked at yet.';
  }
  const [first, ...others] = unjudgedChecks(snapshot, causes);
  if (first === undefined) {
    const names = namesOf(hostContext.runners);
    return `Nothing is known to be wrong, and the way of ${names} to GitLab is not looked at.`;
  }
  const count = `${others.length + 1} of ${checks.length} checks could not be judged`;
  const what = `${first.check.id}: ${detailOf(first.finding)}`;
  return `Nothing is known to be wrong, and ${count} (${what}).`;
}
