/** The one sentence at the top: which runners get no jobs, and why. */
import type { Snapshot } from '../core/check.ts';
import type { Cause, Diagnosis, RunnerVerdict } from '../core/diagnosis.ts';
import { detailOf, reasonOf } from '../core/finding.ts';
import { allEndpoints, allRunners } from '../core/host-context.ts';
import { plainIdOf } from '../core/target.ts';
import { BLIND, stoppedBy } from '../core/verdict.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { unjudgedChecks } from './unjudged.ts';

const MAX_NAMES = 3;
/** Scopes of causes on the path between a runner and its GitLab. */
const ON_THE_PATH: ReadonlySet<string> = new Set(['gitlab', 'host', 'runner']);

export function summaryOf(
  { verdict, causes, runners }: Pick<Diagnosis, 'verdict' | 'causes' | 'runners'>,
  snapshot: Snapshot,
): string {
  const worst = worstOf(causes, runners);
  if (worst !== undefined && verdict !== 'unsure') {
    const more =
      causes.length > 1
        ? ` ${causes.length - 1} more ${causes.length === 2 ? 'cause' : 'causes'}.`
        : '';
    return `${leadOf(worst, runners)}${more}`;
  }
  return verdict === 'healthy'
    ? healthySummary(snapshot)
    : unsureSummary(snapshot, causes, runners);
}

/** A critical one; then one that stops an entry; then by severity. */
function worstOf(causes: readonly Cause[], runners: readonly RunnerVerdict[]): Cause | undefined {
  const sorted = sortBySeverity(causes);
  const [first] = sorted;
  if (first?.severity === 'critical') return first;
  return sorted.find((cause) => stoppedBy(cause, runners).length > 0) ?? first;
}

function leadOf(cause: Cause, runners: readonly RunnerVerdict[]): string {
  const { scope, severity, summary } = cause;
  const stopped = stoppedBy(cause, runners);
  const isCritical = severity === 'critical' && ON_THE_PATH.has(scope.kind);
  const concerned = isCritical
    ? runners.filter(({ runner }) => scope.runners.includes(runner))
    : stopped;
  if (concerned.length === 0) return summary;
  const isOne = concerned.length === 1;
  const isCutOff = isCritical || concerned.some(({ connected }) => connected === false);
  const [gets, runs] = isOne ? ['gets', 'can run'] : ['get', 'can run'];
  return `${namesOf(concerned)} ${isCutOff ? gets : runs} no jobs: ${lowerFirst(summary)}`;
}

/** First words of sentences that are not names. */
const PLAIN_WORD =
  /^(?:A|An|At|Connection|Connections|Direct|Job|Jobs|Large|Line|No|Nothing|Packets|Port|The|This|Two|With) /;

/** A sentence after a colon. */
function lowerFirst(text: string): string {
  return PLAIN_WORD.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function namesOf(runners: readonly Pick<RunnerVerdict, 'name'>[]): string {
  const names = runners.map(({ name }) => name);
  if (names.length <= MAX_NAMES) return names.join(', ');
  return `${names.slice(0, MAX_NAMES - 1).join(', ')} and ${names.length - MAX_NAMES + 1} more runners`;
}

function healthySummary({ hostContext }: Snapshot): string {
  const runners = allRunners(hostContext);
  const endpoints = [...new Set(allEndpoints(hostContext).map((one) => plainIdOf(one)))];
  const where =
    endpoints.length === 1 ? (endpoints[0] ?? 'GitLab') : `${endpoints.length} GitLab addresses`;
  const who =
    runners.length === 1
      ? `${runners[0]?.name ?? 'The runner'} reaches`
      : `${runners.length} runners reach`;
  return `${who} ${where}; no problem found.`;
}

/** What is typed first, or done where nothing can be typed. */
function blindSummary({ summary, fix: [first] }: Cause): string {
  const plain = summary.replace(/\.$/, '');
  if (first?.command === undefined)
    return first === undefined ? summary : `${plain}. ${first.text}`;
  return `${plain}: run \`${first.command}\`.`;
}

function unsureSummary(
  snapshot: Snapshot,
  causes: readonly Cause[],
  runners: readonly RunnerVerdict[],
): string {
  const blind = causes.find(({ id }) => id === BLIND);
  if (blind !== undefined) return blindSummary(blind);
  const { checks } = snapshot;
  if (checks.every(({ finding }) => reasonOf(finding) === 'not-run-yet')) {
    return 'No check has run yet.';
  }
  const unjudged = unjudgedChecks(snapshot, causes);
  const [first] = unjudged;
  if (first !== undefined) {
    const have = unjudged.length === 1 ? 'has' : 'have';
    const count = `${unjudged.length} of ${checks.length} checks ${have} no result`;
    return `No problem found, but ${count} (${first.check.id}: ${detailOf(first.finding)}).`;
  }
  const doubt = runners.find(({ unproven }) => unproven !== undefined);
  return doubt === undefined
    ? 'No problem found, but no check has passed.'
    : `No problem found, but it is not known whether ${doubt.name} works: ${doubt.unproven}.`;
}
