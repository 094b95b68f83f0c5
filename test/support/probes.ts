/** Small probes with given results, for tests of the machinery. */
import { defaultsOf } from '../../src/core/option.ts';
import type { Check } from '../../src/core/check.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools, Probe } from '../../src/core/probe.ts';
import type { EndpointTarget, HostTarget, RunnerTarget } from '../../src/core/target.ts';
import { Secret } from '../../src/core/secret.ts';

export const PASS: Finding = { status: 'pass' };

export function failingFinding(reason = 'broken', detail = 'it is broken'): Finding {
  return { status: 'fail', reason, detail };
}

export const HOST: HostTarget = { kind: 'host', id: 'host' };

export const ENDPOINT: EndpointTarget = {
  kind: 'endpoint',
  id: 'https://gitlab.test/',
  url: new URL('https://gitlab.test/'),
  trust: { certsDirectory: '/etc/gitlab-runner/certs' },
  proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
};

export function runnerTarget(id: string, endpoint: string | undefined = ENDPOINT.id): RunnerTarget {
  return {
    kind: 'runner',
    id,
    name: `name of ${id}`,
    executor: 'docker',
    url: 'https://gitlab.test/',
    ...(endpoint === undefined ? {} : { endpoint }),
    token: new Secret(`glrt-${id}`),
    line: 1,
  };
}

export interface ProbeLike extends Partial<Omit<Probe, 'run'>> {
  readonly id: string;
  readonly run?: (tools: LinkTools) => Promise<Finding> | Finding;
}

/** A probe of kind `host`; it passes by default. */
export function probe({ run, ...rest }: ProbeLike): Probe {
  return {
    title: rest.id,
    question: `Is ${rest.id} all right?`,
    kind: 'host',
    needs: [],
    intervalSeconds: 10,
    timeoutSeconds: 2,
    options: {},
    reasons: {
      broken: {
        kind: 'cause',
        severity: 'critical',
        meaning: 'It is broken.',
        action: 'Mend it.',
      },
    },
    measures: {},
    ...rest,
    // The checks under test hand the tools of a link to every probe.
    run: async (_target, _options, tools) =>
      run === undefined ? PASS : await run(tools as LinkTools),
  };
}

export function check(
  probe: Probe,
  target: Check['target'] = HOST,
  over: Partial<Check> = {},
): Check {
  const { intervalSeconds, timeoutSeconds } = probe;
  return {
    id: `${probe.id}@${target.id}`,
    probe,
    target,
    options: defaultsOf(probe.options),
    intervalSeconds,
    timeoutSeconds,
    ...over,
  };
}
