/**
 * `application/health+json` (draft-inadarei-api-health-check-06) for `/health`: what the draft requires, with our
 * causes first. Unknown is `warn`, since the draft has no such status.
 */
import type { CheckState } from '../core/check.ts';
import type { View } from '../core/view.ts';
import type { Status, Verdict } from '../core/vocabulary.ts';
import type { ReportedCause } from './document.ts';
import { causeDocument, isoOf } from './document.ts';

type HealthStatus = 'pass' | 'warn' | 'fail';

const OF_VERDICT: Readonly<Record<Verdict, HealthStatus>> = {
  healthy: 'pass',
  degraded: 'warn',
  broken: 'fail',
  unsure: 'warn',
};
const OF_STATUS: Readonly<Record<Status, HealthStatus>> = {
  pass: 'pass',
  warn: 'warn',
  fail: 'fail',
  unknown: 'warn',
  skipped: 'warn',
};

export interface HealthCheck {
  readonly componentId: string;
  readonly componentType: string;
  readonly status: HealthStatus;
  readonly time?: string;
  readonly observedValue?: number;
  readonly observedUnit?: string;
  readonly output?: string;
  readonly reason?: string;
  readonly suppressedBy?: string;
}

export interface Health {
  readonly status: HealthStatus;
  readonly version: string;
  readonly description: string;
  readonly output?: string;
  readonly causes: readonly ReportedCause[];
  readonly checks: Readonly<Record<string, readonly HealthCheck[]>>;
  readonly notes?: readonly string[];
}

export function healthOf({ diagnosis, snapshot, self }: View): Health {
  const status = OF_VERDICT[diagnosis.verdict];
  const groups = Map.groupBy(snapshot.checks, (state) => keyOf(state));
  return {
    status,
    version: self.version,
    description: 'GitLab Runner on this host, by runnerwatch',
    ...(status === 'pass' ? {} : { output: diagnosis.summary }),
    causes: diagnosis.causes.map((cause) => causeDocument(cause)),
    checks: Object.fromEntries(
      [...groups].map(([key, states]) => [
        key,
        states.map((state) => healthCheck(state, diagnosis.causes)),
      ]),
    ),
    ...(self.demo ? { notes: ['This is a demo: GitLab and the runner are simulated.'] } : {}),
  };
}

/** 503 only when something is broken. */
export function httpStatusOf({ status }: Health): 200 | 503 {
  return status === 'fail' ? 503 : 200;
}

/** The main measure of a probe and its name, where it has one. */
function mainMeasureOf({ probe }: CheckState['check']): readonly [string, string] | undefined {
  return Object.entries(probe.measures).flatMap(([measure, { measurement }]) =>
    measurement === undefined ? [] : [[measure, measurement] as const],
  )[0];
}

function keyOf({ check }: CheckState): string {
  return `${check.probe.id}:${mainMeasureOf(check)?.[1] ?? 'state'}`;
}

/** The cause whose symptom a check is; the one whose evidence it is does not suppress it. */
function suppressorOf(
  { check, finding }: CheckState,
  causes: View['diagnosis']['causes'],
): string | undefined {
  if (finding.status === 'pass') return undefined;
  return causes.find(({ explains }) => explains.includes(check.id))?.id;
}

function healthCheck(state: CheckState, causes: View['diagnosis']['causes']): HealthCheck {
  const { check, finding, last } = state;
  const [measure] = mainMeasureOf(check) ?? [];
  const value = measure === undefined ? undefined : finding.measures?.[measure];
  const suppressedBy = suppressorOf(state, causes);
  return {
    componentId: check.target.id,
    componentType:
      check.target.kind === 'endpoint' || check.target.kind === 'runner' ? 'component' : 'system',
    status: OF_STATUS[finding.status],
    ...(last === undefined ? {} : { time: isoOf(last.startedAt) }),
    ...(value === undefined || measure === undefined
      ? {}
      : { observedValue: value, observedUnit: measure.slice(measure.lastIndexOf('_') + 1) }),
    ...(finding.status === 'pass' ? {} : { output: finding.detail, reason: finding.reason }),
    ...(suppressedBy === undefined ? {} : { suppressedBy }),
  };
}
