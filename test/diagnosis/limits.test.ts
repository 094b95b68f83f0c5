/** Limits of the kernel, kills and executors: alone, and beside what they explain. */
import { describe, expect, test } from 'vitest';

import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { MISSING_FACT } from '../../src/diagnosis/cause-spec.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import type { World } from '../support/snapshots.ts';
import { brokenAt, DOCKER, fail, runner, snapshotOf, warn } from '../support/snapshots.ts';

const BOTH = ['runnerAA1', 'runnerAA2'];
const WARNED = new Set([
  'limits/connection-table-filling',
  'limits/entropy',
  'cgroup/memory-limit',
  'cgroup/throttled',
]);

function judge(findings: Parameters<typeof snapshotOf>[0], world: World = {}) {
  return diagnose(snapshotOf(findings, world));
}

function idsOf(findings: Parameters<typeof snapshotOf>[0], world: World = {}): readonly string[] {
  return judge(findings, world).causes.map(({ id }) => id);
}

describe('each reason alone', () => {
  const reasons = catalogue.flatMap(({ id, from }) =>
    from
      .filter((reason) => /^(?:limits|cgroup|executor)\/(?!blind)/.test(reason))
      .map((reason) => [reason, id] as const),
  );

  test.each(reasons)('%s is %s, for every entry that it concerns', (from, id) => {
    const [probe = '', reason = ''] = from.split('/');
    const spec = catalogue.find((one) => one.id === id);
    const isWarned = WARNED.has(from);
    const severity = isWarned ? (spec?.warnSeverity ?? spec?.severity) : spec?.severity;
    const { causes, verdict } = judge({ [probe]: isWarned ? warn(reason) : fail(reason) });

    expect(causes).toMatchObject([
      { id, severity, scope: { kind: spec?.scope, runners: BOTH }, ruledOut: [] },
    ]);
    const isStopped = severity === 'critical' || probe === 'executor';
    expect(verdict).toBe(isStopped ? 'broken' : 'degraded');
  });
});

describe('a kill for lack of memory', () => {
  test('explains a runner that is not there, or starts and dies', () => {
    for (const reason of ['not-running', 'crash-loop', 'failed']) {
      const { causes } = judge(
        { cgroup: fail('oom-killed'), service: fail(reason) },
        { process: undefined },
      );

      expect(causes).toMatchObject([
        { id: 'memory-oom-killed', explains: ['service@gitlab-runner.service'] },
      ]);
    }
  });
});

describe('a table of connections that is full', () => {
  const dns = brokenAt('dns', fail('timeout'));

  test('explains names that are not answered and connections that time out', () => {
    expect(idsOf({ limits: fail('connection-table'), ...dns })).toEqual(['conntrack-table-full']);
    expect(
      idsOf({ limits: fail('connection-table'), ...brokenAt('connect', fail('timeout')) }),
    ).toEqual(['conntrack-table-full']);
  });

  test('only when it is full: one that fills explains nothing yet', () => {
    const full = {
      ...warn('connection-table-filling'),
      measures: { tracked_connections_ratio: 1 },
    };
    expect(idsOf({ limits: full, ...brokenAt('connect', fail('timeout')) })).toEqual([
      'conntrack-table-full',
    ]);
    expect(idsOf({ limits: warn('connection-table-filling'), ...dns })).toEqual([
      'dns-timeout',
      'conntrack-table-full',
    ]);
  });

  test('does not explain a certificate', () => {
    expect(
      idsOf({ limits: fail('connection-table'), ...brokenAt('tls', fail('expired')) }),
    ).toEqual(['conntrack-table-full', 'tls-certificate-expired']);
  });
});

test('ports that are used up, seen from both sides, are one cause', () => {
  const findings = { limits: fail('local-ports'), ...brokenAt('connect', fail('no-local-port')) };

  expect(judge(findings).causes).toMatchObject([
    {
      id: 'ephemeral-ports-exhausted',
      evidence: [{ check: 'limits@gitlab-runner.service' }],
      explains: expect.arrayContaining(['connect@https://gitlab.example.com/']),
    },
  ]);
});

test('what breaks every call comes before the path, what only slows comes last', () => {
  const findings = {
    limits: fail('files'),
    cgroup: warn('throttled'),
    executor: fail('daemon-down'),
    disk: fail('read-only'),
    ...brokenAt('tls', fail('expired')),
  };

  expect(idsOf(findings)).toEqual([
    'fd-limit-reached',
    'disk-read-only',
    'tls-certificate-expired',
    'docker-daemon-down',
    'cpu-cgroup-throttled',
  ]);
});

describe('the executor', () => {
  test('that is down concerns the entries that need it alone', () => {
    const world = {
      runners: [runner('shellAAA1', { executor: 'shell' }), runner('dockerAA2')],
      executors: { [DOCKER]: ['dockerAA2'] },
    };
    const { causes, runners } = judge({ executor: fail('daemon-down') }, world);

    expect(causes).toMatchObject([
      { id: 'docker-daemon-down', scope: { kind: 'executor', id: DOCKER, runners: ['dockerAA2'] } },
    ]);
    expect(runners.map(({ cause }) => cause)).toEqual([undefined, 'docker-daemon-down']);
  });

  test.each(['docker-error', 'host-invalid', 'folder-not-writable'])(
    'with %s has no id, and is named by its detail',
    (reason) => {
      const { causes, verdict } = judge({ executor: warn(reason) });

      expect(causes).toMatchObject([
        {
          id: 'unknown',
          severity: 'warning',
          summary: `seen: ${reason}.`,
          scope: { kind: 'executor', runners: BOTH },
        },
      ]);
      expect(verdict).toBe('degraded');
    },
  );

  test('cannot hide a broken path', () => {
    const findings = { executor: fail('daemon-down'), ...brokenAt('dns', fail('not-found')) };
    const { runners } = judge(findings);

    expect(idsOf(findings)).toEqual(['dns-name-not-found', 'docker-daemon-down']);
    expect(runners[0]?.cause).toBe('dns-name-not-found');
  });
});

describe('Docker’s root and the disk it lies on', () => {
  const full = {
    finding: fail('root-full', { root: '/var/lib/docker', stands_on: DOCKER, fullness: 'full' }),
  };

  test('are one cause, the disk, where others use it too', () => {
    const world = { mounts: ['/'], roles: ['Docker root', 'config', '/'] };

    expect(judge({ executor: full, disk: fail('full') }, world).causes).toMatchObject([
      { id: 'disk-space-exhausted', scope: { id: '/' }, explains: [`executor@${DOCKER}`] },
    ]);
  });

  test('are one cause, Docker’s root, if nothing else uses it', () => {
    const world = { mounts: ['/var/lib/docker'], roles: ['Docker root'] };

    expect(judge({ executor: full, disk: fail('full') }, world).causes).toMatchObject([
      { id: 'disk-docker-root-full', severity: 'warning', explains: [`executor@${DOCKER}`] },
    ]);
  });

  test('one cause has the words of both: the disk and the engine', () => {
    const world = { mounts: ['/var/lib/docker'], roles: ['Docker root'] };

    const text = JSON.stringify(judge({ executor: full, disk: fail('full') }, world).causes);
    expect(text).toContain('system df');
    expect(text).not.toContain(MISSING_FACT);
  });

  test('are two causes where they lie apart', () => {
    const world = { mounts: ['/srv'], roles: ['builds_dir of one'] };

    expect(idsOf({ executor: full, disk: fail('full') }, world)).toEqual([
      'disk-docker-root-full',
      'disk-space-exhausted',
    ]);
  });
});

test('a limit is raised from what it is now, also where only a line of the runner tells of it', () => {
  const facts = { files_limit: 100_000 };
  const own = judge({ limits: fail('files', facts) }).causes[0]?.fix ?? [];

  expect(JSON.stringify(own)).toContain('LimitNOFILE=200000');
});
