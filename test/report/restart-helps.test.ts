/** When a liveness probe may restart the runner: for no fault of GitLab or of the path to it, and never at the price of a job. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { View } from '../../src/core/view.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { restartHelps, HUNG } from '../../src/report/restart-helps.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import { fail, snapshotOf } from '../support/snapshots.ts';
import { viewOf } from '../support/views.ts';

const STOPPED = fail('stopped', { pid: 812 });

function viewWith(findings: Readonly<Record<string, FindingSpec>>): View {
  const view = viewOf(snapshotOf(findings));
  const causes = view.diagnosis.causes.map(
    (cause) => ({ ...cause, confidence: 'confirmed' }) as const,
  );
  return { ...view, diagnosis: { ...view.diagnosis, causes } };
}

test('the cause is one of the catalogue', () => {
  expect(catalogue.map(({ id }) => id)).toContain(HUNG);
});

/** The runner is stopped; what its metrics told of jobs, oldest first. A stopped one tells nothing more. */
function stoppedWith(told: readonly (number | undefined)[]): View {
  const view = viewWith({ service: STOPPED });
  const { checks } = view.snapshot;
  const [service] = checks.filter(({ check }) => check.probe.id === 'service');
  const probe = view.probes.find(({ id }) => id === 'runner-metrics');
  if (service === undefined || probe === undefined) throw new Error('a check is missing');
  const check = { ...service.check, probe: { ...service.check.probe, id: probe.id } };
  const recent = told.map((jobs) => ({
    check: check.id,
    startedAt: 0,
    durationSeconds: 0,
    finding: findingWith(jobs),
  }));
  const metrics = { ...service, check, recent, finding: findingWith(told.at(-1)) };
  return { ...view, snapshot: { ...view.snapshot, checks: [...checks, metrics] } };
}

function findingWith(jobs: number | undefined): Finding {
  return jobs === undefined
    ? { status: 'unknown', reason: 'silent', detail: 'it does not answer' }
    : { status: 'pass', measures: { running_jobs: jobs } };
}

test.each([
  ['no job, when it was asked last', [1, 0], true],
  ['no job, before it was stopped', [0, undefined, undefined], true],
  ['a job', [0, 1], false],
  ['a job, before it was stopped', [0, 2, undefined], false],
  ['nothing', [undefined], false],
] as const)('a stopped runner whose metrics told of %s', (_what, told, helps) => {
  expect(restartHelps(stoppedWith(told))).toBe(helps);
});

test('a stopped runner without metrics may have jobs', () => {
  expect(restartHelps(viewWith({ service: STOPPED }))).toBe(false);
});

test('nothing is done before it is confirmed', () => {
  const view = stoppedWith([0]);
  const causes = view.diagnosis.causes.map(
    (cause) => ({ ...cause, confidence: 'suspected' }) as const,
  );
  expect(restartHelps({ ...view, diagnosis: { ...view.diagnosis, causes } })).toBe(false);
});

test('one that the kernel blocks cannot be ended', () => {
  expect(restartHelps(viewWith({ service: fail('uninterruptible', { pid: 812 }) }))).toBe(false);
});

describe('every other cause', () => {
  const { causes, ...rest } = viewWith({ service: STOPPED }).diagnosis;
  const [cause] = causes;
  const view = stoppedWith([0]);

  test.each(catalogue.map(({ id }) => id).filter((id) => id !== HUNG))('%s is not', (id) => {
    const others = cause === undefined ? [] : [{ ...cause, id }];
    expect(restartHelps({ ...view, diagnosis: { ...rest, causes: others } })).toBe(false);
  });
});
