/** The one sentence at the top: which runners get no jobs, and why. */
import type { Snapshot } from '../core/check.ts';
import type { Cause } from '../core/diagnosis.ts';
import { detailOf, reasonOf } from '../core/finding.ts';
import { allEndpoints, allRunners } from '../core/host-context.ts';
import type { RunnerTarget } from '../core/target.ts';
import type { Verdict } from '../core/vocabulary.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { unjudgedChecks } from './unjudged.ts';

const MAX_NAMES = 3;
/** Scopes of causes on the path between a runner and its GitLab. */
const ON_THE_PATH: ReadonlySet<string> = new Set(['gitlab', 'host', 'runner']);

export function summaryOf(verdict: Verdict, causes: readonly Cause[], snapshot: Snapshot): string {
  const [worst] = sortBySeverity(causes);
  if (worst !== undefined && verdict !== 'unsure') {
    const more =
      causes.length > 1
        ? ` ${causes.length - 1} more ${causes.length === 2 ? 'cause' : 'causes'}.`
        : '';
    return `${leadOf(worst, snapshot)}${more}`;
  }
  return verdict === 'healthy' ? healthySummary(snapshot) : unsureSummary(snapshot, causes);
}

function leadOf(cause: Cause, { hostContext }: Snapshot): string {
  const { scope, severity, summary } = cause;
  const concerned = allRunners(hostContext).filter(({ id }) => scope.runners.includes(id));
  const [first] = concerned;
  if (severity !== 'critical' || first === undefined || !ON_THE_PATH.has(scope.kind))
    return summary;
  const verb = concerned.length === 1 ? 'gets' : 'get';
  return `${namesOf(concerned)} ${verb} no jobs: ${lowerFirst(summary)}`;
}

/** First words of sentences that are not names. */
const PLAIN_WORD =
  /^(?:A|An|At|Connection|Connections|Direct|Job|Jobs|Large|Line|No|Nothing|Packets|Port|The|This|Two|With) /;

/** A sentence after a colon. */
function lowerFirst(text: string): string {
  return PLAIN_WORD.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function namesOf(runners: readonly RunnerTarget[]): string {
  const names = runners.map(({ name }) => name);
  if (names.length <= MAX_NAMES) return names.join(', ');
  return `${names.slice(0, MAX_NAMES - 1).join(', ')} and ${names.length - MAX_NAMES + 1} more runners`;
}

function healthySummary({ hostContext }: Snapshot): string {
  const runners = allRunners(hostContext);
  const endpoints = allEndpoints(hostContext);
  const where =
    endpoints.length === 1
      ? (endpoints[0]?.id ?? 'GitLab')
      : `${endpoints.length} GitLab addresses`;
  const who =
    runners.length === 1
      ? `${runners[0]?.name ?? 'The runner'} reaches`
      : `${runners.length} runners reach`;
  return `${who} ${where}; no problem found.`;
}

function unsureSummary(snapshot: Snapshot, causes: readonly Cause[]): string {
  const { checks, hostContext } = snapshot;
  if (checks.every(({ finding }) => reasonOf(finding) === 'not-run-yet')) {
    return 'No check has run yet.';
  }
  const [first, ...others] = unjudgedChecks(snapshot, causes);
  if (first === undefined) {
    const names = namesOf(allRunners(hostContext));
    return `No problem found, but the path of ${names} to GitLab is not checked.`;
  }
  const count = `${others.length + 1} of ${checks.length} checks have no result`;
  const what = `${first.check.id}: ${detailOf(first.finding)}`;
  return `No problem found, but ${count} (${what}).`;
}
