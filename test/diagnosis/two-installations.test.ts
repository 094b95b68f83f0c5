/** Two installations of the runner on one host: what is wrong with one says nothing about the other. */
import { describe, expect, test } from 'vitest';

import type { Snapshot } from '../../src/core/check.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { RunnerTarget } from '../../src/core/target.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { TALKING } from '../support/events.ts';
import { allBackendsOf, DOCKER, fail, PROXY, runner, snapshotOf } from '../support/snapshots.ts';
import { FIRST, inPlace, SECOND, together } from '../support/two-installations.ts';

type Findings = Readonly<Record<string, Finding>>;

/** Every probe has a check in it. */
function installation(findings: Findings, entry: RunnerTarget, place: typeof FIRST): Snapshot {
  const executors = allBackendsOf(entry.id);
  const world = { ...TALKING, proxy: PROXY, runners: [entry], executors, place };
  return inPlace(snapshotOf(findings, world), place);
}

const first = (findings: Findings): Snapshot =>
  installation(findings, runner('runnerAA1', { record: { id: 1, tokenFile: '/token' } }), FIRST);
const second = (findings: Findings): Snapshot =>
  installation(findings, runner('runnerBB1', { record: { id: 2, tokenFile: '/token' } }), SECOND);

/** What both use has the name that it has for both. */
function ofTheHost(cause: Cause): Cause {
  const { scope } = cause;
  return { ...cause, scope: { ...scope, id: scope.id.replace(`#${SECOND.id}`, '') } };
}

const OF_ONE = ALL_PROBES.filter(({ kind }) => kind !== 'host' && kind !== 'mount');
const REASONS = OF_ONE.flatMap(({ id, reasons }) =>
  Object.keys(reasons).flatMap((reason) => [
    [id, reason, 'fail'] as const,
    [id, reason, 'warn'] as const,
  ]),
);

describe.each(REASONS)('%s/%s as %s', (probe, reason, status) => {
  const findings: Findings = { [probe]: { status, reason, detail: `seen: ${reason}` } };

  test.each([
    ['the first', first(findings), second({}), 'runnerBB1'],
    ['the second', second(findings), first({}), 'runnerAA1'],
  ])('at %s is judged as if there were no other', (_which, ill, well, healthy) => {
    const alone = diagnose(ill);
    const isFirst = ill.hostContext.contexts[0].place === FIRST;
    const both = diagnose(isFirst ? together(ill, well) : together(well, ill));

    expect(both.causes).toEqual(alone.causes.map((cause) => ofTheHost(cause)));
    // An entry that works is left.
    const severities = alone.causes.map(({ severity }) => severity);
    const isSpared = alone.verdict === 'broken' && !severities.includes('critical');
    expect(both.verdict).toBe(isSpared ? 'degraded' : alone.verdict);
    expect(both.runners.find(({ runner: id }) => id === healthy)).toMatchObject({
      connected: true,
    });
    expect(both.runners.find(({ runner: id }) => id === healthy)?.cause).toBeUndefined();
  });

  test('at both has the commands of both', () => {
    const [atFirst, atSecond] = [diagnose(first(findings)), diagnose(second(findings))];
    const both = diagnose(together(first(findings), second(findings)));
    const commands = both.causes.flatMap(({ fix }) => fix.map(({ command }) => command));
    const wanted = [...atFirst.causes, ...atSecond.causes].flatMap(({ fix }) =>
      fix.map(({ command }) => command),
    );

    expect(new Set(commands)).toEqual(new Set(wanted));
    expect(both.runners).toEqual([...atFirst.runners, ...atSecond.runners]);
    expect(new Set(both.causes.map(({ id }) => id))).toEqual(
      new Set([...atFirst.causes, ...atSecond.causes].map(({ id }) => id)),
    );
  });
});

test('a fault of the host is one cause for the entries of both', () => {
  const findings = { memory: fail('pressure') };
  const { causes } = diagnose(together(first(findings), second(findings)));

  expect(causes).toHaveLength(1);
  expect(causes[0]?.scope.runners).toEqual(['runnerAA1', 'runnerBB1']);
});

test.each([
  ['a GitLab', { http: fail('bad-gateway') }, 'https://gitlab.example.com/'],
  ['a container engine', { executor: fail('docker-down') }, DOCKER],
])('%s that both use is one cause, of the name that it has for both', (_what, findings, id) => {
  const { causes } = diagnose(together(first(findings), second(findings)));

  expect(causes.map(({ scope }) => scope)).toMatchObject([
    { id, runners: ['runnerAA1', 'runnerBB1'] },
  ]);
});
