import { describe, expect, test } from 'vitest';

import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import type { ProbeSettings } from '../../src/core/settings.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { checksOf, jobsOf } from '../../src/checks/plan.ts';
import { setClock } from '../support/clock.ts';
import { contextsAt } from '../support/places.ts';
import { ENDPOINT, HOST, PASS, probe, runnerTarget } from '../support/probes.ts';
import { requestBudget } from '../support/request-budget.ts';

const cpu = probe({ id: 'cpu' });
const dns = probe({ id: 'dns', kind: 'endpoint' });
const tls = probe({
  id: 'tls',
  kind: 'endpoint',
  needs: ['dns'],
  applies: (target) => target.id.startsWith('https:'),
});
const http = probe({ id: 'http', kind: 'endpoint', needs: ['dns', 'tls'] });
const token = probe({
  id: 'token',
  kind: 'runner',
  needs: ['http'],
  requests: { token: 'budgeted' },
  intervalSeconds: 900,
});
const PROBES = [cpu, dns, tls, http, token];
const PLAIN: EndpointTarget = {
  ...ENDPOINT,
  id: 'http://plain.test/',
  url: new URL('http://plain.test/'),
};
const DEFAULTS = { requestsPerHour: 20, probes: {} };
const OFF: ProbeSettings = { enabled: false, intervalSeconds: 10, timeoutSeconds: 2, options: {} };

type PlanArguments =
  Parameters<typeof checksOf> extends [infer P, infer T, infer S, unknown] ? [P, T, S] : never;
const plan = (...args: PlanArguments): ReturnType<typeof checksOf> =>
  checksOf(...args, contextsAt());
const idsOf = (...args: PlanArguments): string[] => plan(...args).map(({ id }) => id);

test('checks that may hang on a file system have a group of their own', () => {
  const deps = {
    clock: setClock(),
    contexts: contextsAt(),
    budget: requestBudget(setClock(), 20),
    known: () => undefined,
    restore: () => {},
  };
  const disk = probe({ id: 'disk', kind: 'mount' });
  const mount = {
    kind: 'mount',
    id: '/',
    fileSystemType: 'ext4',
    readOnly: false,
    path: '/',
    roles: ['/'],
  } as const;
  const jobs = jobsOf(plan([cpu, disk], [HOST, mount], DEFAULTS), deps);

  expect(jobs.map(({ id, group }) => [id, group])).toEqual([
    ['cpu@host', 'host'],
    ['disk@/', 'mount'],
  ]);
});

describe('checks', () => {
  test('every probe meets every target of its kind that it applies to', () => {
    expect(idsOf(PROBES, [HOST, ENDPOINT, PLAIN, runnerTarget('abc')], DEFAULTS)).toEqual([
      'cpu@host',
      'dns@https://gitlab.test/',
      'dns@http://plain.test/',
      'tls@https://gitlab.test/',
      'http@https://gitlab.test/',
      'http@http://plain.test/',
      'token@abc',
    ]);
  });

  test('an entry without a usable url has no token check', () => {
    const target = { ...runnerTarget('abc') };
    delete (target as { endpoint?: string }).endpoint;

    expect(idsOf(PROBES, [target], DEFAULTS)).toEqual([]);
  });

  test('a probe that is switched off takes those with it that need it', () => {
    const settings = { ...DEFAULTS, probes: { http: OFF } };

    expect(idsOf(PROBES, [ENDPOINT, runnerTarget('abc')], settings)).toEqual([
      'dns@https://gitlab.test/',
      'tls@https://gitlab.test/',
    ]);
  });

  test('settings replace interval, timeout and options', () => {
    const slow = probe({
      id: 'slow',
      options: {
        limit: { kind: 'number', default: 1, unit: 'count', min: 0, max: 9, help: 'A limit.' },
      },
    });
    const settings = {
      ...DEFAULTS,
      probes: {
        slow: { enabled: true, intervalSeconds: 7, timeoutSeconds: 3, options: { limit: 5 } },
      },
    };

    expect(plan([slow], [HOST], DEFAULTS)).toMatchObject([
      { intervalSeconds: 10, options: { limit: 1 } },
    ]);
    expect(plan([slow], [HOST], settings)).toMatchObject([
      { intervalSeconds: 7, timeoutSeconds: 3, options: { limit: 5 } },
    ]);
  });

  test('the interval of budgeted checks stretches so that their sum leaves room in the budget', () => {
    const runners = Array.from({ length: 50 }, (_, index) => runnerTarget(`r${index}`));
    const alone = { ...token, needs: [] };
    const [few] = plan([alone], [runnerTarget('abc')], DEFAULTS);
    const many = plan([alone], runners, DEFAULTS);

    expect(few?.intervalSeconds).toBe(900);
    const perHour = many.reduce((sum, { intervalSeconds }) => sum + 3600 / intervalSeconds, 0);
    expect(perHour).toBeCloseTo(16, 5);
  });
});

test('one walk for each endpoint with the tokens of its entries, one job for every other check', () => {
  const checks = plan(
    PROBES,
    [
      HOST,
      ENDPOINT,
      PLAIN,
      runnerTarget('abc'),
      runnerTarget('def'),
      runnerTarget('xyz', PLAIN.id),
    ],
    DEFAULTS,
  );
  const jobs = jobsOf(checks, {
    clock: setClock(),
    contexts: contextsAt(),
    budget: requestBudget(setClock(), 20),
    known: () => undefined,
    restore: () => {},
  });

  expect(jobs.map(({ id, checks }) => [id, ...checks.map((check) => check.id)])).toEqual([
    ['cpu@host', 'cpu@host'],
    [
      'walk@https://gitlab.test/',
      'dns@https://gitlab.test/',
      'tls@https://gitlab.test/',
      'http@https://gitlab.test/',
      'token@abc',
      'token@def',
    ],
    ['walk@http://plain.test/', 'dns@http://plain.test/', 'http@http://plain.test/', 'token@xyz'],
  ]);
});

test('a probe sees the files of the place of its target', async () => {
  const folders: string[] = [];
  const run = ({ paths }: LinkTools): Finding => {
    folders.push(paths.rootfs);
    return PASS;
  };
  const note = probe({ id: 'note', run });
  const link = probe({ id: 'dns', kind: 'endpoint', run });
  const [first] = contextsAt({ ...HOST_PATHS, rootfs: '/first' });
  const second = { ...first.place, id: 'second', paths: { ...HOST_PATHS, rootfs: '/second' } };
  const targets = [HOST, { ...HOST, id: 'b', place: 'second' }, { ...ENDPOINT, place: 'second' }];
  const jobs = jobsOf(plan([note, link], targets, DEFAULTS), {
    clock: setClock(),
    contexts: [first, { ...first, place: second }],
    budget: requestBudget(setClock(), 20),
    known: () => undefined,
    restore: () => {},
  });

  for (const job of jobs) await job.run(AbortSignal.timeout(60_000), () => {}, true);

  expect(folders).toEqual(['/first', '/second', '/second']);
});
