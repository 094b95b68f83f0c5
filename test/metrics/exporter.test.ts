/** The metrics: what is absent, what is bounded, hostile texts. */
import { describe, expect, test } from 'vitest';

import type { Snapshot } from '../../src/core/check.ts';
import type { View } from '../../src/core/view.ts';
import { createExporter } from '../../src/metrics/exporter.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { START } from '../support/clock.ts';
import type { Series } from '../support/exposition.ts';
import { seriesOf } from '../support/exposition.ts';
import { brokenAt, fail, GITLAB, runner, SINCE, snapshotOf, warn } from '../support/snapshots.ts';
import { brokenTrustView, withMeasures, viewOf } from '../support/views.ts';

async function exposeView(view: View): Promise<readonly Series[]> {
  const { body } = await createExporter(ALL_PROBES).render(view, 'text');
  return seriesOf(body);
}

async function seriesNamed(view: View, name: string): Promise<readonly Series[]> {
  return (await exposeView(view)).filter((series) => series.name === `runnerwatch_${name}`);
}

async function saidOf(
  findings: Parameters<typeof snapshotOf>[0],
  name: string,
): Promise<readonly Series[]> {
  return await seriesNamed(viewOf(snapshotOf(findings)), name);
}

async function valuesOf(
  findings: Parameters<typeof snapshotOf>[0],
  name: string,
): Promise<readonly string[]> {
  return (await saidOf(findings, name)).map(({ value }) => value);
}

function manyRunners(count: number): Snapshot {
  const runners = Array.from({ length: count }, (_, index) =>
    runner(`r${String(index).padStart(8, '0')}`, { tokenExpiresAt: START }),
  );
  return withMeasures(snapshotOf({}, { runners }));
}

describe('what is not known is absent', () => {
  test('a runner is connected, cut off, or absent while unknown', async () => {
    const unknown = { status: 'unknown', reason: 'overdue', detail: 'no end' } as const;
    expect(await valuesOf({}, 'runner_connected')).toEqual(['1', '1']);
    expect(await valuesOf({ 'token@runnerAA1': fail('rejected') }, 'runner_connected')).toEqual([
      '0',
      '1',
    ]);
    expect(await valuesOf({ 'token@runnerAA1': unknown }, 'runner_connected')).toEqual(['1']);
  });

  test('without a cause there is no series of one, and no empty HELP', async () => {
    const { body } = await createExporter(ALL_PROBES).render(viewOf(snapshotOf()), 'text');

    expect(body).not.toMatch(/root_cause|runner_cause/);
  });

  test('the cause carries its severity, scope and target; confirmation and time are series beside it', async () => {
    const once = { finding: fail('refused'), streak: 1 };
    const labels = { cause: 'tcp-connection-refused', target: GITLAB };
    const suspected = brokenAt('connect', once);
    const confirmed = brokenAt('connect', { ...once, streak: 2 });
    const info = [{ labels: { ...labels, severity: 'critical', scope: 'gitlab' }, value: '1' }];

    expect(await saidOf(suspected, 'root_cause_info')).toMatchObject(info);
    expect(await saidOf(suspected, 'root_cause_info')).toEqual(
      await saidOf(confirmed, 'root_cause_info'),
    );
    expect(await saidOf(suspected, 'root_cause_confirmed')).toMatchObject([{ labels, value: '0' }]);
    expect(await saidOf(confirmed, 'root_cause_confirmed')).toMatchObject([{ labels, value: '1' }]);
    expect(await saidOf(confirmed, 'root_cause_since_timestamp_seconds')).toMatchObject([
      { labels, value: String(SINCE / 1000) },
    ]);
    expect(
      (await saidOf(confirmed, 'runner_cause_info')).map((one) => one.labels['runner']),
    ).toEqual(['runnerAA1', 'runnerAA2']);
  });

  test('a value that is no number is left out', async () => {
    const measures = { lookup_seconds: NaN, addresses: Infinity };
    const { body } = await createExporter(ALL_PROBES).render(
      viewOf(snapshotOf({ dns: { status: 'pass', measures } })),
      'text',
    );

    expect(body).not.toMatch(/(?:NaN|Nan|undefined)$/m);
    expect(body).not.toMatch(/runnerwatch_dns_addresses\{/);
  });

  test('what left config.toml leaves nothing behind', async () => {
    const exporter = createExporter(ALL_PROBES);
    await exporter.render(viewOf(snapshotOf()), 'text');
    const { body } = await exporter.render(
      viewOf(snapshotOf({}, { runners: [runner('runnerAA1')] })),
      'text',
    );

    expect(body).toContain('runnerAA1');
    expect(body).not.toContain('runnerAA2');
  });
});

describe('bounds', () => {
  test.each([
    [3, 1000],
    [500, 15_000],
  ])(
    '%i runners on one URL are fewer than %i series, healthy or all refused',
    async (runners, most) => {
      const healthy = manyRunners(runners);
      const refused = healthy.checks.map((state) =>
        state.check.probe.id === 'token' ? { ...state, finding: fail('rejected') } : state,
      );

      expect((await exposeView(viewOf(healthy))).length).toBeLessThan(most);
      expect((await exposeView(viewOf({ ...healthy, checks: refused }))).length).toBeLessThan(most);
    },
  );

  test('every series is unique, and no sample has a time', async () => {
    const found = await exposeView(brokenTrustView());
    const keys = found.map(({ name, labels }) => `${name}${JSON.stringify(labels)}`);

    expect(keys.length).toBe(new Set(keys).size);
  });

  test('text is in _info alone: no other label holds a summary, a detail or a path of a file', async () => {
    const found = (await exposeView(brokenTrustView())).filter(
      ({ name }) => !name.endsWith('_info'),
    );
    const values = new Set(found.flatMap(({ labels }) => Object.values(labels)));

    expect(
      [...values].filter((value) => value.includes(' ') && !value.startsWith('docker')),
    ).toEqual([]);
  });

  test('the text of a view is made once', async () => {
    const exporter = createExporter(ALL_PROBES);
    const view = brokenTrustView();

    expect(await exporter.render(view, 'text')).toBe(await exporter.render(view, 'text'));
  });
});

describe('hostile names', () => {
  const NAMES = [
    'a "quoted" one',
    'back\\slash',
    'two\nlines',
    'tab\there',
    '\u202Eesrever',
    'x'.repeat(300),
    '{le="1"} 5',
  ];

  test.each(NAMES)('%j arrives as it is', async (name) => {
    const view = viewOf(
      snapshotOf({ tls: warn('expiring-soon') }, { runners: [runner('runnerAA1', { name })] }),
    );

    expect(
      (await seriesNamed(view, 'runner_info')).map(({ labels }) => labels['runner_name']),
    ).toEqual([name]);
  });
});

test.each([
  ['text', /^text\/plain; (?:version=0\.0\.4; )?charset=utf-8(?:; version=0\.0\.4)?$/],
  ['openmetrics', /^application\/openmetrics-text; version=1\.0\.0; charset=utf-8$/],
] as const)('%s has its content type', async (format, type) => {
  const { contentType, body } = await createExporter(ALL_PROBES).render(brokenTrustView(), format);

  expect(contentType).toMatch(type);
  expect(body.endsWith('# EOF\n')).toBe(format === 'openmetrics');
});
