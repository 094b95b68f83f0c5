/** Metrics of runnerwatch itself: its version, its files, its own load on GitLab. */
import type { Snapshot } from '../core/check.ts';
import type { HostContext, RunnerContext } from '../core/host-context.ts';
import { allEndpoints } from '../core/host-context.ts';
import type { LintSeverity } from '../core/lint.ts';
import { LINT_SEVERITIES } from '../core/lint.ts';
import type { View } from '../core/view.ts';
import { LOG_CAUSES } from '../runner/log/classify.ts';
import type { Family, Sample } from './family.ts';

const bare = (value: number): readonly Sample[] => [{ labels: {}, value }];

/** One value for each config.toml; a host with one runner needs no label. */
function perConfig(
  { hostContext: { contexts } }: Snapshot,
  value: (context: RunnerContext) => number | undefined,
): readonly Sample[] {
  return contexts.flatMap((context) => {
    const found = value(context);
    const labels: Readonly<Record<string, string>> =
      contexts.length === 1 ? {} : { config: context.configPath };
    return found === undefined ? [] : [{ labels, value: found }];
  });
}

/** Of the endpoints that there are: those of an entry that has left go with it. */
function requestsOf({ snapshot, self }: View): readonly Sample[] {
  return allEndpoints(snapshot.hostContext).flatMap(({ id: target }) => {
    const own = self.requests.filter((request) => request.target === target);
    const kinds = new Set([...plannedKinds(snapshot, target), ...own.map(({ kind }) => kind)]);
    return [...kinds].map((kind) => ({
      labels: { target, kind },
      value: own.find((request) => request.kind === kind)?.count ?? 0,
    }));
  });
}

/** What the checks of an endpoint may send: zero from the start, so that a first request is an increase. */
function plannedKinds({ checks }: Snapshot, endpoint: string): readonly string[] {
  return checks
    .filter(({ check: { target } }) =>
      target.kind === 'runner' ? target.endpoint === endpoint : target.id === endpoint,
    )
    .flatMap(({ check: { probe } }) => Object.keys(probe.requests ?? {}));
}

/** What the linter found; until it has answered, what keeps the file from loading. */
function lintRulesOf({
  contexts,
}: HostContext): readonly { readonly rule: string; readonly severity: LintSeverity }[] {
  return contexts.flatMap(({ lint, configProblems }) =>
    lint === undefined
      ? configProblems.map(({ code }) => ({ rule: code, severity: 'error' as const }))
      : lint.findings.map(({ rule, severity }) => ({ rule, severity })),
  );
}

export const SELF_FAMILIES: readonly Family[] = [
  {
    name: 'build_info',
    kind: 'gauge',
    help: 'Version of runnerwatch and of Node; the value is always 1.',
    labels: ['version', 'node_version'],
    samples: ({ self }) => [
      { labels: { version: self.version, node_version: process.versions.node }, value: 1 },
    ],
  },
  {
    name: 'lint_findings',
    kind: 'gauge',
    help: 'Findings in config.toml by severity.',
    labels: ['severity'],
    samples: ({ snapshot }) => {
      const found = lintRulesOf(snapshot.hostContext);
      return LINT_SEVERITIES.map((severity) => ({
        labels: { severity },
        value: found.filter((one) => one.severity === severity).length,
      }));
    },
  },
  {
    name: 'lint_finding_info',
    kind: 'gauge',
    help: 'Lint rules that config.toml breaks; absent if there are none.',
    labels: ['rule', 'severity'],
    samples: ({ snapshot }) => {
      const found = lintRulesOf(snapshot.hostContext);
      const pairs = new Map(found.map((one) => [`${one.rule} ${one.severity}`, one]));
      return [...pairs.values()].map((labels) => ({ labels: { ...labels }, value: 1 }));
    },
  },
  {
    name: 'runner_config_last_load_successful',
    kind: 'gauge',
    help: 'Whether the runner can load config.toml as it is on disk; the label is there where several runners are watched.',
    labels: ['config'],
    samples: ({ snapshot }) =>
      perConfig(snapshot, ({ configLoad }) => Number(configLoad.successful)),
  },
  {
    name: 'runner_config_last_load_success_timestamp_seconds',
    kind: 'gauge',
    help: 'When a valid config.toml was last read; absent before that. The label as above.',
    labels: ['config'],
    samples: ({ snapshot }) =>
      perConfig(snapshot, ({ configLoad: { successAt } }) =>
        successAt === undefined ? undefined : successAt / 1000,
      ),
  },
  {
    name: 'config_last_reload_successful',
    kind: 'gauge',
    help: "Whether the last load of runnerwatch's settings succeeded.",
    labels: [],
    samples: ({ self }) => bare(Number(self.settings.successful)),
  },
  {
    name: 'config_last_reload_success_timestamp_seconds',
    kind: 'gauge',
    help: "When runnerwatch's settings were last loaded.",
    labels: [],
    samples: ({ self }) => bare(self.settings.successAt / 1000),
  },
  {
    name: 'config_restart_needed',
    kind: 'gauge',
    help: 'Settings that were changed and take effect after a restart of runnerwatch; the page and the log name them.',
    labels: [],
    samples: ({ self }) => bare(self.settings.needRestart.length),
  },
  {
    name: 'gitlab_requests_total',
    kind: 'counter',
    help: 'Requests that runnerwatch sent to GitLab.',
    labels: ['target', 'kind'],
    samples: (view) => requestsOf(view),
  },
  {
    name: 'log_events_total',
    kind: 'counter',
    help: "Lines of the runner's log by the cause that they indicate; includes lines read from before the start.",
    labels: ['cause'],
    samples: ({ self }) =>
      LOG_CAUSES.map((cause) => ({
        labels: { cause },
        value: self.logEvents.find((event) => event.cause === cause)?.count ?? 0,
      })),
  },
  {
    name: 'scheduler_lag_seconds',
    kind: 'gauge',
    help: 'How far the most overdue job is behind its schedule.',
    labels: [],
    samples: ({ self }) => bare(self.schedulerLagSeconds),
  },
];
