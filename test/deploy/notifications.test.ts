/**
 * One incident is one notification, and one more when it is over: a real Prometheus with the rules as shipped, a
 * real Alertmanager with its configuration as shipped, and hosts whose pages the real exporter renders. Only
 * time is lent: a minute of the rules and of the grouping takes three seconds. The rules that watch runnerwatch
 * itself keep their real minutes, since it is the machine of the test that is scraped, and it may be busy.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Snapshot } from '../../src/core/check.ts';
import type { ProxyDecision } from '../../src/core/target.ts';
import type { Notification } from '../support/alertmanager.ts';
import { startAlertmanager } from '../support/alertmanager.ts';
import { startPrometheus } from '../support/prometheus.ts';
import type { SimulatedHost } from '../support/simulated-fleet.ts';
import { startFleet } from '../support/simulated-fleet.ts';
import { brokenAt, fail, runner, snapshotOf } from '../support/snapshots.ts';
import { until } from '../support/until.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const MILLISECONDS_BY_UNIT: Readonly<Record<string, number>> = { s: 50, m: 3000, h: 180_000 };

/** With every wait of rules and grouping twenty times as short. */
function shortenTimes(text: string): string {
  return text.replaceAll(
    /^(?<key>\s*(?:for|keep_firing_for|group_wait|group_interval): )(?<count>\d+)(?<unit>[smh])$/gm,
    (_, key: string, count: string, unit: string) =>
      `${key}${Number(count) * (MILLISECONDS_BY_UNIT[unit] ?? 0)}ms`,
  );
}

const FLEETS = {
  /** Fifty hosts at two sites, and nothing listens at GitLab. */
  runnerwatch: Array.from({ length: 50 }, (_, index) => {
    const entry = runner(`runner${String(index).padStart(3, '0')}`);
    const refused = brokenAt('connect', fail('refused'), undefined, [entry.id]);
    return hostOf('runnerwatch', index, index % 2 === 0 ? 'fra' : 'nyc', {
      healthy: snapshotOf({}, { runners: [entry] }),
      broken: snapshotOf(refused, { runners: [entry] }),
    });
  }),
  /** Ten hosts behind each of two proxies, and one proxy is down. */
  proxied: Array.from({ length: 20 }, (_, index) => {
    const name = index < 10 ? 'proxy-1.example.com' : 'proxy-2.example.com';
    const proxy: ProxyDecision = {
      kind: 'proxy',
      scheme: 'http',
      host: name,
      port: 3128,
      variable: 'HTTPS_PROXY',
    };
    const healthy = snapshotOf({}, { proxy });
    const facts = { proxy: `${name}:3128`, variable: 'HTTPS_PROXY' };
    const down = snapshotOf(brokenAt('proxy', fail('unreachable', facts)), { proxy });
    return hostOf('proxied', index, 'ams', { healthy, broken: index < 10 ? down : healthy });
  }),
  /** Eight hosts, and the disk of one hangs. */
  alone: Array.from({ length: 8 }, (_, index) => {
    const healthy = snapshotOf();
    const hung = snapshotOf({ disk: fail('hung', { path: '/' }) });
    return hostOf('alone', index, 'sfo', { healthy, broken: index === 3 ? hung : healthy });
  }),
};
const JOBS = Object.keys(FLEETS);

function hostOf(
  job: string,
  index: number,
  site: string,
  states: { readonly healthy: Snapshot; readonly broken: Snapshot },
): SimulatedHost {
  return { job, name: `ci-${String(index + 1).padStart(2, '0')}`, site, ...states };
}

interface Rules extends AsyncDisposable {
  readonly glob: string;
}

async function startShortRules(): Promise<Rules> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-rules-'));
  await mkdir(join(folder, 'rules'));
  for (const name of readdirSync(join(DEPLOY, 'prometheus/rules'))) {
    const text = readFileSync(join(DEPLOY, 'prometheus/rules', name), 'utf8');
    await writeFile(join(folder, 'rules', name), name === 'watch.yml' ? text : shortenTimes(text));
  }
  return {
    glob: `${folder}/rules/*.yml`,
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  };
}

/** A notification in one line: to whom, what, and for how many. */
function formatNotification({ path, alerts }: Notification): string {
  const [first] = alerts;
  const { job, alertname } = first?.labels ?? {};
  return [path, job, alertname, first?.status, alerts.length].join(' ');
}

test('each of three incidents, of GitLab, of a proxy and of one host, is one notification and one at its end', async () => {
  await using fleet = await startFleet(Object.values(FLEETS).flat());
  const config = readFileSync(join(DEPLOY, 'alertmanager/alertmanager.yml'), 'utf8');
  await using alertmanager = await startAlertmanager(shortenTimes(config), '127.0.0.1:9099');
  await using rules = await startShortRules();
  const scrapes = JOBS.map(
    (job) => `  - {job_name: ${job}, http_sd_configs: [{url: '${fleet.discoveryUrl(job)}'}]}`,
  );
  await using prometheus = await startPrometheus(
    '',
    `rule_files: ['${rules.glob}']
alerting: {alertmanagers: [{static_configs: [{targets: ['${alertmanager.address}']}]}]}
scrape_configs:
${scrapes.join('\n')}`,
    // Eighty pages at once take their time on a machine that is busy.
    2,
  );
  const count = async (query: string): Promise<number> =>
    Number((await prometheus.query(`count(${query}) or vector(0)`))[0]?.value[1]);
  const firing = async (name: string): Promise<number> =>
    await count(`ALERTS{alertname="${name}", alertstate="firing"}`);
  await until(async () => (await count('runnerwatch_verdict{verdict="healthy"} == 1')) === 78);

  for (const job of JOBS) fleet.break(job);
  await until(async () => (await firing('GitLabRunnerBroken')) === 50 + 10 + 1);
  await until(async () => {
    const held = (await alertmanager.alerts()).filter(
      ({ status }) => status.state === 'suppressed',
    );
    return held.length === 50 + 10;
  });
  await until(() => alertmanager.notifications.length >= 3);

  for (const job of JOBS) fleet.heal(job);
  await until(async () => (await firing('GitLabRunnerBroken')) === 0);
  // A scrape that comes late may wake a rule that watches the scrapes, for a moment.
  await until(async () => (await count('ALERTS{alertname!~"GitLabRunnerWatch.+"}')) === 0);
  await until(() => alertmanager.notifications.length >= 6);

  expect(alertmanager.notifications.map(formatNotification).toSorted()).toEqual([
    '/pager alone GitLabRunnerBroken firing 1',
    '/pager alone GitLabRunnerBroken resolved 1',
    '/pager proxied GitLabRunnerSiteWide firing 1',
    '/pager proxied GitLabRunnerSiteWide resolved 1',
    '/pager runnerwatch GitLabRunnerGitLabWide firing 1',
    '/pager runnerwatch GitLabRunnerGitLabWide resolved 1',
  ]);
  const texts = alertmanager.notifications.flatMap(({ alerts }) =>
    alerts.map(({ annotations }) => annotations['description'] ?? ''),
  );
  for (const cause of ['tcp-connection-refused', 'proxy-unreachable', 'io-stalled'])
    expect(texts).toContainEqual(expect.stringContaining(`runnerwatch explain ${cause}`));
});
