/** A place that ends while it is looked at, or may not be entered: what is then said of its checks. */
import { expect, test } from 'vitest';

import { Absences, RESTART_SECONDS } from '../../src/core/absences.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import type { Place } from '../../src/core/place.ts';
import type { RunnerConfigReading } from '../../src/core/reading.ts';
import type { ExecutorBackend, TargetKind } from '../../src/core/target.ts';
import type { Known } from '../../src/checks/store.ts';
import { inPlace } from '../../src/checks/in-place.ts';
import { TRUSTED_HERE } from '../../src/go/tls/handshake-facts.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { setClock } from '../support/clock.ts';
import { contextIn } from '../support/places.ts';
import { ENDPOINT, PASS, probe } from '../support/probes.ts';
import { requestBudget } from '../support/request-budget.ts';
import { patient } from '../support/until.ts';

const FAIL: Finding = { status: 'fail', reason: 'refused', detail: 'refused' };
const KNOWN = { result: { finding: PASS } } as unknown as Known;

interface Given {
  readonly place: Partial<Place>;
  readonly finding?: Finding;
  readonly kind?: TargetKind;
  /** By default `connect`. */
  readonly id?: string;
  /** Of a container engine. */
  readonly address?: string;
  /** Of an executor. */
  readonly backend?: ExecutorBackend['kind'];
  /** It has no earlier result. */
  readonly isNew?: boolean;
  /** What was read of config.toml. */
  readonly reading?: Pick<RunnerConfigReading, 'modifiedAt'>;
}

function jobAt({
  place: over,
  finding = FAIL,
  kind = 'endpoint',
  id = 'connect',
  address,
  isNew = false,
  backend = 'docker',
  reading = {},
}: Given) {
  const place = { ...PACKAGED_PLACE, id: 'docker:a', ...over };
  const clock = setClock();
  const engine =
    address === undefined
      ? { backend: { kind: backend } }
      : { id: `${place.id} ${address}`, plainId: address, backend: { kind: 'docker' } };
  const target = { ...ENDPOINT, kind, place: place.id, reading, ...engine };
  const own = probe({ id, kind });
  const check = {
    id: 'connect@a' as const,
    probe: own,
    target: target as typeof ENDPOINT,
    options: {},
    intervalSeconds: 15,
    timeoutSeconds: 5,
  };
  const found: ProbeResult = { check: check.id, startedAt: 0, durationSeconds: 0, finding };
  const job = inPlace(
    {
      id: 'walk@a',
      group: 'walk',
      intervalSeconds: 15,
      timeoutSeconds: 5,
      checks: [check],
      run: async (_signal, emit) => await Promise.resolve(emit(found)),
    },
    {
      clock,
      contexts: [contextIn(place)],
      budget: requestBudget(clock, 20),
      known: () => (isNew ? undefined : KNOWN),
      absences: new Absences(),
    },
  );
  return {
    clock,
    run: async (): Promise<readonly string[]> => {
      const said: string[] = [];
      await job.run(
        patient(),
        ({ finding: { status, ...rest } }) =>
          said.push('reason' in rest ? `${status} ${rest.reason}` : status),
        false,
      );
      return said;
    },
  };
}

test('on the host, and in a container that is there, a check says what it found', async () => {
  expect(await jobAt({ place: {} }).run()).toEqual(['fail refused']);
  expect(await jobAt({ place: { isThere: () => true } }).run()).toEqual(['fail refused']);
});

test('while a container is only restarted what was known holds; then nothing is known', async () => {
  const { clock, run } = jobAt({ place: { isThere: () => false } });

  expect(await run()).toEqual([]);
  clock.advance(RESTART_SECONDS);
  expect(await run()).toEqual([]);
  clock.advance(1);
  expect(await run()).toEqual(['unknown place-gone']);
});

test('what failed while the container ended says nothing, and a pass proves itself', async () => {
  const answers = [true, false];
  const ends = (): Partial<Place> => {
    const left = [...answers];
    return { isThere: () => left.shift() ?? false };
  };

  expect(await jobAt({ place: ends() }).run()).toEqual([]);
  expect(await jobAt({ place: ends(), finding: PASS }).run()).toEqual(['pass']);
});

test('without an earlier result a check says that its place is gone', async () => {
  expect(await jobAt({ place: { isThere: () => false }, isNew: true }).run()).toEqual([
    'unknown place-gone',
  ]);
});

test('a network that may not be entered makes its path unknown, and nothing else', async () => {
  const place = { closed: 'it needs CAP_SYS_ADMIN' };

  expect(await jobAt({ place }).run()).toEqual(['unknown place-closed']);
  expect(await jobAt({ place, kind: 'mount' }).run()).toEqual(['fail refused']);
  expect(await jobAt({ place, kind: 'service' }).run()).toEqual(['fail refused']);
});

test.each([
  ['tcp://docker:2375', 'unknown place-closed'],
  ['https://docker:2376', 'unknown place-closed'],
  ['unix:///var/run/docker.sock', 'fail refused'],
  ['docker:2375', 'fail refused'],
])('of an engine at %s behind a closed network is said: %s', async (address, said) => {
  const engine = { kind: 'executor', address } as const;

  expect(await jobAt({ place: { closed: 'it needs CAP_SYS_ADMIN' }, ...engine }).run()).toEqual([
    said,
  ]);
  expect(await jobAt({ place: {}, ...engine }).run()).toEqual(['fail refused']);
});

test('a config.toml that was read on the host is judged without its container', async () => {
  const paths = { ...PACKAGED_PLACE.paths, volumes: [] };
  const gone = { isThere: () => false };
  const config = { kind: 'config', isNew: true } as const;
  const read = { reading: { modifiedAt: 1 } };

  expect(await jobAt({ place: { ...gone, paths }, ...config, ...read }).run()).toEqual([
    'fail refused',
  ]);
  // A volume may be mounted only while its container runs.
  for (const unread of [{ place: { ...gone, paths } }, { place: gone, ...read }]) {
    expect(await jobAt({ ...unread, ...config }).run()).toEqual(['unknown place-gone']);
  }
});

test('whether the process runs is asked of the host, also when it does not', async () => {
  expect(await jobAt({ place: { isThere: () => false }, kind: 'service' }).run()).toEqual([
    'fail refused',
  ]);
});

test('a cluster is reached over the network that a container beside the runner has too', async () => {
  const cluster = { kind: 'executor', backend: 'cluster' } as const;

  expect(await jobAt({ place: { unseen: 'it is elsewhere' }, ...cluster }).run()).toEqual([
    'fail refused',
  ]);
  expect(await jobAt({ place: { closed: 'it needs CAP_SYS_ADMIN' }, ...cluster }).run()).toEqual([
    'unknown place-closed',
  ]);
});

test.each([
  ['what our own trust refuses', 'endpoint', 'unknown-authority', 'unknown place-unseen'],
  ['another fault of the path', 'endpoint', 'refused', 'fail refused'],
  ['a file system of ours', 'mount', 'full', 'unknown place-unseen'],
  ['an engine as we see it', 'executor', 'socket-missing', 'unknown place-unseen'],
  ['a file that may not be mounted for us', 'config', 'missing', 'unknown place-unseen'],
  ['what is in a file that is mounted', 'config', 'syntax-error', 'fail syntax-error'],
  ['an answer of the runner', 'service', 'not-running', 'fail not-running'],
] as const)('of a runner that is not visible: %s', async (_title, kind, reason, said) => {
  const finding: Finding = { status: 'fail', reason, detail: reason };
  const seen = await jobAt({ place: { unseen: 'it is elsewhere' }, kind, finding }).run();
  expect(seen).toEqual([said]);
});

test('control groups that are not in our /sys are unknown, and nothing else', async () => {
  const place = { withoutGroups: 'they are not in /sys' };

  expect(await jobAt({ place, id: 'cgroup', kind: 'service' }).run()).toEqual([
    'unknown place-unseen',
  ]);
  expect(await jobAt({ place, id: 'service', kind: 'service' }).run()).toEqual(['fail refused']);
  expect(await jobAt({ place: {}, id: 'cgroup', kind: 'service' }).run()).toEqual(['fail refused']);
});

test('a pass by an authority that our own image alone may trust is none of the runner', async () => {
  const place = { unseen: 'it is elsewhere' };
  const data = dataWith(TRUSTED_HERE, 'Corporate CA');
  const soon: Finding = { status: 'warn', reason: 'expiring-soon', detail: 'soon', data };

  expect(await jobAt({ place, finding: { ...PASS, data } }).run()).toEqual([
    'unknown place-unseen',
  ]);
  expect(await jobAt({ place, finding: PASS }).run()).toEqual(['pass']);
  expect(await jobAt({ place: {}, finding: { ...PASS, data } }).run()).toEqual(['pass']);
  expect(await jobAt({ place, finding: soon }).run()).toEqual(['warn expiring-soon']);
});
