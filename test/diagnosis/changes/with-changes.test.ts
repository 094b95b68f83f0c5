/** What changed before a cause: which change is told, which is taken back first, and which is neither. */
import { describe, expect, test } from 'vitest';

import { ALL_PROBES } from '../../../src/cli/all-probes.ts';
import type { Change, ChangedLine, ChangeKind } from '../../../src/core/change.ts';
import { CHANGE_KINDS } from '../../../src/core/change.ts';
import type { Cause, Diagnosis } from '../../../src/core/diagnosis.ts';
import type { CauseSpec } from '../../../src/diagnosis/cause-spec.ts';
import { catalogue } from '../../../src/diagnosis/catalogue/index.ts';
import { explainingKinds } from '../../../src/diagnosis/changes/explaining-kinds.ts';
import { withChanges } from '../../../src/diagnosis/changes/with-changes.ts';
import { brokenAt, CONFIG, fail, GITLAB, PROXY, snapshotOf } from '../../support/snapshots.ts';
import { START } from '../../support/clock.ts';

const SINCE = START - 60_000;
const DNS = snapshotOf(brokenAt('dns', fail('not-found')));

function line(text: string, over: Partial<ChangedLine> = {}): ChangedLine {
  return { text, key: text, ...over };
}

function changeOf(kind: ChangeKind, over: Partial<Change> = {}): Change {
  return { at: SINCE - 2000, kind, what: kind, before: 'a', after: 'b', ...over };
}

function causeOf(id: string, over: Partial<Cause> = {}): Cause {
  return {
    id,
    severity: 'critical',
    confidence: 'confirmed',
    title: 'title',
    summary: 'summary',
    scope: { kind: 'gitlab', id: GITLAB, runners: ['runnerAA1'] },
    since: SINCE,
    evidence: [{ check: `dns@${GITLAB}`, at: SINCE, text: 'seen' }],
    ruledOut: [],
    fix: [{ text: 'The usual step.' }],
    resolvedWhen: 'it passes',
    explains: [],
    ...over,
  };
}

function explained(cause: Cause, changes: readonly Change[], snapshot = DNS): Cause {
  const diagnosis: Diagnosis = {
    verdict: 'broken',
    summary: 'summary',
    causes: [cause],
    candidates: [],
    runners: [],
  };
  return withChanges({ diagnosis, snapshot, probes: ALL_PROBES }, { changes }).causes[0] ?? cause;
}

const LOST_LINE = changeOf('hosts-file', {
  what: '/etc/hosts',
  path: '/etc/hosts',
  removed: [line('10.0.0.9 gitlab.example.com')],
});

/** A change of each kind that would be taken back wherever it explains the cause. */
const SAMPLES: Readonly<Record<ChangeKind, Change>> = {
  'hosts-file': LOST_LINE,
  resolver: changeOf('resolver', {
    path: '/etc/resolv.conf',
    removed: [line('search example.com')],
    linesBefore: ['nameserver 10.0.0.2', 'search example.com'],
  }),
  'name-services': changeOf('name-services', {
    path: '/etc/nsswitch.conf',
    removed: [line('hosts: files dns')],
    added: [line('hosts: files')],
  }),
  ...configSamples(),
  'ca-file': changeOf('ca-file', { path: '/etc/gitlab-runner/certs/gitlab.example.com.crt' }),
  'system-certificates': changeOf('system-certificates', {
    path: '/etc/ssl/certs/ca-certificates.crt',
  }),
  'client-certificate': changeOf('client-certificate', {
    path: '/etc/gitlab-runner/certs/gitlab.example.com.crt',
  }),
  'server-certificate': changeOf('server-certificate'),
  'proxy-environment': changeOf('proxy-environment', {
    removed: [line('HTTPS_PROXY=http://proxy.example.com:3128')],
  }),
  unit: changeOf('unit', { removed: [line('/etc/systemd/system/gitlab-runner.service.d/a.conf')] }),
  'engine-settings': changeOf('engine-settings', { path: '/etc/docker/daemon.json' }),
  program: changeOf('program'),
  process: changeOf('process'),
  routes: changeOf('routes', { removed: [line('0.0.0.0/0 via 10.0.0.1 dev eth0')] }),
  clock: changeOf('clock'),
};

function configSample(kind: ChangeKind): Change {
  return changeOf('config', {
    path: CONFIG,
    what: CONFIG,
    removed: [line('key = "old"', { kind })],
    added: [line('key = "new"', { kind })],
  });
}

function configSamples() {
  return {
    config: configSample('config'),
    'config-url': configSample('config-url'),
    'config-token': configSample('config-token'),
    'config-trust': configSample('config-trust'),
    'config-executor': configSample('config-executor'),
  };
}

/** Facts with an address on every route, and a backend of every executor. */
const WIDE = snapshotOf(
  { ...brokenAt('connect', fail('refused', { address: '10.0.0.2', addresses: '10.0.0.2' })) },
  { proxy: PROXY },
);

const KINDS = Object.keys(CHANGE_KINDS) as readonly ChangeKind[];
/** What cannot be taken back from here. */
const ONLY_TOLD: ReadonlySet<ChangeKind> = new Set([
  'server-certificate',
  'program',
  'process',
  'clock',
]);

describe.each(catalogue.map((spec): [string, CauseSpec] => [spec.id, spec]))('%s', (id, spec) => {
  test('begins with taking back a change of exactly the kinds that it declares', () => {
    const usual = 'The usual step.';
    const begins = KINDS.filter((kind) => {
      const [first] = explained(causeOf(id), [SAMPLES[kind]], WIDE).fix;
      return first?.text !== usual;
    });
    const declared = KINDS.filter(
      (kind) => explainingKinds(spec, ALL_PROBES).has(kind) && !ONLY_TOLD.has(kind),
    );

    expect(begins).toEqual(declared);
  });
});

test('every kind can be the reason of some cause, unless it is only told', () => {
  const declared = new Set(catalogue.flatMap((spec) => [...explainingKinds(spec, ALL_PROBES)]));

  expect(KINDS.filter((kind) => !declared.has(kind))).toEqual(['process']);
});

describe('the name that no longer resolves', () => {
  const cause = causeOf('dns-name-not-found');

  test('has the removed line in its first step, as a command', () => {
    const { fix, changedBefore } = explained(cause, [LOST_LINE]);

    expect(changedBefore).toEqual([
      {
        at: SINCE - 2000,
        secondsBefore: 2,
        what: '/etc/hosts',
        text: '/etc/hosts: removed "10.0.0.9 gitlab.example.com"',
        explains: true,
      },
    ]);
    expect(fix[0]).toEqual({
      text: 'In /etc/hosts restore "10.0.0.9 gitlab.example.com", removed 2 s before the fault began.',
      command: String.raw`printf '\n%s\n' '10.0.0.9 gitlab.example.com' | sudo tee -a /etc/hosts >/dev/null`,
    });
  });

  test.each<[string, Partial<Change>]>([
    ['for another host', { removed: [line('10.0.0.9 elsewhere.example.com')] }],
    ['in a comment alone', { removed: [] }],
    ['twenty minutes before', { at: SINCE - 1_200_000 }],
    ['after it began', { at: SINCE + 5000 }],
  ])('knows no step for a change %s', (_what, over) => {
    const { fix, changedBefore = [] } = explained(cause, [{ ...LOST_LINE, ...over }]);

    expect(fix).toEqual(cause.fix);
    expect(changedBefore.filter(({ explains }) => explains)).toEqual([]);
  });

  test('does not tell of another installation', () => {
    expect(explained(cause, [{ ...LOST_LINE, place: 'docker:other' }])).toEqual(cause);
  });

  test('takes a change for earlier that was noticed later, with the next reading', () => {
    const noticed = { ...LOST_LINE, at: SINCE + 2000, earliest: SINCE - 1000 };

    expect(explained(cause, [noticed]).fix[0]?.text).toMatch(
      /removed just before the fault began\.$/,
    );
  });

  test('says nothing of a change that was taken back', () => {
    const back: Change = {
      ...LOST_LINE,
      at: SINCE + 10_000,
      before: 'b',
      after: 'a',
      removed: [],
      added: LOST_LINE.removed ?? [],
    };

    expect(explained(cause, [back, LOST_LINE])).toEqual(cause);
  });

  test('sums up what was changed in several edits', () => {
    const more: Change = {
      ...LOST_LINE,
      at: SINCE - 1000,
      before: 'b',
      after: 'c',
      removed: [],
      added: [line('10.0.0.7 gitlab.example.com')],
    };

    expect(explained(cause, [more, LOST_LINE]).fix[0]).toEqual({
      text: 'Change "10.0.0.7 gitlab.example.com" in /etc/hosts back to "10.0.0.9 gitlab.example.com": it was changed 1 s before the fault began.',
      command: String.raw`text=$(sudo sed -e 's/^10\.0\.0\.7 gitlab\.example\.com[[:space:]]*$/10.0.0.9 gitlab.example.com/' /etc/hosts) && printf '%s\n' "$text" | sudo tee /etc/hosts >/dev/null`,
    });
  });
});

test('a line of the hosts file explains no outage of the address that it leads to', () => {
  const snapshot = snapshotOf({
    ...brokenAt('connect', fail('refused')),
    dns: { status: 'pass', facts: { addresses: '10.0.0.9' } },
  });
  const added = changeOf('hosts-file', { added: [line('10.0.0.9 gitlab.example.com')] });
  const { changedBefore, fix } = explained(causeOf('tcp-connection-refused'), [added], snapshot);

  expect(changedBefore).toMatchObject([{ explains: false }]);
  expect(fix).toHaveLength(1);
});

test('a route to another network is told, and explains nothing', () => {
  const docker = changeOf('routes', { added: [line('172.18.0.0/16 dev br-1')] });
  const { changedBefore } = explained(causeOf('tcp-connect-timeout'), [docker], WIDE);

  expect(changedBefore).toMatchObject([{ explains: false }]);
});

test('the line of another entry explains nothing', () => {
  const other = changeOf('config', {
    path: CONFIG,
    removed: [line('url = "a"', { kind: 'config-url', entry: 'docker-2' })],
    added: [line('url = "b"', { kind: 'config-url', entry: 'docker-2' })],
  });

  expect(explained(causeOf('dns-name-not-found'), [other]).fix).toHaveLength(1);
});

function hiddenToken(digest: string): ChangedLine {
  return line('token', { key: digest, kind: 'config-token', isHidden: true, entry: 'docker-1' });
}

describe('a value that may be secret', () => {
  test('is not written again: the file is opened instead', () => {
    const change = changeOf('config', {
      what: CONFIG,
      path: CONFIG,
      removed: [hiddenToken('1')],
      added: [hiddenToken('2')],
    });
    const { fix, changedBefore } = explained(causeOf('token-rejected'), [change]);

    expect(changedBefore).toMatchObject([{ text: `${CONFIG}: token of docker-1 changed` }]);
    expect(fix[0]).toEqual({
      text: `Take the last edit of ${CONFIG} back, from a backup or by hand: token changed 2 s before the fault began.`,
      command: `sudoedit ${CONFIG}`,
    });
  });

  test('a line that stands in the file more than once is not replaced blindly', () => {
    const change = changeOf('config', {
      path: CONFIG,
      removed: [line('url = "a"', { kind: 'config-url' })],
      added: [line('url = "b"', { kind: 'config-url', isRepeated: true })],
    });

    expect(explained(causeOf('dns-name-not-found'), [change]).fix[0]?.command).toBe(
      `sudoedit ${CONFIG}`,
    );
  });
});

test('a change while another fault lasted is told as one, and is not taken back', () => {
  const diagnosis = { causes: [causeOf('dns-name-not-found')] } as unknown as Diagnosis;
  const judged = { diagnosis, snapshot: DNS, probes: ALL_PROBES };
  const past = { changes: [LOST_LINE], isOfRepair: () => true };
  const [{ fix, changedBefore } = causeOf('')] = withChanges(judged, past).causes;

  expect(changedBefore).toMatchObject([{ explains: false }]);
  expect(fix).toHaveLength(1);
});

test.each(KINDS)(
  'a change of %s with more lines than are known is not taken back in part',
  (kind) => {
    const sample: Change = { ...SAMPLES[kind], isCut: true };
    const commands = catalogue
      .filter((spec) => explainingKinds(spec, ALL_PROBES).has(kind))
      .flatMap(({ id }) => explained(causeOf(id), [sample], WIDE).fix)
      .flatMap(({ command }) => command ?? []);

    expect(commands.filter((one) => /sed -e|ip route|10\.0\.0\.9/.test(one))).toEqual([]);
  },
);

test('a hosts file with more changed lines than are known is opened', () => {
  const cut: Change = { ...LOST_LINE, isCut: true };

  expect(explained(causeOf('dns-name-not-found'), [cut]).fix[0]).toEqual({
    text: 'Take the last edit of /etc/hosts back, from a backup or by hand: too many lines changed 2 s before the fault began to be listed here.',
    command: 'sudoedit /etc/hosts',
  });
});

test.each([
  ['runner-not-running', false],
  ['runner-shutting-down', false],
  ['runner-orphaned', true],
  ['token-rejected', true],
])('a restart of the runner beside %s is told: %s', (id, isTold) => {
  const restart = changeOf('process', { before: 'pid 1', after: 'pid 2' });

  expect(explained(causeOf(id), [restart]).changedBefore !== undefined).toBe(isTold);
});

test('at most three changes are told, those that explain first', () => {
  const others = KINDS.filter((kind) => kind.startsWith('system') || ONLY_TOLD.has(kind));
  const changes = [...others.map((kind) => changeOf(kind, { at: SINCE - 1000 })), LOST_LINE];
  const { changedBefore = [] } = explained(causeOf('dns-name-not-found'), changes);

  expect(changedBefore.map(({ explains }) => explains)).toEqual([true, false, false]);
});
