/** The proxy leads the name to another server: it is the cause, and neither certificate, web server nor token. */
import { describe, expect, test } from 'vitest';

import { diagnose } from '../../src/diagnosis/diagnose.ts';
import type { Finding } from '../../src/core/finding.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { TRIED_RUNNERS } from '../../src/go/dns/address-difference.ts';
import { START } from '../support/clock.ts';
import { PASS } from '../support/probes.ts';
import { brokenAt, fail, GITLAB, PROXY, runner, snapshotOf, warn } from '../support/snapshots.ts';

const FACTS = {
  proxy: 'proxy.example.com:3128',
  name: 'gitlab.example.com',
  right: '10.200.0.5',
  right_source: '10.0.0.3',
  right_does: 'where GitLab answers',
  wrong_does: 'does not answer as GitLab (nginx returned 403)',
};

function misled(trial: string): Finding {
  return warn('other-server', { ...FACTS, trial, is_answered: true });
}

describe('a link that passes at an address of the name, through the same proxy', () => {
  test.each<['tls' | 'http' | 'api', string]>([
    ['tls', 'expired'],
    ['tls', 'name-mismatch'],
    ['http', 'forbidden'],
    ['http', 'bad-gateway'],
    ['api', 'not-gitlab'],
  ])('%s/%s', (link, reason) => {
    const findings = { ...brokenAt(link, fail(reason)), proxy: misled(link) };
    const { causes, verdict } = diagnose(snapshotOf(findings, { proxy: PROXY }));

    expect(causes).toMatchObject([
      { id: 'proxy-wrong-server', severity: 'critical', confidence: 'confirmed' },
    ]);
    expect(causes[0]?.evidence.map(({ check }) => check)).toContain(`${link}@${GITLAB}`);
    expect(causes[0]?.summary).toBe(
      'The proxy proxy.example.com:3128 connects gitlab.example.com to a server that does not answer as GitLab (nginx returned 403); through the same proxy 10.200.0.5, which 10.0.0.3 returns on this host, is where GitLab answers.',
    );
    expect(causes[0]?.fix.map(({ command }) => command)).toEqual([
      `curl -sv -o /dev/null --proxy http://proxy.example.com:3128 ${GITLAB}`,
      `curl -sv -o /dev/null --connect-to ::10.200.0.5:443 --proxy http://proxy.example.com:3128 ${GITLAB}`,
      undefined,
      'sudo touch /etc/gitlab-runner/config.toml',
    ]);
    expect(verdict).toBe('broken');
  });

  test('says nothing of another link that fails', () => {
    const findings = { ...brokenAt('tls', fail('expired')), proxy: misled('http') };
    const { causes } = diagnose(snapshotOf(findings, { proxy: PROXY }));

    expect(causes.map(({ id }) => id)).toContain('tls-certificate-expired');
  });

  test('waits while servers that take turns may be the reason', () => {
    const results = Array.from({ length: 8 }, (_none, index) => ({
      check: `http@${GITLAB}` as const,
      startedAt: START - 120_000 + index * 15_000,
      durationSeconds: 0,
      finding: index % 2 === 0 ? PASS : fail('forbidden', { responder: 'nginx' }),
    }));
    const http = { finding: fail('forbidden', { responder: 'nginx' }), recent: results };
    const findings = { ...brokenAt('http', fail('forbidden')), http, proxy: misled('http') };
    const { causes } = diagnose(snapshotOf(findings, { proxy: PROXY }));

    expect(causes.map(({ id }) => id)).toEqual(['gitlab-partial-outage']);
  });
});

test('a token that GitLab accepts at that address concerns the entries that were tried', () => {
  const [one, two] = [runner('AAAAAAAAA'), runner('BBBBBBBBB')];
  const proxy = { ...misled('token'), data: dataWith(TRIED_RUNNERS, [one.id]) };
  const rejected = fail('rejected', { runner: one.id, name: 'docker-A', line: 7 });
  const world = { proxy: PROXY, runners: [one, two] };
  const { causes, runners } = diagnose(snapshotOf({ proxy, 'token@AAAAAAAAA': rejected }, world));

  expect(causes).toMatchObject([
    { id: 'proxy-wrong-server', explains: ['token@AAAAAAAAA'], scope: { runners: [one.id] } },
  ]);
  expect(runners.map(({ connected }) => connected)).toEqual([false, true]);
});
