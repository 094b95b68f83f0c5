/** States of the status page: a healthy host, one fault, many, fifty entries, a stale daemon, hostile names. */
import type { CheckState, Snapshot } from '../../src/core/check.ts';
import type { Past, TimelineEvent } from '../../src/core/past.ts';
import type { View } from '../../src/core/view.ts';
import { History } from '../../src/recorder/history.ts';
import { START } from './clock.ts';
import { brokenAt, fail, GITLAB, PROXY, runner, snapshotOf, warn } from './snapshots.ts';
import { brokenTrustView, viewOf } from './views.ts';

const MINUTE = 60_000;
const DAY_MINUTES = 1440;

/** Values as a busy host has them; a wave gives the plots the shape of a day. */
function usualMeasures({ check }: CheckState, wave: number): Readonly<Record<string, number>> {
  const values: Readonly<Record<string, number>> = {
    'dns/lookup_seconds': 0.003 + wave * 0.002,
    'connect/connect_seconds': 0.011 + wave * 0.004,
    'proxy/tunnel_seconds': 0.02 + wave * 0.01,
    'tls/handshake_seconds': 0.034 + wave * 0.02,
    'http/response_seconds': 0.06 + wave * wave * 0.3,
    'api/response_seconds': 0.05 + wave * 0.1,
    'disk/free_ratio': 0.41 - wave * 0.2,
    'disk/free_bytes': (0.41 - wave * 0.2) * 96 * 1024 ** 3,
    'disk/free_inodes_ratio': 0.83 - wave * 0.1,
    'memory/available_ratio': 0.62 - wave * 0.3,
    'memory/pressure_ratio': wave * 0.01,
    'cpu/utilization_ratio': 0.1 + wave * 0.7,
    'cpu/pressure_ratio': wave * 0.2,
  };
  const own = Object.keys(check.probe.measures).flatMap((name): [string, number][] => {
    const value = values[`${check.probe.id}/${name}`];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(own);
}

/** Checks that were tried have values. */
function atWork(snapshot: Snapshot, wave = 0.2): Snapshot {
  const checks = snapshot.checks.map((state): CheckState => {
    if (['skipped', 'unknown'].includes(state.finding.status)) return state;
    const measures = { ...usualMeasures(state, wave), ...state.finding.measures };
    return { ...state, finding: { ...state.finding, measures } };
  });
  return { ...snapshot, checks };
}

/** A day of samples. */
function dayOf(snapshot: Snapshot): Past['series'] {
  const history = new History();
  for (let minute = 0; minute <= DAY_MINUTES; minute += 5) {
    const wave = Math.max(0, Math.sin((minute / DAY_MINUTES) * Math.PI * 3)) ** 2;
    const takenAt = START - (DAY_MINUTES - minute) * MINUTE;
    history.sample({ ...atWork(snapshot, wave), takenAt });
  }
  return history.series();
}

const event = (minutes: number, tone: TimelineEvent['tone'], kind: string, text: string) => ({
  at: START - minutes * MINUTE,
  tone,
  kind,
  text,
});

const QUIET_DAY: readonly TimelineEvent[] = [
  event(95, 'note', 'settings reloaded', 'as asked'),
  event(
    600,
    'good',
    'verdict changed',
    'healthy: 2 runners reach https://gitlab.example.com/; no problem found.',
  ),
  event(600, 'good', 'cause resolved', 'disk-space-exhausted: / has 5.4 GiB (6 %) free.'),
  event(640, 'warn', 'verdict changed', 'degraded: / is nearly full.'),
  event(640, 'warn', 'cause confirmed', 'disk-space-exhausted: / has 3.1 GiB (4 %) free.'),
  event(1200, 'note', 'changed', 'runner process: pid 641 → pid 812'),
  event(
    1390,
    'good',
    'verdict changed',
    'healthy: 2 runners reach https://gitlab.example.com/; no problem found.',
  ),
  event(1391, 'note', 'start', 'runnerwatch started'),
];

function incidents({ causes }: View['diagnosis']): Past['incidents'] {
  const now = causes.map(({ id, severity, title, summary, since, scope }) => ({
    id: `20261124T085900Z-${id}`,
    cause: id,
    severity,
    title,
    summary,
    startedAt: since,
    confirmedAt: START - 30_000,
    runners: scope.runners,
  }));
  const before = {
    id: '20261123T222000Z-disk-space-exhausted',
    cause: 'disk-space-exhausted',
    severity: 'warning',
    title: 'A file system that the runner writes to is full or nearly full',
    summary: '/ has 3.1 GiB (4 %) free.',
    startedAt: START - 641 * MINUTE,
    confirmedAt: START - 640 * MINUTE,
    recoveredAt: START - 600 * MINUTE,
    runners: [],
  } as const;
  return [...new Map(now.map((one) => [one.id, one])).values(), before];
}

/** A view with a day behind it. */
function withPast(view: View): View {
  const snapshot = atWork(view.snapshot);
  const { verdict, summary, causes } = view.diagnosis;
  const turned =
    verdict === 'healthy'
      ? []
      : [
          event(1, 'bad', 'verdict changed', `${verdict}: ${summary}`),
          ...causes
            .slice(0, 4)
            .map((cause) => event(1, 'bad', 'cause confirmed', `${cause.id}: ${cause.summary}`)),
          event(
            3,
            'note',
            'changed',
            '/etc/ssl/certs/ca-certificates.crt: sha256 3f51c0ffee12, 212944 bytes → sha256 9b7e01d2ab44, 211873 bytes',
          ),
        ];
  const past = {
    timeline: [...turned, ...QUIET_DAY],
    series: dayOf(view.snapshot),
    incidents: incidents(view.diagnosis),
  };
  return { ...view, snapshot, past };
}

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `t9Wk${String(index + 1).padStart(5, '0')}`);

function fifty(): View {
  const runners = names(50).map((id, index) =>
    runner(id, { name: `docker-${String(index + 1).padStart(2, '0')}` }),
  );
  const bad = Object.fromEntries(
    names(50)
      .filter((_, index) => index % 3 === 0)
      .map((id, index) => [`token@${id}`, fail('rejected', { line: 7 + index * 12 })]),
  );
  return viewOf(snapshotOf(bad, { runners, mounts: ['/', '/builds'] }));
}

function many(): View {
  const other = 'https://gitlab.partner.example/';
  const runners = [
    runner('t9WkyjAA1', { name: 'docker-1' }),
    runner('t9WkyjAA2', { name: 'docker-2' }),
    runner('x3PartnB1', { name: 'partner', url: other, endpoint: other, executor: 'shell' }),
  ];
  const findings = {
    ...brokenAt(
      'tls',
      fail('expired', {
        not_after: '2026-11-23T23:59:59.000Z',
        host: 'gitlab.partner.example',
        subject: 'CN=gitlab.partner.example',
      }),
      other,
      ['x3PartnB1'],
    ),
    'token@t9WkyjAA2': fail('rejected', { line: 19 }),
    [`http@${GITLAB}`]: warn('slow'),
    'disk@/builds': {
      ...fail('full', { path: '/builds', mount: '/builds', roles: 'builds_dir', fullness: 'full' }),
      detail: '/builds (builds_dir) has 12 MiB of 96 GiB free',
      measures: { free_ratio: 0.0001, free_bytes: 12 * 1024 ** 2 },
    },
    memory: {
      ...warn('low'),
      detail: '4 % of the memory is available',
      measures: { available_ratio: 0.04 },
    },
  } as const;
  return viewOf(snapshotOf(findings, { runners, mounts: ['/', '/builds'], proxy: PROXY }));
}

function stale(): View {
  const snapshot = snapshotOf();
  const checks = snapshot.checks.map((state) => ({
    ...state,
    finding: {
      status: 'unknown',
      reason: 'stale',
      detail: 'the last result is 412 s old',
    } as const,
  }));
  return viewOf({ ...snapshot, checks }, { alive: false, schedulerLagSeconds: 400 });
}

export const HOSTILE_NAMES = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\u202Eesrever ni eman',
  'مشغل البناء العربي',
  `w${'W'.repeat(298)}w`,
  '</style></main><h1>mine',
] as const;

function hostile(): View {
  const runners = HOSTILE_NAMES.map((name, index) =>
    runner(`hostileA${index}`, { name, executor: name.slice(0, 40) }),
  );
  const findings = {
    dns: { ...warn('slow'), detail: HOSTILE_NAMES[0] } as const,
    'token@hostileA1': {
      ...fail('rejected'),
      detail: `GitLab refuses ${HOSTILE_NAMES[1]}`,
    } as const,
  };
  const view = viewOf(snapshotOf(findings, { runners }));
  const hostContext = { ...view.snapshot.hostContext, host: HOSTILE_NAMES[0] };
  return { ...view, snapshot: { ...view.snapshot, hostContext } };
}

/** By name of the picture. */
export function pageStates(): Readonly<Record<string, View>> {
  return {
    healthy: withPast(viewOf(snapshotOf({}, { mounts: ['/', '/builds'] }))),
    'one-fault': withPast(brokenTrustView()),
    'many-faults': withPast(many()),
    'fifty-runners': withPast(fifty()),
    stale: withPast(stale()),
    hostile: withPast(hostile()),
    'just-started': viewOf(
      {
        ...snapshotOf(),
        checks: snapshotOf().checks.map((state) => ({
          ...state,
          last: undefined,
          finding: {
            status: 'unknown',
            reason: 'not-run-yet',
            detail: 'the check has not run yet',
          } as const,
        })),
      },
      { ready: false },
    ),
  };
}
