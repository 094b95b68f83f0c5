/** When a liveness probe may restart the runner: for no fault of GitLab or of the path to it, and never at the price of a job. */
import { describe, expect, test } from 'vitest';

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

test('a stopped runner without a job is helped', () => {
  expect(restartHelps(viewWith({ service: STOPPED }))).toBe(true);
});

test('nothing is done before it is confirmed', () => {
  const view = viewWith({ service: STOPPED });
  const causes = view.diagnosis.causes.map(
    (cause) => ({ ...cause, confidence: 'suspected' }) as const,
  );
  expect(restartHelps({ ...view, diagnosis: { ...view.diagnosis, causes } })).toBe(false);
});

test('one that the kernel blocks cannot be ended', () => {
  expect(restartHelps(viewWith({ service: fail('uninterruptible', { pid: 812 }) }))).toBe(false);
});

test('a running job is worth more', () => {
  const view = viewWith({ service: STOPPED });
  const { checks } = view.snapshot;
  const [service] = checks.filter(({ check }) => check.probe.id === 'service');
  const probe = view.probes.find(({ id }) => id === 'runner-metrics');
  if (service === undefined || probe === undefined) throw new Error('a check is missing');
  const jobs = {
    ...service,
    check: { ...service.check, probe: { ...service.check.probe, id: probe.id } },
    finding: { status: 'pass', measures: { running_jobs: 1 } },
  } as const;
  expect(restartHelps({ ...view, snapshot: { ...view.snapshot, checks: [...checks, jobs] } })).toBe(
    false,
  );
});

describe('every other cause', () => {
  const { causes, ...rest } = viewWith({ service: STOPPED }).diagnosis;
  const [cause] = causes;
  const view = viewWith({});

  test.each(catalogue.map(({ id }) => id).filter((id) => id !== HUNG))('%s is not', (id) => {
    const others = cause === undefined ? [] : [{ ...cause, id }];
    expect(restartHelps({ ...view, diagnosis: { ...rest, causes: others } })).toBe(false);
  });
});
