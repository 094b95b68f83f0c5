/**
 * A new probe is one object and one line in the list: settings, metrics, docs, page, cause and verdict follow. This
 * one is made up, and nothing else in the program knows it.
 */
import { describe, expect, test } from 'vitest';

import { exampleSettings } from '../src/config/settings/example.ts';
import { loadSettings } from '../src/config/settings/settings.ts';
import type { Finding } from '../src/core/finding.ts';
import { withFollowUps } from '../src/core/follow-up.ts';
import type { Probe } from '../src/core/probe.ts';
import { defineProbe } from '../src/core/probe.ts';
import { healthOf } from '../src/report/health.ts';
import { requireCause } from '../src/diagnosis/build-cause.ts';
import { explainingKinds } from '../src/diagnosis/changes/explaining-kinds.ts';
import { diagnose } from '../src/diagnosis/diagnose.ts';
import { FOLLOW_UPS } from '../src/follow-ups/index.ts';
import { createExporter } from '../src/metrics/exporter.ts';
import { PROBES } from '../src/probes/index.ts';
import { pageOf } from '../src/report/page/page.ts';
import { configurationPage } from '../tools/docs/configuration-page.ts';
import { metricsPage } from '../tools/docs/metrics-page.ts';
import { probesPage } from '../tools/docs/probes-page.ts';
import { snapshotOf } from './support/snapshots.ts';
import { viewOf } from './support/views.ts';

const FINDING: Finding<'too-hot', 'hottest_ratio'> = {
  status: 'fail',
  reason: 'too-hot',
  detail: 'the host is at 97 % of the temperature at which it stops',
  measures: { hottest_ratio: 0.97 },
};

const heat = defineProbe({
  id: 'heat',
  title: 'Temperature',
  question: 'Is the host cool enough?',
  kind: 'host',
  needs: [],
  changedBy: ['program'],
  intervalSeconds: 30,
  timeoutSeconds: 5,
  options: {
    hot_ratio: {
      kind: 'number',
      default: 0.9,
      unit: 'ratio',
      min: 0.5,
      max: 1,
      help: 'Share of the highest temperature that is too hot.',
    },
  },
  reasons: {
    'too-hot': {
      kind: 'cause',
      severity: 'warning',
      meaning: 'The host is about to switch itself off.',
      action: 'Look at its fans.',
    },
  },
  measures: {
    hottest_ratio: { help: 'Share of the highest temperature.', measurement: 'utilization' },
  },
  run: () => Promise.resolve(FINDING),
});

// One line in the list.
const probes: readonly Probe[] = withFollowUps([...PROBES, heat], FOLLOW_UPS);
const hot = snapshotOf({ heat: FINDING }, { probes });

describe('a new probe without any other change', () => {
  test('has settings, which are validated', () => {
    const { settings } = loadSettings('[probes.heat]\nhot_ratio = 0.8\n', 'file', probes);
    const { problems } = loadSettings('[probes.heat]\nhot_ratio = 8\n', 'file', probes);

    expect(settings?.probes['heat']?.options).toEqual({ hot_ratio: 0.8 });
    expect(problems).toHaveLength(1);
    expect(exampleSettings(probes)).toContain('[probes.heat]');
  });

  test('has metrics', async () => {
    const view = { ...viewOf(hot), probes };
    const { body } = await createExporter(probes).render(view, 'text');

    expect(body).toContain('runnerwatch_heat_hottest_ratio{target="host"} 0.97');
    expect(body).toContain(
      'runnerwatch_probe_failure_reasons_total{probe="heat",reason="too-hot"} 0',
    );
  });

  test('is in the docs', () => {
    expect(probesPage(probes)).toContain('| `too-hot` | The host is about to switch itself off. |');
    expect(configurationPage(probes)).toContain('### [probes.heat]');
    expect(metricsPage(probes)).toContain('`runnerwatch_heat_hottest_ratio`');
  });

  test('has a say in which changes explain a cause that is read from it', () => {
    const spec = { ...requireCause('unknown'), from: ['heat/too-hot'] };

    expect(explainingKinds(spec, probes)).toEqual(new Set(['program']));
  });

  test('has its value in /health', () => {
    const { checks } = healthOf({ ...viewOf(hot), probes });

    expect(checks['heat:utilization']).toMatchObject([{ observedValue: 0.97 }]);
  });

  test('has a row on the page', () => {
    const page = pageOf({ ...viewOf(hot), probes });

    expect(page).toContain('heat@host');
  });

  test('ends in a cause with its detail, and in the verdict', () => {
    expect(diagnose(hot)).toMatchObject({
      verdict: 'degraded',
      causes: [
        {
          id: 'unknown',
          severity: 'warning',
          confidence: 'confirmed',
          summary: 'The host is at 97 % of the temperature at which it stops.',
          scope: { kind: 'host', id: 'host', runners: ['runnerAA1', 'runnerAA2'] },
          evidence: [{ check: 'heat@host' }],
          fix: [{ text: 'Look at its fans.' }],
        },
      ],
    });
  });
});
