/**
 * The metrics that docs/metrics.md lists, as data: name, help, labels. Values come from a view, so a scrape runs no
 * probe. HELP names the source of a number.
 */
import type { CheckState } from '../core/check.ts';
import { contextOf, runnerNamed } from '../core/host-context.ts';
import type { View } from '../core/view.ts';
import { stoppedBy } from '../core/verdict.ts';
import { STATUSES, VERDICTS } from '../core/vocabulary.ts';
import { ENDPOINT_FAMILIES } from './endpoint-families.ts';
import type { Family, Sample } from './family.ts';
import { SELF_FAMILIES } from './self-families.ts';

const one = (labels: Readonly<Record<string, string>>): Sample => ({ labels, value: 1 });

function checkLabels({ check }: CheckState): Readonly<Record<string, string>> {
  return { probe: check.probe.id, target: check.target.id };
}

function perCheck(view: View, value: (state: CheckState) => number | undefined): readonly Sample[] {
  return view.snapshot.checks.flatMap((state) => {
    const found = value(state);
    return found === undefined ? [] : [{ labels: checkLabels(state), value: found }];
  });
}

const RUNNER_FAMILIES: readonly Family[] = [
  {
    name: 'runner_info',
    kind: 'gauge',
    help: 'Entries of config.toml; the value is always 1.',
    labels: ['runner', 'runner_name', 'executor', 'url', 'system_id', 'place'],
    samples: ({ snapshot }) =>
      snapshot.hostContext.contexts.flatMap(({ runners, place: { paths } }) =>
        runners.map(({ id, name, executor, url, systemId }) => {
          const place = paths.container ?? 'host';
          return one({
            runner: id,
            runner_name: name,
            executor,
            url,
            system_id: systemId ?? '',
            place,
          });
        }),
      ),
  },
  {
    name: 'runner_connected',
    kind: 'gauge',
    help: 'Whether an entry reaches GitLab (1), or a link of its path or its own polls fail (0); absent while unknown.',
    labels: ['runner', 'runner_name'],
    samples: ({ diagnosis }) =>
      diagnosis.runners.flatMap(({ runner, name, connected }) =>
        connected === undefined
          ? []
          : [{ labels: { runner, runner_name: name }, value: Number(connected) }],
      ),
  },
  {
    name: 'runner_can_run_jobs',
    kind: 'gauge',
    help: 'Whether the executor of an entry can run jobs (1) or none (0); absent while unknown.',
    labels: ['runner', 'runner_name'],
    samples: ({ diagnosis }) =>
      diagnosis.runners.flatMap(({ runner, name, canRunJobs }) =>
        canRunJobs === undefined
          ? []
          : [{ labels: { runner, runner_name: name }, value: Number(canRunJobs) }],
      ),
  },
  {
    name: 'runner_cause_info',
    kind: 'gauge',
    help: 'The cause that affects an entry; absent without one.',
    labels: ['runner', 'runner_name', 'cause'],
    samples: ({ diagnosis }) =>
      diagnosis.runners.flatMap(({ runner, name, cause }) =>
        cause === undefined ? [] : [one({ runner, runner_name: name, cause })],
      ),
  },
];

const LOCKOUT_FAMILY: Family = {
  name: 'runner_lockout_until_timestamp_seconds',
  kind: 'gauge',
  help: 'When an entry that the runner disabled after failed requests is enabled again, by its log; absent if none.',
  labels: ['runner'],
  samples: ({ snapshot }) => {
    return snapshot.checks.flatMap(({ check, finding }) =>
      (finding.events ?? []).flatMap(({ kind, runner: name, facts }) => {
        const until = Number(facts['until_milliseconds'] ?? 0);
        const entry = runnerNamed(contextOf(snapshot.hostContext, check.target), name);
        const holds = kind === 'disabled' && until > snapshot.takenAt;
        return holds && entry !== undefined
          ? [{ labels: { runner: entry.id }, value: until / 1000 }]
          : [];
      }),
    );
  },
};

const CAUSE_FAMILIES: readonly Family[] = [
  {
    name: 'verdict',
    kind: 'gauge',
    help: 'The current verdict: one series for each verdict, 1 for the current one.',
    labels: ['verdict'],
    samples: ({ diagnosis }) =>
      VERDICTS.map((verdict) => ({
        labels: { verdict },
        value: Number(diagnosis.verdict === verdict),
      })),
  },
  {
    name: 'root_cause_info',
    kind: 'gauge',
    help: 'Active root causes; absent if there are none.',
    labels: ['cause', 'severity', 'scope', 'target'],
    samples: ({ diagnosis }) =>
      diagnosis.causes.map(({ id, severity, scope }) =>
        one({ cause: id, severity, scope: scope.kind, target: scope.id }),
      ),
  },
  {
    name: 'root_cause_confirmed',
    kind: 'gauge',
    help: 'Whether the evidence of an active root cause was seen repeatedly (1) or only once (0).',
    labels: ['cause', 'target'],
    samples: ({ diagnosis }) =>
      diagnosis.causes.map(({ id, scope, confidence }) => ({
        labels: { cause: id, target: scope.id },
        value: Number(confidence === 'confirmed'),
      })),
  },
  {
    name: 'root_cause_stopped_runners',
    kind: 'gauge',
    help: 'Entries that get or run no jobs because of an active root cause.',
    labels: ['cause', 'target'],
    samples: ({ diagnosis: { causes, runners } }) =>
      causes.map((cause) => ({
        labels: { cause: cause.id, target: cause.scope.id },
        value: stoppedBy(cause, runners).length,
      })),
  },
  {
    name: 'root_cause_change_info',
    kind: 'gauge',
    help: 'What changed on the host before an active root cause began; the value is always 1.',
    labels: ['cause', 'target', 'change'],
    samples: ({ diagnosis }) =>
      diagnosis.causes.flatMap(({ id, scope, changedBefore = [] }) =>
        changedBefore
          .slice(0, 1)
          .map(({ text }) => one({ cause: id, target: scope.id, change: text })),
      ),
  },
  {
    name: 'root_cause_since_timestamp_seconds',
    kind: 'gauge',
    help: 'When the evidence of an active root cause was first seen.',
    labels: ['cause', 'target'],
    samples: ({ diagnosis }) =>
      diagnosis.causes.map(({ id, scope, since }) => ({
        labels: { cause: id, target: scope.id },
        value: since / 1000,
      })),
  },
];

const PROBE_FAMILIES: readonly Family[] = [
  {
    name: 'probe_status',
    kind: 'gauge',
    help: 'Status of a check: one series for each status, 1 for the current one; unknown if older than three intervals.',
    labels: ['probe', 'target', 'status'],
    samples: ({ snapshot }) =>
      snapshot.checks.flatMap((state) =>
        STATUSES.map((status) => ({
          labels: { ...checkLabels(state), status },
          value: Number(state.finding.status === status),
        })),
      ),
  },
  {
    name: 'probe_runs_total',
    kind: 'counter',
    help: 'Finished runs of a probe.',
    labels: ['probe', 'target'],
    samples: (view) => perCheck(view, ({ counters }) => counters.runs),
  },
  {
    name: 'probe_failures_total',
    kind: 'counter',
    help: 'Runs of a probe that failed.',
    labels: ['probe', 'target'],
    samples: (view) => perCheck(view, ({ counters }) => counters.failures),
  },
  {
    name: 'probe_missed_runs_total',
    kind: 'counter',
    help: 'Due runs that were skipped because the previous run had not ended.',
    labels: ['probe', 'target'],
    samples: (view) => perCheck(view, ({ counters }) => counters.missed),
  },
  {
    name: 'probe_last_run_timestamp_seconds',
    kind: 'gauge',
    help: 'When the last run of a probe started; absent before the first.',
    labels: ['probe', 'target'],
    samples: (view) =>
      perCheck(view, ({ last }) => (last === undefined ? undefined : last.startedAt / 1000)),
  },
  {
    name: 'probe_interval_seconds',
    kind: 'gauge',
    help: 'Effective interval between two runs of a probe.',
    labels: ['probe', 'target'],
    samples: (view) => perCheck(view, ({ check }) => check.intervalSeconds),
  },
  {
    name: 'probe_timeout_seconds',
    kind: 'gauge',
    help: 'Timeout of one run of a probe.',
    labels: ['probe', 'target'],
    samples: (view) => perCheck(view, ({ check }) => check.timeoutSeconds),
  },
];

export const FAMILIES: readonly Family[] = [
  ...SELF_FAMILIES,
  ...CAUSE_FAMILIES,
  ...RUNNER_FAMILIES,
  LOCKOUT_FAMILY,
  ...ENDPOINT_FAMILIES,
  ...PROBE_FAMILIES,
];
