/** The metrics of docs/metrics.md: names and labels, and zeros from the start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { RUN_REASONS } from '../../src/core/finding.ts';
import type { View } from '../../src/core/view.ts';
import { STATUSES, VERDICTS } from '../../src/core/vocabulary.ts';
import { withChanges } from '../../src/diagnosis/changes/with-changes.ts';
import { createExporter } from '../../src/metrics/exporter.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { LOG_CAUSES } from '../../src/runner/log/classify.ts';
import { START } from '../support/clock.ts';
import type { Series } from '../support/exposition.ts';
import { seriesOf } from '../support/exposition.ts';
import {
  brokenAt,
  CONFIG,
  fail,
  GITLAB,
  PROXY,
  runner,
  snapshotOf,
  SINCE,
} from '../support/snapshots.ts';
import { showing, event, TALKING } from '../support/events.ts';
import { withMeasures, viewOf } from '../support/views.ts';

async function exposeView(view: View): Promise<readonly Series[]> {
  const { body } = await createExporter(ALL_PROBES).render(view, 'text');
  return seriesOf(body);
}

async function seriesNamed(view: View, name: string): Promise<readonly Series[]> {
  return (await exposeView(view)).filter((series) => series.name === `runnerwatch_${name}`);
}

/** `runnerwatch_verdict` and its labels, in the order of the alphabet: the rows of docs/metrics.md. */
const DOCUMENTED: ReadonlyMap<string, readonly string[]> = new Map(
  [
    ...readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8').matchAll(
      /^\| `(?<name>\w+)` \| \w+ \| (?<labels>[^|]*)\|/gm,
    ),
  ].map(({ groups }) => [
    groups?.['name'] ?? '',
    [...(groups?.['labels'] ?? '').matchAll(/\w+/g)].map(([label]) => label).toSorted(),
  ]),
);

/** Measures that a probe names itself: a host shows those of its own probes. */
const OF_PROBES: ReadonlySet<string> = new Set(
  ALL_PROBES.flatMap(({ id, measures }) =>
    Object.keys(measures).map((measure) => `runnerwatch_${id}_${measure}`.replaceAll('-', '_')),
  ),
);

/** A histogram is exposed as three metrics. */
function documentedName(name: string): string {
  return DOCUMENTED.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
}

/** The label that tells the files of several installations apart; there is one here. */
const OF_SEVERAL_RUNNERS = 'config';

describe('every metric that users rely on', () => {
  const problem = { code: 'type-error', file: CONFIG, message: 'odd', fix: 'Mend it.' };
  const off = event('disabled', {
    runner: 'runnerAA1',
    facts: { until_milliseconds: START + 600_000 },
  });
  const findings = { ...brokenAt('http', fail('bad-gateway')), 'runner-log': showing(off) };
  const snapshot = withMeasures(snapshotOf(findings, { ...TALKING, configProblems: [problem] }));
  const judged = viewOf(snapshot);
  const restart = { at: SINCE - 1000, kind: 'process', what: 'runner process' } as const;
  const changes = [{ ...restart, before: 'pid 811', after: 'pid 812' }];
  const view = { ...judged, diagnosis: withChanges(judged, { changes }) };

  test('every series of runnerwatch is documented, with its labels', async () => {
    const own = (await exposeView(view)).filter(({ name }) => name.startsWith('runnerwatch_'));
    const wrong = own.filter(({ name, labels }) => {
      const found = Object.keys(labels).filter((label) => label !== 'le');
      const documented = DOCUMENTED.get(documentedName(name));
      const wanted = documented?.filter((label) => label !== OF_SEVERAL_RUNNERS);
      return wanted?.join() !== found.toSorted().join();
    });

    expect(own).not.toEqual([]);
    expect(wrong).toEqual([]);
  });

  test('every documented metric that is not of one probe is there', async () => {
    const names = new Set((await exposeView(view)).map(({ name }) => documentedName(name)));
    const promised = [...DOCUMENTED.keys()].filter((name) => !OF_PROBES.has(name));

    expect(promised.filter((name) => !names.has(name))).toEqual([]);
  });

  test.each([
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'nodejs_heap_used_bytes',
  ])('%s shows what runnerwatch costs', async (name) => {
    const found = (await exposeView(view)).filter((series) => series.name === name);

    expect(found).toMatchObject([{ labels: {} }]);
    expect(Number(found[0]?.value)).toBeGreaterThan(0);
  });

  test('each measure of each probe that is not among them is one of its own, by target', async () => {
    const own = ALL_PROBES.flatMap(({ id, measures }) =>
      Object.entries(measures).flatMap(([measure, spec]) =>
        spec.as === undefined ? [`${id}_${measure}`] : [],
      ),
    );
    const names = new Set((await exposeView(view)).map(({ name }) => name));
    const world = new Set(view.snapshot.checks.map(({ check }) => check.probe.id));
    const here = own.filter((name) => world.has(name.split('_')[0] ?? ''));

    expect(here.filter((name) => !names.has(`runnerwatch_${name.replaceAll('-', '_')}`))).toEqual(
      [],
    );
  });

  test('the phases and the positions are those that users rely on', async () => {
    const phases = (
      await seriesNamed(viewOf(withMeasures(snapshotOf({}))), 'path_phase_seconds')
    ).map(({ labels }) => labels['phase']);
    const positions = (await seriesNamed(view, 'tls_certificate_not_after_timestamp_seconds')).map(
      ({ labels }) => labels['position'],
    );

    expect(new Set(phases)).toEqual(new Set(['connect', 'dns', 'http', 'tls']));
    expect(new Set(positions)).toEqual(new Set(['ca_file', 'chain', 'client', 'leaf']));
  });
});

describe('zero from the start', () => {
  const fresh = viewOf(snapshotOf());

  test('each verdict is a series, and one of them is 1', async () => {
    const found = await seriesNamed(fresh, 'verdict');

    expect(found.map(({ labels, value }) => [labels['verdict'], value])).toEqual(
      VERDICTS.map((verdict) => [verdict, verdict === 'healthy' ? '1' : '0']),
    );
  });

  test('each status of each check is a series, and one of them is 1', async () => {
    const found = await seriesNamed(fresh, 'probe_status');
    const sums = Map.groupBy(found, ({ labels }) => `${labels['probe']}@${labels['target']}`);

    expect(found).toHaveLength(fresh.snapshot.checks.length * STATUSES.length);
    for (const group of sums.values()) {
      expect(group.map(({ value }) => value).toSorted()).toEqual(['0', '0', '0', '0', '1']);
    }
  });

  test('each reason is counted from zero, then as it comes; of an executor where there is one', async () => {
    const exporter = createExporter(ALL_PROBES);
    const dns = fresh.snapshot.checks.find(({ check }) => check.probe.id === 'dns')?.check;
    if (dns === undefined) throw new Error('no dns');
    const failed = {
      check: dns.id,
      startedAt: START,
      durationSeconds: 0.02,
      finding: fail('timeout'),
    };
    exporter.observe(failed, dns.probe);
    exporter.observe({ ...failed, finding: { status: 'pass' } }, dns.probe);
    const found = seriesOf((await exporter.render(fresh, 'text')).body);
    const reasons = found.filter(({ name }) => name === 'runnerwatch_probe_failure_reasons_total');
    const here = new Set(fresh.snapshot.checks.map(({ check }) => check.probe.id));
    const present = ALL_PROBES.filter(({ id, kind }) => kind !== 'executor' || here.has(id));
    // Some checks wait for no other one, and some send no request.
    const expected = present.flatMap(({ reasons: own, needs, requests }) => [
      ...Object.keys(own),
      ...Object.keys(RUN_REASONS).filter(
        (reason) =>
          (reason !== 'earlier-link' || needs.length > 0) &&
          (reason !== 'request-budget' || requests !== undefined),
      ),
    ]);

    expect(present.map(({ id }) => id)).toContain('executor');
    expect(present.length).toBeLessThan(ALL_PROBES.length);
    expect(reasons).toHaveLength(expected.length);
    expect(reasons.filter(({ value }) => value !== '0')).toMatchObject([
      { labels: { probe: 'dns', reason: 'timeout' }, value: '1' },
    ]);
    expect(
      found.find(
        ({ name, labels }) => name.endsWith('duration_seconds_count') && labels['probe'] === 'dns',
      )?.value,
    ).toBe('2');
    expect(
      found.find(
        ({ name, labels }) => name.endsWith('duration_seconds_count') && labels['probe'] === 'tls',
      )?.value,
    ).toBe('0');
  });

  test('requests to GitLab are counted from zero, and those of an endpoint that is gone go', async () => {
    const gone = { target: 'https://gone.example.com/', kind: 'http', count: 9 };
    const view = viewOf(snapshotOf(), {
      requests: [{ target: GITLAB, kind: 'http', count: 4 }, gone],
    });

    expect(
      (await seriesNamed(view, 'gitlab_requests_total')).map(({ labels, value }) => [
        labels['target'],
        labels['kind'],
        value,
      ]),
    ).toEqual([
      [GITLAB, 'http', '4'],
      [GITLAB, 'as-runner', '0'],
      [GITLAB, 'api', '0'],
      [GITLAB, 'post', '0'],
      [GITLAB, 'token', '0'],
      [GITLAB, 'verify', '0'],
    ]);
  });

  test('a kind of request is counted from zero as soon as a check may send it', async () => {
    const record = { id: 7, tokenFile: '/etc/api-token' };
    const runners = [runner('runnerAA1', { record })];
    const found = await seriesNamed(viewOf(snapshotOf({}, { runners })), 'gitlab_requests_total');

    expect(found.find(({ labels }) => labels['kind'] === 'record')?.value).toBe('0');
  });

  test('the path of a walk is a series: the URL, the proxy and the name servers of the last lookup', async () => {
    const findings = { dns: { status: 'pass', facts: { servers: '10.0.0.2, 10.0.0.3' } } } as const;
    const direct = await seriesNamed(viewOf(snapshotOf(findings)), 'endpoint_info');
    const proxied = await seriesNamed(viewOf(snapshotOf({}, { proxy: PROXY })), 'endpoint_info');
    const labels = { target: GITLAB, url: GITLAB };

    expect(direct.map(({ labels }) => labels)).toEqual([
      { ...labels, proxy: '', resolver: '10.0.0.2, 10.0.0.3' },
    ]);
    expect(proxied.map(({ labels }) => labels)).toEqual([
      { ...labels, proxy: 'proxy.example.com:3128', resolver: '' },
    ]);
  });

  test('each cause that a line can point at is counted from zero', async () => {
    const view = viewOf(snapshotOf(), { logEvents: [{ cause: 'dns-timeout', count: 7 }] });
    const found = await seriesNamed(view, 'log_events_total');

    expect(found.map(({ labels }) => labels['cause'])).toEqual(LOG_CAUSES);
    expect(found.filter(({ value }) => value !== '0')).toMatchObject([
      { labels: { cause: 'dns-timeout' }, value: '7' },
    ]);
  });

  test('a lockout is shown until it ends, for entries that there are', async () => {
    const until = { until_milliseconds: START + 600_000 };
    const off = (runner: string, facts = until) => event('disabled', { runner, facts });
    const over = { until_milliseconds: START - 1 };
    const log = showing(off('runnerAA1'), off('runnerAA2', over), off('goneAAAA3'));
    const view = viewOf(snapshotOf({ 'runner-log': log }, TALKING));

    expect(await seriesNamed(view, 'runner_lockout_until_timestamp_seconds')).toMatchObject([
      { labels: { runner: 'runnerAA1' }, value: String(START / 1000 + 600) },
    ]);
  });

  test('each severity of lint is a series', async () => {
    expect(
      (await seriesNamed(fresh, 'lint_findings')).map(({ labels, value }) => [
        labels['severity'],
        value,
      ]),
    ).toEqual([
      ['error', '0'],
      ['warning', '0'],
      ['info', '0'],
    ]);
  });
});
