/** Views for tests of reports: a snapshot, its diagnosis, and a daemon that has run for an hour. */
import type { Check, Snapshot } from '../../src/core/check.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { SelfState, View } from '../../src/core/view.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { START } from './clock.ts';
import { brokenAt, fail, runner, snapshotOf } from './snapshots.ts';

export function viewOf(snapshot: Snapshot, self: Partial<SelfState> = {}): View {
  return {
    snapshot,
    diagnosis: diagnose(snapshot),
    self: {
      version: '0.1.0',
      startedAt: START - 3_600_000,
      ready: true,
      alive: true,
      schedulerLagSeconds: 0,
      settings: { successful: true, successAt: START - 3_600_000, needRestart: [] },
      requests: [],
      logEvents: [],
      clockStep: undefined,
      hostFacts: { operating_system: 'Debian 12', memory_bytes: 8 * 1024 ** 3 },
      demo: false,
      ...self,
    },
    past: { timeline: [], series: [], incidents: [] },
    probes: ALL_PROBES,
  };
}

/** The README's example: three entries of one GitLab whose certificate is from an unknown authority. */
export function brokenTrustView(self: Partial<SelfState> = {}): View {
  const runners = ['t9WkyjAA1', 't9WkyjAA2', 't9WkyjAA3'].map((id) => runner(id));
  const facts = {
    root: 'CN=Example Root CA',
    issuer: 'CN=Example Root CA',
    host: 'gitlab.example.com',
    ca_file_configured: false,
    certs_file: '/etc/gitlab-runner/certs/gitlab.example.com.crt',
  };
  const refused: Finding = {
    ...fail('unknown-authority', facts),
    status: 'fail',
    reason: 'unknown-authority',
    detail:
      'chain of 2, root CN=Example Root CA, in neither the system bundle nor /etc/gitlab-runner/certs/gitlab.example.com.crt',
  };
  const ids = runners.map(({ id }) => id);
  const findings = {
    ...brokenAt('tls', refused, undefined, ids),
    dns: { status: 'pass', facts: { addresses: '10.0.0.2' }, measures: { lookup_seconds: 0.004 } },
    disk: {
      status: 'warn',
      reason: 'nearly-full',
      detail: '/ has 3.1 GiB (4 %) free',
      facts: { path: '/', roles: 'builds_dir', fullness: 'nearly full' },
      measures: { free_bytes: 3_328_599_654, free_ratio: 0.04 },
    },
  } as const;
  return viewOf(snapshotOf(findings, { runners }), self);
}

/** The same snapshot with a value for every measure that a probe may have. */
export function withMeasures(snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    checks: snapshot.checks.map((state) => ({
      ...state,
      finding: {
        ...state.finding,
        measures: { ...allMeasures(state.check), ...state.finding.measures },
      },
    })),
  };
}

function allMeasures({ probe }: Check): Record<string, number> {
  return Object.fromEntries(
    Object.keys(probe.measures).map((name, index) => [
      name,
      name.endsWith('_timestamp_seconds') ? START / 1000 : (index + 1) / 4,
    ]),
  );
}
