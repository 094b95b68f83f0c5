/**
 * The configuration of Alertmanager on its own: what an alert for many hosts silences, and what it must not. A
 * real Alertmanager gets the alerts that the rules would make.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Alertmanager } from '../support/alertmanager.ts';
import { startAlertmanager } from '../support/alertmanager.ts';
import { DEPLOY } from '../support/deployed-files.ts';
import { until } from '../support/until.ts';

type Labels = Readonly<Record<string, string>>;

const CONFIG = readFileSync(join(DEPLOY, 'alertmanager/alertmanager.yml'), 'utf8');
const URL = 'https://gitlab.example.com/';
const SHARED: Labels = { cause: 'tcp-connect-timeout', scope: 'gitlab', target: URL, url: URL };

let alertmanager: Alertmanager;
beforeAll(async () => {
  alertmanager = await startAlertmanager(CONFIG, '127.0.0.1:9099');
});
afterAll(async () => {
  await alertmanager[Symbol.asyncDispose]();
});

/** Of each test one job, so that tests do not silence each other. */
let jobs = 0;

/** Alerts are taken in their order: when this pair has had its effect, all before it have had theirs. */
const LAST: readonly Labels[] = ['GitLabRunnerWatchStale', 'GitLabRunnerWatchDown'].map(
  (alertname) => ({ alertname, instance: 'last' }),
);

/** Which of the alerts are silent, by their instance or their name, while all of them fire. */
async function silentOf(alerts: readonly Labels[]): Promise<readonly string[]> {
  jobs += 1;
  const job = `job-${jobs}`;
  const all = [...alerts, ...LAST].map((labels) => ({ severity: 'critical', ...labels, job }));
  await alertmanager.tell(all);
  const silent = async (): Promise<readonly string[]> =>
    (await alertmanager.alerts())
      .filter(({ labels, status }) => labels['job'] === job && status.state === 'suppressed')
      .map(({ labels }) => labels['instance'] ?? labels['alertname'] ?? '');
  await until(async () => (await silent()).includes('last'));
  return (await silent()).filter((name) => name !== 'last').toSorted();
}

function host(instance: string, labels: Labels): Labels {
  return { alertname: 'GitLabRunnerBroken', instance, ...labels };
}

describe('an alert for many hosts', () => {
  test('of GitLab silences hosts and sites that it explains, and nothing else', async () => {
    const silent = await silentOf([
      { alertname: 'GitLabRunnerGitLabWide', url: URL, scope: 'gitlab' },
      { alertname: 'GitLabRunnerSiteWide', ...SHARED, via: 'site', site: 'fra' },
      host('explained', SHARED),
      host('another-cause-there', { ...SHARED, cause: 'gitlab-bad-gateway' }),
      host('another-gitlab', {
        ...SHARED,
        target: 'https://b.example.com/',
        url: 'https://b.example.com/',
      }),
      host('own-disk', { cause: 'io-stalled', scope: 'mount', target: '/' }),
      host('own-token', { cause: 'token-expired', scope: 'runner', target: 'runnerAA1' }),
    ]);

    expect(silent).toEqual(['GitLabRunnerSiteWide', 'another-cause-there', 'explained']);
  });

  test('of severity warning does not silence a host that is stopped', async () => {
    const silent = await silentOf([
      { alertname: 'GitLabRunnerGitLabWide', url: URL, scope: 'gitlab', severity: 'warning' },
      host('stopped', SHARED),
      { alertname: 'GitLabRunnerDegraded', instance: 'mild', ...SHARED, severity: 'warning' },
    ]);

    expect(silent).toEqual(['mild']);
  });

  test.each([
    ['site', { site: 'fra' }, { site: 'nyc' }],
    ['resolver', { resolver: '10.0.0.2' }, { resolver: '10.0.0.3' }],
    ['proxy', { proxy: 'proxy-1:3128' }, { proxy: 'proxy-2:3128' }],
  ] as const)('of a %s silences the hosts behind it', async (via, here, there) => {
    const silent = await silentOf([
      { alertname: 'GitLabRunnerSiteWide', ...SHARED, via, ...here },
      host('behind-it', { ...SHARED, ...here }),
      host('behind-another', { ...SHARED, ...there }),
      host('behind-nothing', SHARED),
      host('with-another-cause', { ...SHARED, ...here, cause: 'tls-unknown-authority' }),
    ]);

    expect(silent).toEqual(['behind-it']);
  });

  test('of a proxy that the cause itself names silences the hosts that name it', async () => {
    const cause = { cause: 'proxy-unreachable', scope: 'host' };
    const silent = await silentOf([
      { alertname: 'GitLabRunnerSiteWide', ...cause, target: 'proxy-1:3128', via: 'target' },
      host('of-this-proxy', { ...cause, target: 'proxy-1:3128', site: 'fra' }),
      host('of-another', { ...cause, target: 'proxy-2:3128', site: 'fra' }),
    ]);

    expect(silent).toEqual(['of-this-proxy']);
  });
});

describe('an alert of one host', () => {
  test('silences what warned of it before', async () => {
    const token = { target: 'runnerAA1', runner: 'runnerAA1' };
    const silent = await silentOf([
      host('a:1', { cause: 'token-expired', scope: 'runner', target: 'runnerAA1' }),
      { alertname: 'GitLabRunnerTokenExpiring', instance: 'a:1', ...token },
      { alertname: 'GitLabRunnerTokenExpiring', instance: 'b:1', ...token },
    ]);

    expect(silent).toEqual(['a:1']);
  });

  test('that ends sooner silences the earlier warning of the same end', async () => {
    const file = { alertname: 'GitLabRunnerCertificateFileExpiring', target: URL };
    const silent = await silentOf([
      { ...file, instance: 'a:1', position: 'client' },
      { ...file, instance: 'a:1', position: 'client', severity: 'warning' },
      { ...file, instance: 'b:1', position: 'client', severity: 'warning' },
      { ...file, instance: 'c:1', position: 'ca_file', severity: 'warning' },
    ]);

    expect(silent).toEqual(['a:1']);
  });

  test('that does not answer says nothing of itself', async () => {
    const silent = await silentOf([
      { alertname: 'GitLabRunnerWatchDown', instance: 'a:1', severity: 'warning' },
      { alertname: 'GitLabRunnerWatchStale', instance: 'a:1', severity: 'warning' },
      { alertname: 'GitLabRunnerWatchStale', instance: 'b:1', severity: 'warning' },
    ]);

    expect(silent).toEqual(['a:1']);
  });
});
