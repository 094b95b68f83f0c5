/**
 * The metrics of the contract (section 6) as data: name, help, labels. Values come from a view, so that a
 * scrape causes no probe. HELP says where a number is from.
 */
import type { CheckState } from '../core/check.ts';
import type { View } from '../core/view.ts';
import { STATUSES, VERDICTS } from '../core/words.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  /** Without the prefix. */
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: readonly string[];
  samples(view: View): readonly Sample[];
}

const one = (labels: Readonly<Record<string, string>> = {}): Sample => ({ labels, value: 1 });
const bare = (value: number): readonly Sample[] => [{ labels: {}, value }];

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
    labels: ['runner', 'runner_name', 'executor', 'url', 'system_id'],
    samples: ({ snapshot }) =>
      snapshot.surroundings.runners.map(({ id, name, executor, url, systemId }) =>
        one({ runner: id, runner_name: name, executor, url, system_id: systemId ?? '' }),
      ),
  },
  {
    name: 'runner_connected',
    kind: 'gauge',
    help: 'Whether all links of the walk to GitLab pass for an entry (1) or one fails (0); absent while unknown.',
    labels: ['runner', 'runner_name'],
    samples: ({ diagnosis }) =>
      diagnosis.runners.flatMap(({ runner, name, connected }) =>
        connected === undefined
          ? []
          : [{ labels: { runner, runner_name: name }, value: Number(connected) }],
      ),
  },
  {
    name: 'runner_cause_info',
    kind: 'gauge',
    help: 'Which cause an entry has; absent without one.',
    labels: ['runner', 'runner_name', 'cause'],
    samples: ({ diagnosis }) =>
      diagnosis.runners.flatMap(({ runner, name, cause }) =>
        cause === undefined ? [] : [one({ runner, runner_name: name, cause })],
      ),
  },
];

const CAUSE_FAMILIES: readonly Family[] = [
  {
    name: 'verdict',
    kind: 'gauge',
    help: 'The judgement of the last snapshot, one series for each verdict, 1 for the current one.',
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
    help: 'Active root causes; absent when nothing is wrong.',
    labels: ['cause', 'severity', 'scope', 'target'],
    samples: ({ diagnosis }) =>
      diagnosis.causes.map(({ id, severity, scope }) =>
        one({ cause: id, severity, scope: scope.kind, target: scope.id }),
      ),
  },
  {
    name: 'root_cause_confirmed',
    kind: 'gauge',
    help: 'Whether the evidence of an active root cause was seen repeatedly (1) or not yet (0).',
    labels: ['cause', 'target'],
    samples: ({ diagnosis }) =>
      diagnosis.causes.map(({ id, scope, confidence }) => ({
        labels: { cause: id, target: scope.id },
        value: Number(confidence === 'confirmed'),
      })),
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
    help: 'Status of a check, one series for each status, 1 for the current one; unknown when older than three intervals.',
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
    help: 'Due runs that did not take place because the one before had not ended.',
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
    help: 'Deadline of one run of a probe.',
    labels: ['probe', 'target'],
    samples: (view) => perCheck(view, ({ check }) => check.timeoutSeconds),
  },
];

const SELF_FAMILIES: readonly Family[] = [
  {
    name: 'build_info',
    kind: 'gauge',
    help: 'Version of runnerwatch and of Node; the value is always 1.',
    labels: ['version', 'node_version'],
    samples: ({ self }) => [one({ version: self.version, node_version: process.versions.node })],
  },
  {
    name: 'lint_findings',
    kind: 'gauge',
    help: 'Findings in config.toml by severity.',
    labels: ['severity'],
    samples: ({ snapshot }) => {
      const errors = snapshot.surroundings.configProblems.length;
      return [
        { labels: { severity: 'error' }, value: errors },
        { labels: { severity: 'warning' }, value: 0 },
        { labels: { severity: 'info' }, value: 0 },
      ];
    },
  },
  {
    name: 'runner_config_last_load_successful',
    kind: 'gauge',
    help: 'Whether config.toml as it is on disk would load.',
    labels: [],
    samples: ({ self }) => bare(Number(self.runnerConfig.successful)),
  },
  {
    name: 'runner_config_last_load_success_timestamp_seconds',
    kind: 'gauge',
    help: 'When a config.toml that loads was last read anew; absent before that.',
    labels: [],
    samples: ({ self }) =>
      self.runnerConfig.successAt === undefined ? [] : bare(self.runnerConfig.successAt / 1000),
  },
  {
    name: 'config_last_reload_successful',
    kind: 'gauge',
    help: 'Whether the last load of the own settings succeeded.',
    labels: [],
    samples: ({ self }) => bare(Number(self.settings.successful)),
  },
  {
    name: 'config_last_reload_success_timestamp_seconds',
    kind: 'gauge',
    help: 'When the own settings were last loaded.',
    labels: [],
    samples: ({ self }) => bare(self.settings.successAt / 1000),
  },
  {
    name: 'gitlab_requests_total',
    kind: 'counter',
    help: 'Requests that runnerwatch itself sent to GitLab.',
    labels: ['target', 'kind'],
    samples: ({ self }) =>
      self.requests.map(({ target, kind, count }) => ({ labels: { target, kind }, value: count })),
  },
  {
    name: 'scheduler_lag_seconds',
    kind: 'gauge',
    help: 'How far the most overdue job is behind its schedule.',
    labels: [],
    samples: ({ self }) => bare(self.schedulerLagSeconds),
  },
];

export const FAMILIES: readonly Family[] = [
  ...SELF_FAMILIES,
  ...CAUSE_FAMILIES,
  ...RUNNER_FAMILIES,
  ...PROBE_FAMILIES,
];
