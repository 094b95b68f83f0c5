/** Causes on this host: process, file, resources, missing rights; alone and beside a fault on the path. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Problem } from '../../src/core/reading.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { watchedFromContainer } from '../../src/host/place/beside.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { START } from '../support/clock.ts';
import type { World } from '../support/snapshots.ts';
import {
  brokenAt,
  CONFIG,
  fail,
  runner,
  RUNNER_PROCESS,
  snapshotOf,
  warn,
} from '../support/snapshots.ts';

const BOTH = ['runnerAA1', 'runnerAA2'];
const VERDICTS = {
  critical: 'broken',
  warning: 'degraded',
  notice: 'degraded',
  info: 'healthy',
};

function idsOf(findings: Parameters<typeof snapshotOf>[0], world: World = {}): readonly string[] {
  return diagnose(snapshotOf(findings, world)).causes.map(({ id }) => id);
}

function unknown(reason: string): Finding {
  return { status: 'unknown', reason, detail: 'EACCES' };
}

describe('each reason alone', () => {
  const reasons = catalogue.flatMap(({ id, from }) =>
    from
      .filter((reason) => /^(?:service|disk|memory|cpu)\//.test(reason))
      .map((reason) => [reason, id] as const),
  );

  test.each(reasons.filter(([from]) => from !== 'service/blind'))(
    '%s is %s, for every entry',
    (from, id) => {
      const [probe = '', reason = ''] = from.split('/');
      const spec = catalogue.find((one) => one.id === id);
      const finding = /nearly-full|inodes-low|memory\/low|starved|two-processes/.test(from)
        ? warn(reason)
        : fail(reason);
      const severity =
        finding.status === 'warn' ? (spec?.warnSeverity ?? spec?.severity) : spec?.severity;
      const { causes, verdict } = diagnose(snapshotOf({ [probe]: finding }));

      expect(causes).toMatchObject([
        { id, severity, scope: { kind: spec?.scope, runners: BOTH }, explains: [], ruledOut: [] },
      ]);
      expect(verdict).toBe(VERDICTS[severity ?? 'info']);
    },
  );

  test('two full disks are two causes, each with its own mount', () => {
    const findings = { 'disk@/': fail('full'), 'disk@/srv': fail('full') };
    const { causes } = diagnose(snapshotOf(findings, { mounts: ['/', '/srv'] }));

    expect(causes.map(({ id, scope }) => [id, scope.id])).toEqual([
      ['disk-space-exhausted', '/'],
      ['disk-space-exhausted', '/srv'],
    ]);
  });
});

describe('config.toml', () => {
  const stopping = catalogue.flatMap(({ id, from }) =>
    from
      .filter((reason) => reason.startsWith('config/'))
      .filter((reason) => !['config/unreadable', 'config/replaced-on-host'].includes(reason))
      .map((reason) => [reason, id] as const),
  );

  test.each(stopping)('%s without a process is %s, at once', (from, id) => {
    const once = { finding: fail(from.slice('config/'.length), { line: 4 }), streak: 1 };
    const { causes } = diagnose(snapshotOf({ config: once }, { process: undefined }));

    expect(causes).toMatchObject([
      { id, severity: 'critical', confidence: 'confirmed', scope: { kind: 'config', id: CONFIG } },
    ]);
  });

  test.each(['syntax-error', 'type-error'])(
    '%s beside a process that keeps the old one will hurt at a restart',
    (reason) => {
      const { causes, verdict } = diagnose(snapshotOf({ config: fail(reason, { line: 4 }) }));

      expect(causes).toMatchObject([{ id: 'config-changed-not-loaded', severity: 'warning' }]);
      expect(verdict).toBe('degraded');
    },
  );

  test('a process in a crash loop has not survived the file: the loop is a symptom', () => {
    const young = { ...RUNNER_PROCESS, startedAt: START - 1000 };
    const findings = { config: fail('syntax-error', { line: 4 }), service: fail('crash-loop') };

    for (const process of [young, RUNNER_PROCESS, undefined]) {
      expect(idsOf(findings, { process })).toEqual(['config-syntax-error']);
    }
    expect(diagnose(snapshotOf(findings)).causes[0]?.explains).toEqual([
      'service@gitlab-runner.service',
    ]);
  });

  test.each([
    ['started after the change, a second ago', START - 1000, START - 5000, 'config-syntax-error'],
    [
      'started before the change, a second ago',
      START - 1000,
      START - 500,
      'config-changed-not-loaded',
    ],
    [
      'started after a file that keeps an old time, a minute ago',
      START - 60_000,
      START - 3_600_000,
      'config-changed-not-loaded',
    ],
  ])('a process that %s', (_when, startedAt, configModifiedAt, id) => {
    const world = { process: { ...RUNNER_PROCESS, startedAt }, configModifiedAt };

    expect(idsOf({ config: fail('syntax-error', { line: 4 }) }, world)).toEqual([id]);
  });

  test.each([
    ['url-invalid', 'config-url-invalid'],
    ['env-unset', 'config-env-unset'],
  ])('%s is %s, for the entries concerned alone', (code, id) => {
    const problem: Problem = { code, file: CONFIG, line: 7, message: 'it is odd', fix: 'Mend it.' };
    const runners = [runner('runnerAA1', { line: 7 }), runner('runnerAA2', { line: 20 })];
    const { causes } = diagnose(snapshotOf({}, { configProblems: [problem], runners }));

    expect(causes).toMatchObject([
      {
        id,
        severity: 'critical',
        scope: { runners: ['runnerAA1'] },
        evidence: [{ text: 'line 7: it is odd' }],
      },
    ]);
  });

  test('a variable that is not set explains the empty token it leaves', () => {
    const problem: Problem = {
      code: 'env-unset',
      file: CONFIG,
      line: 7,
      message: 'no $T',
      fix: 'Set it.',
    };
    const findings = { 'token@runnerAA1': fail('missing', { line: 7 }) };
    const { causes } = diagnose(
      snapshotOf(findings, { configProblems: [problem], runners: [runner('runnerAA1')] }),
    );

    expect(causes.map(({ id }) => id)).toEqual(['config-env-unset']);
    expect(causes[0]?.explains).toEqual(['token@runnerAA1']);
  });

  test.each([
    ['GITLAB_URL', 'systemctl edit gitlab-runner'],
    [undefined, 'sudoedit /etc/gitlab-runner/config.toml'],
  ])('a variable with the name %s is set by: %s', (variable, command) => {
    const problem: Problem = {
      code: 'env-unset',
      file: CONFIG,
      line: 7,
      message: 'it is not set',
      fix: 'Set it.',
      ...(variable === undefined ? {} : { variable }),
    };
    const { causes } = diagnose(snapshotOf({}, { configProblems: [problem] }));

    expect(causes[0]?.fix[0]?.command).toContain(command);
  });
});

describe('what runnerwatch may not read', () => {
  test.each([
    ['config', 'unreadable'],
    ['service', 'blind'],
  ])('%s/%s is a notice about the monitor, and no runner counts as cut off', (probe, reason) => {
    const { causes, verdict, runners } = diagnose(snapshotOf({ [probe]: unknown(reason) }));

    expect(causes).toMatchObject([
      { id: 'monitor-blind', severity: 'notice', scope: { kind: 'monitor', runners: [] } },
    ]);
    expect([verdict, runners[0]?.cause]).toEqual(['unsure', undefined]);
  });

  test('the summary names what was not readable, and what to type', () => {
    const detail = 'unix:///var/run/docker.sock (of docker-1): this user may not open it (EACCES)';
    const found = diagnose(
      snapshotOf({ executor: { finding: { status: 'unknown', reason: 'blind', detail } } }),
    );

    expect(found.summary).toBe(
      `runnerwatch cannot read all that it needs on this host: ${detail}: run \`sudo runnerwatch check\`.`,
    );
    expect(found.summary).not.toContain(CONFIG);
    expect(found.causes[0]?.fix.map(({ command }) => command)).toEqual([
      'sudo runnerwatch check',
      expect.stringContaining('systemctl show runnerwatch'),
      'sudo systemctl edit runnerwatch && sudo systemctl restart runnerwatch',
    ]);
  });

  test('in a container of its own it tells the options of that one, and types nothing', () => {
    const place = watchedFromContainer(PACKAGED_PLACE);
    const { summary, causes } = diagnose(snapshotOf({}, { blind: ['may not look there'], place }));

    expect(causes[0]?.fix).toEqual([
      { text: expect.stringMatching(/--pid.*--network.*--cap-add/) },
    ]);
    expect(summary).toBe(
      `runnerwatch cannot read all that it needs on this host: may not look there. ${causes[0]?.fix[0]?.text}`,
    );
  });

  test('of several the first is named, and how many more there are', () => {
    const { causes } = diagnose(snapshotOf({}, { blind: ['one is hidden', 'two', 'three'] }));

    expect(causes[0]?.summary).toContain(': one is hidden; and 2 more, see the evidence');
  });

  test('each sentence about missing rights is evidence', () => {
    const { causes } = diagnose(snapshotOf({}, { blind: ['may not read /proc/812/environ'] }));

    expect(causes[0]?.evidence.map(({ text }) => text)).toEqual(['may not read /proc/812/environ']);
  });
});

describe('the order of blame', () => {
  test('process, broken disk, clock, path, token, resources, monitor', () => {
    const findings = {
      service: fail('stopped', { pid: 812 }),
      'disk@/': fail('read-only'),
      'disk@/srv': fail('full'),
      'disk@/data': fail('hung'),
      cpu: warn('starved'),
      http: { finding: { status: 'pass', measures: { clock_skew_seconds: 300 } } },
      tls: warn('expiring-soon'),
      'token@runnerAA1': fail('rejected'),
    } as const;
    const world = { mounts: ['/', '/srv', '/data'], blind: ['may not read something'] };

    expect(idsOf(findings, world)).toEqual([
      'disk-read-only',
      'io-stalled',
      'clock-skew',
      'tls-expiring-soon',
      'token-rejected',
      'disk-space-exhausted',
      'cpu-starved',
      'monitor-blind',
    ]);
  });

  test('two independent faults are two causes, the path first', () => {
    const findings = { ...brokenAt('dns', fail('not-found')), disk: fail('full') };
    const { runners } = diagnose(snapshotOf(findings));

    expect(idsOf(findings)).toEqual(['dns-name-not-found', 'disk-space-exhausted']);
    expect(runners.map(({ cause }) => cause)).toEqual(['dns-name-not-found', 'dns-name-not-found']);
  });

  test('a runner that does not run also comes before a broken path', () => {
    const findings = { ...brokenAt('dns', fail('not-found')), service: fail('not-running') };

    expect(idsOf(findings, { process: undefined })).toEqual([
      'runner-not-running',
      'dns-name-not-found',
    ]);
    expect(diagnose(snapshotOf(findings)).runners[0]?.cause).toBe('runner-not-running');
  });

  test('an entry shows the worst that concerns it, not the first', () => {
    const findings = {
      memory: fail('pressure'),
      tls: warn('expiring-soon'),
      'token@runnerAA1': fail('orphaned'),
    };
    const { runners } = diagnose(snapshotOf(findings));

    expect(runners.map(({ cause }) => cause)).toEqual(['runner-orphaned', 'memory-pressure']);
  });

  test('memory that is short explains a starved processor and late answers; memory that is only low does not', () => {
    const findings = { cpu: warn('starved'), http: warn('slow') };

    expect(idsOf({ ...findings, memory: fail('pressure') })).toEqual(['memory-pressure']);
    expect(idsOf({ ...findings, memory: warn('low') })).toEqual(['memory-pressure', 'cpu-starved']);
  });
});
