/** The catalogue against the probes and against itself. */
import { expect, test } from 'vitest';

import { catalogue, specOfReason } from '../../src/diagnosis/catalogue/index.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';

const declared = ALL_PROBES.flatMap(({ id, reasons }) =>
  Object.keys(reasons).map((reason) => `${id}/${reason}`),
);

/** Reasons that come with the status `unknown` alone: nothing was learned, so nobody is accused. */
const NEVER_JUDGED: readonly string[] = [
  'dns/resolver-error',
  'connect/too-many-files',
  'connect/connect-error',
  'proxy/proxy-error',
  'firewall/not-allowed',
  'tls/tls-error',
  'http/http-error',
  'api/api-error',
  'api/moved',
  'token/no-system-id',
  'token/verify-not-due',
  'token/token-error',
  'record/no-api-token',
  'record/refused',
  'record/record-error',
  'runner-log/unreadable',
  'runner-metrics/unreachable',
  'runner-metrics/no-answer',
  'runner-metrics/not-a-runner',
  'disk/gone',
  'disk/disk-error',
  'cpu/proc-unreadable',
  'memory/proc-unreadable',
  'limits/proc-unreadable',
  'executor/folder-silent',
  'config/too-large',
  'cgroup/proc-unreadable',
];

/** They have no id: they are named as what they are, by the check that saw them. */
const WITHOUT_ID: readonly string[] = [
  'executor/docker-error',
  'executor/host-invalid',
  'executor/folder-not-writable',
  'executor/user-missing',
  'executor/plugin-missing',
  'executor/job-overdue',
];

/** Read together with the broken link: they tell causes apart, and name none alone. */
const ONLY_TOGETHER: readonly string[] = [
  'detour/known-proxy-works',
  'detour/direct-works',
  'detour/intercepted',
  'detour/small-segments-work',
  'detour/small-hello-works',
  'detour/clock-differs',
  'firewall/rule-blocks',
  'proxy/certificate-refused',
];

/** Made by a rule out of more than one observation. */
const BY_RULE: readonly string[] = [
  'proxy-required-not-set',
  'proxy-setting-not-applied',
  'no-proxy-mismatch',
  'proxy-tls-interception',
  'path-mtu-blackhole',
  'gitlab-read-only-site',
  'config-changed-not-loaded',
  'config-url-invalid',
  'config-env-unset',
  'config-executor-unknown',
  'config-executor-section-missing',
  'config-unknown-key',
  'config-setting-ineffective',
  'config-concurrency-starvation',
  'clock-skew',
  'ipv6-path-broken',
  'unknown',
  'runner-disabled-unhealthy',
  'runner-outdated',
  'token-rotation-not-persisted',
  'tls-trust-not-reloaded',
  'idle-connection-killed',
  'jobs-capacity-saturated',
  'job-rejected-by-server',
  'job-trace-blocked',
  'docker-registry-rate-limited',
  'docker-image-pull-failed',
  'docker-network-pool-exhausted',
];

test('every id stands once', () => {
  const ids = catalogue.map(({ id }) => id);

  expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted());
});

test('every observation that a cause is read from is a declared reason of a probe, of one cause alone', () => {
  const from = catalogue.flatMap((spec) => spec.from);

  expect(from.filter((reason) => !declared.includes(reason))).toEqual([]);
  expect(from.toSorted()).toEqual([...new Set(from)].toSorted());
});

test('every reason that a check can fail or warn with leads to a cause', () => {
  const lost = declared.filter((reason) => {
    const [probe = '', name = ''] = reason.split('/');
    return specOfReason(probe, name) === undefined;
  });

  expect(lost.toSorted()).toEqual([...NEVER_JUDGED, ...ONLY_TOGETHER, ...WITHOUT_ID].toSorted());
});

test('every cause is read from a reason or made by a rule', () => {
  const silent = catalogue.filter(({ from }) => from.length === 0).map(({ id }) => id);

  expect(silent.toSorted()).toEqual(BY_RULE.toSorted());
});

test('what a cause names as its symptom or its double is another cause', () => {
  const ids = new Set<string>(catalogue.map(({ id }) => id));
  const wrong = catalogue.flatMap(({ id, suppresses = [], notConfusedWith }) =>
    [...suppresses, ...notConfusedWith].filter((other) => other === id || !ids.has(other)),
  );

  expect(wrong).toEqual([]);
});

test('no cause is a symptom of its own symptoms', () => {
  const symptomsOf = new Map(catalogue.map(({ id, suppresses = [] }) => [id, suppresses]));
  const below = (id: string, seen: ReadonlySet<string>): boolean =>
    (symptomsOf.get(id) ?? []).some(
      (next) => seen.has(next) || below(next, new Set([...seen, next])),
    );

  expect(catalogue.filter(({ id }) => below(id, new Set([id]))).map(({ id }) => id)).toEqual([]);
});

test('every entry says what it means, how it is proven and when it is over, in sentences that fit', () => {
  for (const { id, title, meaning, evidence, resolvedWhen } of catalogue) {
    expect([id, title]).toEqual([id, expect.stringMatching(/^[^\s].*[^.\s]$/)]);
    expect([id, meaning]).toEqual([id, expect.stringMatching(/\.$/)]);
    expect([id, evidence]).toEqual([id, expect.stringMatching(/\.$/)]);
    expect([id, resolvedWhen]).toEqual([id, expect.stringMatching(/^[a-z].*[^.]$/)]);
  }
});
