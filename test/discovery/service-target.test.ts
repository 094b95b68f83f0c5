/** Where the runner logs and where it serves its metrics, as far as this host can read them. */
import { expect, test } from 'vitest';

import { readRunnerText } from '../../src/config/runner/runner-config.ts';
import type { TargetsQuestion } from '../../src/discovery/endpoint-target.ts';
import { targetsOf } from '../../src/discovery/targets.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerProcess } from '../support/runner-process.ts';

const FILE = '/etc/gitlab-runner/config.toml';

function serviceOf(text: string, over: Partial<TargetsQuestion> = {}) {
  const { document, problems } = readRunnerText(text, FILE);
  return targetsOf({
    document,
    reading: { path: FILE, foundBy: 'default', readAt: 0, problems },
    process: runnerProcess({ environment: {} }),
    mounts: [],
    place: PACKAGED_PLACE,
    systemId: undefined,
    ...over,
  }).service;
}

const LISTENS = 'concurrent = 1\nlisten_address = ":9252"\n';

test('a listen_address is asked on the loopback address', () => {
  expect(serviceOf(LISTENS)).toEqual({
    kind: 'service',
    id: 'gitlab-runner.service',
    place: 'gitlab-runner.service',
    metrics: { host: '127.0.0.1', port: 9252 },
  });
});

test('without one, or in a network that may not be entered, there is nothing to ask', () => {
  expect(serviceOf('concurrent = 1\n').metrics).toBeUndefined();
  const place = { ...PACKAGED_PLACE, closed: 'it may not be entered' };
  expect(serviceOf(LISTENS, { place }).metrics).toBeUndefined();
});
