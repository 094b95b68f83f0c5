/** Laws that hold for every combination of statuses, not only for known faults. */
import { isDeepStrictEqual } from 'node:util';

import { describe, expect, test } from 'vitest';

import type { Check, CheckState, Snapshot } from '../../src/core/check.ts';
import type { Diagnosis } from '../../src/core/diagnosis.ts';
import type { CheckId, Finding } from '../../src/core/finding.ts';
import { isStopped, isWorking } from '../../src/core/verdict.ts';
import { LINKS, STATUSES } from '../../src/core/vocabulary.ts';
import { catalogue, causeSpec } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { allRunners } from '../../src/core/host-context.ts';
import { isOfExecutors } from '../../src/diagnosis/cause-spec.ts';
import { TALKING } from '../support/events.ts';
import type { World } from '../support/snapshots.ts';
import {
  allBackendsOf,
  fail,
  GITLAB,
  PROXY,
  runner,
  SKIPPED,
  snapshotOf,
  warn,
} from '../support/snapshots.ts';

const REASONS: Readonly<Record<string, readonly [fails: string, warns: string]>> = {
  dns: ['not-found', 'slow'],
  connect: ['refused', 'some-addresses-failed'],
  proxy: ['denied', 'denied'],
  tls: ['expired', 'expiring-soon'],
  http: ['bad-gateway', 'slow'],
  api: ['not-gitlab', 'too-many-requests'],
  token: ['rejected', 'expiring-soon'],
  config: ['syntax-error', 'syntax-error'],
  service: ['not-running', 'two-processes'],
  disk: ['full', 'nearly-full'],
  memory: ['pressure', 'low'],
};

function findingOf(name: string, status: (typeof STATUSES)[number]): Finding {
  const [fails, warns] = REASONS[name.split('@')[0] ?? ''] ?? ['', ''];
  if (status === 'pass') return { status };
  if (status === 'fail') return fail(fails);
  if (status === 'warn') return warn(warns);
  return status === 'skipped' ? SKIPPED : { status, reason: 'overdue', detail: 'no end in time' };
}

/** All combinations of statuses of some checks. */
function* combinations(probes: readonly string[]): Generator<Readonly<Record<string, Finding>>> {
  const [probe, ...rest] = probes;
  if (probe === undefined) {
    yield {};
    return;
  }
  for (const others of combinations(rest)) {
    for (const status of STATUSES) yield { [probe]: findingOf(probe, status), ...others };
  }
}

function isTroubled({ finding }: CheckState): boolean {
  return finding.status === 'fail' || finding.status === 'warn';
}

function accountedFor({ causes }: Diagnosis): ReadonlySet<CheckId> {
  return new Set(
    causes.flatMap(({ evidence, explains }) => [
      ...evidence.map(({ check }) => check),
      ...explains,
    ]),
  );
}

/** What is wrong with a judgement; nothing when it keeps the laws. */
function lawViolations(snapshot: Snapshot, judged: Diagnosis): readonly string[] {
  const known = accountedFor(judged);
  const lost = snapshot.checks.filter((state) => isTroubled(state) && !known.has(state.check.id));
  const isCritical = judged.causes.some(({ severity }) => severity === 'critical');
  const isAllStopped = judged.runners.every((one) => isStopped(one));
  const twice = judged.causes.filter(({ evidence, explains }) =>
    evidence.some(({ check }) => explains.includes(check)),
  );
  const ids = judged.causes.map(({ id, scope }) => `${id}@${scope.id}`);
  const cutOff = judged.runners.filter((entry) => isStopped(entry) && entry.cause === undefined);
  const unproven = new Set(
    judged.causes
      .filter(({ id }) => id === 'unknown')
      .flatMap(({ evidence }) => evidence.map(({ check }) => check.split('@')[0] ?? '')),
  );
  const executors = allRunners(snapshot.hostContext).map(({ executor }) => executor);
  const isNameable = catalogue.some(
    (spec) =>
      isOfExecutors(spec, executors) &&
      spec.from.some((reason) => unproven.has(reason.split('/')[0] ?? '')),
  );
  return [
    ...lost.map(({ check }) => `${check.id} is in no cause`),
    ...((isCritical || isAllStopped) === (judged.verdict === 'broken')
      ? []
      : [`verdict ${judged.verdict}`]),
    ...(judged.verdict === 'healthy' && !judged.runners.every((one) => isWorking(one))
      ? ['healthy with an entry that does not work for certain']
      : []),
    ...twice.map(({ id }) => `${id} explains its own evidence`),
    ...(ids.length === new Set(ids).size ? [] : ['a cause is listed twice']),
    ...cutOff.map(({ runner }) => `${runner} is cut off without a cause`),
    ...(isNameable === judged.candidates.length > 0 ? [] : ['candidates do not follow unknown']),
  ];
}

/** The same world, one probe more that has nothing to say. */
function withPassing(snapshot: Snapshot): Snapshot {
  const cpu = snapshot.checks.find(({ check }) => check.probe.id === 'cpu');
  if (cpu === undefined) return snapshot;
  const check: Check = { ...cpu.check, id: 'cpu@other', target: { kind: 'host', id: 'other' } };
  return { ...snapshot, checks: [...snapshot.checks, { ...cpu, check }] };
}

function shuffleChecks(snapshot: Snapshot): Snapshot {
  return { ...snapshot, checks: [...snapshot.checks].reverse() };
}

/** What a passing check more does not change: it is counted in the summary. */
function verdictOf({ causes, candidates, runners, verdict }: Diagnosis): object {
  return { causes, candidates, runners, verdict };
}

/** The judgements that differ; `expect` is slow where nothing does. */
function different(
  pairs: readonly (readonly [found: object, wanted: object])[],
): Readonly<Record<'found' | 'wanted', readonly object[]>> {
  const those = pairs.filter(([found, wanted]) => !isDeepStrictEqual(found, wanted));
  return { found: those.map(([found]) => found), wanted: those.map(([, wanted]) => wanted) };
}

describe.each([
  ['the first links', ['dns', 'connect', 'tls', 'http'], {}],
  ['the last links', ['http', 'api', `token@runnerAA1`, 'token@runnerAA2'], {}],
  ['the path through a proxy', ['dns', 'connect', 'proxy', 'tls'], { proxy: PROXY }],
  ['host and path', ['config', 'service', 'disk', 'dns'], {}],
  [
    'host and path without a process',
    ['config', 'service', 'memory', 'token'],
    { process: undefined },
  ],
])('every combination of statuses on %s', (_what, probes, world) => {
  const snapshots = [...combinations(probes)].map((findings) => snapshotOf(findings, world));
  const judgements = snapshots.map((snapshot) => ({ snapshot, judged: diagnose(snapshot) }));

  test('leaves no failure and no warning without a cause, and is broken exactly when one is critical or no entry works', () => {
    const broken = judgements.flatMap(({ snapshot, judged }) => lawViolations(snapshot, judged));

    expect([...new Set(broken)]).toEqual([]);
    expect(snapshots).toHaveLength(STATUSES.length ** probes.length);
  });

  test('is judged the same in any order of the checks', () => {
    const { found, wanted } = different(
      judgements.map(({ snapshot, judged }) => [diagnose(shuffleChecks(snapshot)), judged]),
    );

    expect(found).toEqual(wanted);
  });

  test('is judged the same with one passing check more', () => {
    const { found, wanted } = different(
      judgements.map(({ snapshot, judged }) => [
        verdictOf(diagnose(withPassing(snapshot))),
        verdictOf(judged),
      ]),
    );

    expect(found).toEqual(wanted);
  });
});

/** Every probe has a check in it. */
const WHOLE: World = {
  ...TALKING,
  proxy: PROXY,
  runners: [runner('runnerAA1', { record: { id: 1, tokenFile: '/token' } })],
  executors: allBackendsOf('runnerAA1'),
};

const REASONS_OF_ALL = ALL_PROBES.flatMap(({ id, reasons }) =>
  Object.keys(reasons).flatMap((reason) => [
    [id, reason, 'fail'] as const,
    [id, reason, 'warn'] as const,
  ]),
);

test.each(REASONS_OF_ALL)('%s/%s as %s is in a cause, and not healthy', (probe, reason, status) => {
  const snapshot = snapshotOf({ [probe]: { status, reason, detail: `seen: ${reason}` } }, WHOLE);
  const judged = diagnose(snapshot);

  expect(lawViolations(snapshot, judged)).toEqual([]);
  // An `info` is intended, and never changes the verdict.
  const isWanted = judged.causes.every(({ severity }) => severity === 'info');
  expect(judged.causes).not.toEqual([]);
  expect(judged.verdict === 'healthy').toBe(isWanted);
});

/** What fails for every entry: a link of their path, or the backend of their executors. */
const STOPPING = [...LINKS, 'executor'] as const;
const FAILURES = ALL_PROBES.filter(({ id }) => STOPPING.some((one) => one === id)).flatMap(
  ({ id, reasons }) => Object.keys(reasons).map((reason) => [id, reason] as const),
);

test.each(FAILURES)(
  '%s/%s that fails for every entry is broken, whatever its severity',
  (probe, reason) => {
    const judged = diagnose(snapshotOf({ [probe]: fail(reason) }, WHOLE));
    const spec = judged.causes.map(({ id }) => causeSpec(id));
    // Some requests succeed; or only those of runnerwatch fail.
    const isWorking = spec.some((one) => one?.isPartial === true || one?.scope === 'monitor');

    expect(judged.runners.map((one) => isStopped(one))).toEqual([!isWorking]);
    expect(judged.verdict === 'broken').toBe(!isWorking);
  },
);

test.each(
  catalogue
    .filter(({ isAnnounced }) => isAnnounced === true)
    .flatMap(({ from }) => from.filter((reason) => reason.startsWith('token/'))),
)('%s stops the entry also where the token itself was not judged', (from) => {
  const reason = from.replace('token/', '');
  const token: Finding = { status: 'unknown', reason, detail: 'GitLab is in maintenance' };

  expect(diagnose(snapshotOf({ token }, WHOLE))).toMatchObject({
    verdict: 'broken',
    runners: [{ connected: false }],
  });
});

describe('nothing is fine without proof', () => {
  test('a world in which all passes is healthy', () => {
    expect(diagnose(snapshotOf())).toMatchObject({
      verdict: 'healthy',
      causes: [],
      candidates: [],
      summary: `2 runners reach ${GITLAB}; no problem found.`,
      runners: [{ connected: true }, { connected: true }],
    });
  });

  test('no check at all is unsure', () => {
    const nothing = { ...snapshotOf(), checks: [] };

    expect(diagnose(nothing)).toMatchObject({
      verdict: 'unsure',
      summary: 'No check has run yet.',
    });
  });

  test.each(['dns', 'tls', 'token', 'disk', 'config'])(
    '%s unknown is unsure, never healthy',
    (name) => {
      const unknown = findingOf(name, 'unknown');

      expect(diagnose(snapshotOf({ [name]: unknown })).verdict).toBe('unsure');
    },
  );
});
