/** Each panel of the dashboard has something to show, asked of a real Prometheus that scrapes hosts in trouble. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { DEPLOY } from '../support/deployed-files.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { startFleet } from '../support/simulated-fleet.ts';
import { TALKING } from '../support/events.ts';
import { brokenAt, fail, snapshotOf } from '../support/snapshots.ts';
import { withMeasures } from '../support/views.ts';
import { until } from '../support/until.ts';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** These panels show changes; hosts without changes and with a valid config.toml show none. */
const QUIET: readonly string[] = [
  'Checks that do not pass, by reason',
  'Full in',
  'Lint findings in config.toml',
  'Restarts of the runner',
];

const { panels } = JSON.parse(readFileSync(join(DEPLOY, 'grafana/runnerwatch.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};

/** What Grafana would ask with everything chosen. */
function fillVariables(expression: string): string {
  return expression
    .replaceAll('$job', '.+')
    .replaceAll('$instance', '.+')
    .replaceAll('$__rate_interval', '10s');
}

test('every panel that is not about change shows series, and every expression is one', async () => {
  // With a log and counters, so that jobs are known of.
  const broken = withMeasures(snapshotOf(brokenAt('tls', fail('unknown-authority')), TALKING));
  const hosts = ['ci-01', 'ci-02', 'ci-03'].map((name) => ({
    job: 'runnerwatch',
    name,
    site: 'fra',
    healthy: broken,
    broken,
  }));
  await using fleet = await startFleet(hosts);
  await using prometheus = await startPrometheus(
    '',
    `rule_files: ['${DEPLOY}/prometheus/rules/*.yml']
scrape_configs:
  - {job_name: runnerwatch, http_sd_configs: [{url: '${fleet.discoveryUrl('runnerwatch')}'}]}`,
  );
  const recorded = 'instance_cause_target:runnerwatch_root_cause:gitlab_side';
  await until(
    async () =>
      (await prometheus.query(recorded)).length === 3 &&
      (await prometheus.query('count_over_time(up[10s]) >= 3')).length === 3,
  );

  const results = await Promise.all(
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(async ({ expr }) => ({
        title,
        series: (await prometheus.query(fillVariables(expr))).length,
      })),
    ),
  );

  expect(results.length).toBeGreaterThan(30);
  const silent = results.filter(({ series }) => series === 0).map(({ title }) => title);
  expect(silent.toSorted()).toEqual(QUIET.toSorted());
});
