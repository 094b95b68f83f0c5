/**
 * Every PromQL of README.md, of docs/ and of the rules, asked of a real Prometheus over two hosts with the same
 * entries and different faults. What it says of a host is what it says where that host is alone: no join lets the
 * fault of one appear on the other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ALERTS, DEPLOY, RECORDINGS } from '../support/deployed-files.ts';
import { codeBlocks } from '../support/markdown.ts';
import type { Prometheus, Sample } from '../support/prometheus.ts';
import { startPrometheus } from '../support/prometheus.ts';
import type { Fleet } from '../support/simulated-fleet.ts';
import { startFleet } from '../support/simulated-fleet.ts';
import { brokenAt, fail, snapshotOf, warn } from '../support/snapshots.ts';
import { until } from '../support/until.ts';

const ROOT = join(DEPLOY, '..');
const CONFIRMED = 'instance_cause_target:runnerwatch_root_cause:confirmed';
const refused = fail('refused');
const full = warn('nearly-full', { path: '/', roles: 'builds_dir', fullness: 'nearly full' });
/** What is confirmed on one is suspected on the other, at the same target, and the reverse. */
const FIRST = snapshotOf({ ...brokenAt('connect', refused), disk: { finding: full, streak: 1 } });
const SECOND = snapshotOf({
  ...brokenAt('connect', { finding: refused, streak: 1 }),
  disk: full,
});
const BOTH = 'runnerwatch';
const ALONE = { 'ci-01': 'first-alone', 'ci-02': 'second-alone' } as const;
const HOSTS = [
  [BOTH, 'ci-01', FIRST],
  [BOTH, 'ci-02', SECOND],
  [ALONE['ci-01'], 'ci-01', FIRST],
  [ALONE['ci-02'], 'ci-02', SECOND],
] as const;

interface Query {
  readonly where: string;
  readonly text: string;
}

const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];
const DOCUMENTED: readonly Query[] = PAGES.filter((name) => name.endsWith('.md')).flatMap((page) =>
  codeBlocks(readFileSync(join(ROOT, page), 'utf8'))
    .filter(({ language }) => language === 'promql')
    .map(({ lines }) => ({ where: page, text: lines.join('\n') })),
);
const RULES: readonly Query[] = [
  ...ALERTS.map(({ alert, expr }) => ({ where: alert, text: expr })),
  ...RECORDINGS.map(({ record, expr }) => ({ where: record, text: expr })),
];

let fleet: Fleet;
let prometheus: Prometheus;
beforeAll(async () => {
  fleet = await startFleet(
    HOSTS.map(([job, name, healthy]) => ({ job, name, site: 'fra', healthy, broken: healthy })),
  );
  const scrapes = [BOTH, ...Object.values(ALONE)].map(
    (job) => `  - {job_name: ${job}, http_sd_configs: [{url: '${fleet.discoveryUrl(job)}'}]}`,
  );
  prometheus = await startPrometheus(
    '',
    `rule_files: ['${DEPLOY}/prometheus/rules/*.yml']\nscrape_configs:\n${scrapes.join('\n')}`,
  );
  await until(async () => (await prometheus.query(CONFIRMED)).length === HOSTS.length);
});
afterAll(async () => {
  await prometheus[Symbol.asyncDispose]();
  await fleet[Symbol.asyncDispose]();
});

/** The rules that watch runnerwatch name its job; here it has three names. */
async function ask({ text }: Query): Promise<readonly Sample[]> {
  return await prometheus.query(text.replaceAll(`job="${BOTH}"`, 'job=~".+"'));
}

/** Labels without the name of the job, for comparison. Values may be times, which differ by the scrape. */
function labelsOf(samples: readonly Sample[], job: string, instance: string): readonly string[] {
  return samples
    .filter(({ metric }) => metric['job'] === job && metric['instance'] === `${instance}:19252`)
    .map(({ metric }) => JSON.stringify({ ...metric, job: '' }))
    .toSorted();
}

describe('what is confirmed on one host and suspected on the other', () => {
  test('gets that answer: the two hosts differ', async () => {
    const reported = (await prometheus.query(`${CONFIRMED}{job="${BOTH}"}`)).map(
      ({ metric }) => `${metric['instance']} ${metric['cause']}`,
    );

    expect(reported.toSorted()).toEqual([
      'ci-01:19252 tcp-connection-refused',
      'ci-02:19252 disk-space-exhausted',
    ]);
  });

  test('pages for the one alone, by the query of the readme', async () => {
    const paging = DOCUMENTED.find(
      ({ where, text }) => where === 'README.md' && text.includes('_confirmed == 1'),
    );
    const reported = await ask(paging ?? { where: '', text: 'vector(0)' });

    expect(
      reported.map(({ metric }) => `${metric['job']} ${metric['instance']}`).toSorted(),
    ).toEqual([`${ALONE['ci-01']} ci-01:19252`, `${BOTH} ci-01:19252`]);
  });
});

test.each([...DOCUMENTED, ...RULES].map((query) => [query.where, query] as const))(
  'a query of %s says of each host what it says where that is alone',
  async (_where, query) => {
    const samples = await ask(query);

    for (const [instance, job] of Object.entries(ALONE))
      expect(labelsOf(samples, BOTH, instance)).toEqual(labelsOf(samples, job, instance));
  },
);
