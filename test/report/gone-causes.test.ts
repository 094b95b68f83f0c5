/** A cause that comes and goes, and is gone at the moment, is not what is broken. */
import { expect, test } from 'vitest';

import type { Cause } from '../../src/core/diagnosis.ts';
import type { View } from '../../src/core/view.ts';
import { nagiosLine } from '../../src/report/nagios.ts';
import { causeCards } from '../../src/report/page/causes.ts';
import { viewOfRunner } from '../../src/report/one-runner.ts';
import { textOf } from '../../src/report/text/text.ts';
import { brokenAt, fail, snapshotOf } from '../support/snapshots.ts';
import { viewOf } from '../support/views.ts';

const GONE: Pick<Cause, 'flapping' | 'summary'> = {
  flapping: { episodes: 3, isGone: true },
  summary: 'It comes and goes: 3 times so far, gone at the moment.',
};

/** A cause that is gone, beside those of the view. */
function withGone(view: View, verdict: View['diagnosis']['verdict']): View {
  const [model] = viewOf(snapshotOf(brokenAt('connect', fail('refused')))).diagnosis.causes;
  if (model === undefined) throw new Error('no cause');
  const causes = [{ ...model, ...GONE }, ...view.diagnosis.causes];
  return { ...view, diagnosis: { ...view.diagnosis, verdict, causes } };
}

const healthy = viewOf(snapshotOf());
const broken = viewOf(snapshotOf(brokenAt('dns', fail('not-found'))));

test('it is not listed under BROKEN', () => {
  const text = textOf(withGone(broken, 'broken'), { colour: false });

  expect(text).toMatch(/^BROKEN/);
  expect(text).toContain('dns-name-not-found');
  expect(text).not.toMatch(/gone at the moment|tcp-connection-refused {2}\(/i);
});

test('the page and a monitoring system leave it out then, too', () => {
  const view = withGone(broken, 'broken');

  expect(String(causeCards(view))).not.toContain('id="tcp-connection-refused"');
  expect(String(causeCards(view))).toContain('id="dns-name-not-found"');
  expect(nagiosLine(view)).toContain(`causes=${broken.diagnosis.causes.length};`);
});

test('the page says that it is gone while nothing is broken', () => {
  expect(String(causeCards(withGone(healthy, 'degraded')))).toContain('gone at the moment · since');
});

test('it is listed as gone while nothing is broken', () => {
  const text = textOf(withGone(healthy, 'degraded'), { colour: false });

  expect(text).toContain('tcp-connection-refused  (critical, gone at the moment, since');
});

const diagnosisOf = (view: View) => viewOfRunner(view, 'runnerAA1')?.diagnosis;

test('it breaks no single entry', () => {
  expect(diagnosisOf(withGone(healthy, 'degraded'))?.verdict).toBe('degraded');
  expect(diagnosisOf(withGone(broken, 'broken'))).toMatchObject({
    verdict: 'broken',
    summary: expect.not.stringContaining('gone at the moment'),
  });
});

test('a monitoring system counts it as no critical one', () => {
  expect(nagiosLine(withGone(healthy, 'degraded'))).toMatch(/causes=1;.* critical=0;/);
});
