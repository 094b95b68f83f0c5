/** What rules get of a line, in place of its text. */
import { expect, test } from 'vitest';

import type { DataKey } from '../../../src/core/finding-data.ts';
import { dataOf } from '../../../src/core/finding-data.ts';
import {
  CERTIFICATE_REJECTED,
  DIALLED,
  DIALLED_PROXY,
  NAME_SERVER,
  POLL_RESPONSE,
  RUNNING_JOBS,
  UNSIGNED_REJECTION,
} from '../../../src/runner/log/line-data.ts';
import { LOCAL_FAULT } from '../../../src/runner/log/local-fault-fragments.ts';
import { dataOfLine, dataOfPoll } from '../../support/events.ts';

const REQUEST = 'POST https://gitlab.test:8443/api/v4/jobs/request:';
const OTHERWISE = { isJson: false, isFromGitLab: false, isMaintenance: false };

test.each<[string, DataKey<unknown>, unknown]>([
  [
    'dial tcp 10.0.0.2:443: connect: connection refused',
    DIALLED,
    { address: '10.0.0.2', port: 443 },
  ],
  ['dial tcp [2001:db8::1]:443: i/o timeout', DIALLED, { address: '2001:db8::1', port: 443 }],
  ['dial tcp 10.0.0.2:443: connect: cannot assign requested address', DIALLED, undefined],
  ['dial tcp: lookup H on 10.0.0.53:53: server misbehaving', NAME_SERVER, '10.0.0.53'],
  ['dial tcp: lookup H on [::1]:53: read udp: connection refused', NAME_SERVER, '::1'],
  ['dial tcp: lookup H: no such host', NAME_SERVER, undefined],
  [
    'proxyconnect tcp: dial tcp 10.0.0.9:3999: connect: connection refused',
    DIALLED_PROXY,
    { authority: '10.0.0.9:3999', address: '10.0.0.9', port: 3999 },
  ],
  [
    'proxyconnect tcp: dial tcp [::1]:3128: i/o timeout',
    DIALLED_PROXY,
    { authority: '[::1]:3128', address: '::1', port: 3128 },
  ],
  ['proxyconnect tcp: dial tcp: lookup proxy: no such host', DIALLED_PROXY, undefined],
  ['tls: failed to verify certificate: x509: certificate has expired', CERTIFICATE_REJECTED, true],
  ['remote error: tls: handshake failure', CERTIFICATE_REJECTED, undefined],
  ['504 Gateway Time-out', POLL_RESPONSE, { ...OTHERWISE, status: 504 }],
  [`${REQUEST} 404 Not Found ()`, POLL_RESPONSE, { ...OTHERWISE, status: 404, isJson: true }],
  [
    `${REQUEST} 503 Service Unavailable (GitLab is in maintenance mode)`,
    POLL_RESPONSE,
    { ...OTHERWISE, status: 503, isJson: true, isMaintenance: true },
  ],
  ['EOF', POLL_RESPONSE, undefined],
])('a failed poll: %s', (status, key, value) => {
  expect(dataOf({ data: dataOfPoll(status) }, key)).toEqual(value);
});

test.each([
  ['01JDFZ8M5Q7R9T1V3W5X7Y9Z0A', true],
  ['0123456789abcdef0123456789abcdef', false],
])('a 503 with the correlation id %s', (id, isFromGitLab) => {
  const data = dataOfPoll('503 Service Unavailable', { correlation_id: id });

  expect(dataOf({ data }, POLL_RESPONSE)).toEqual({ ...OTHERWISE, status: 503, isFromGitLab });
});

test.each<[string, Readonly<Record<string, string>>, true | undefined]>([
  ['Appending trace', { status: '403 Forbidden' }, true],
  ['Appending trace', { status: '403 Forbidden', 'job-status': 'canceled' }, undefined],
  ['Appending trace', { status: '403 Forbidden', correlation_id: '01J' }, undefined],
  ['Appending trace', { status: 'PATCH https://h/x: 403 Forbidden' }, undefined],
  ['Submitting job', { status: '403 Forbidden' }, undefined],
])('%s is rejected with %j', (what, fields, value) => {
  const data = dataOfLine(`${what} to coordinator... job failed`, fields);

  expect(dataOf({ data }, UNSIGNED_REJECTION)).toBe(value);
});

test.each([
  ['mkdir /builds/a: disk quota exceeded', { path: '/builds/a', quota: 'disk quota exceeded' }],
  ['disk quota exceeded', { quota: 'disk quota exceeded' }],
  ['mkdir /builds/a: no space left on device', { path: '/builds/a' }],
  ['fork/exec /usr/bin/su: no such file or directory', { program: '/usr/bin/su' }],
  ['unlinkat /srv/builds/x: operation not permitted', { path: '/srv/builds/x' }],
  ['rename /srv/a /srv/b: permission denied', { path: '/srv/a' }],
  ['Get "https://registry.test:5000/v2/": EOF', { registry: 'registry.test:5000' }],
  [
    'secrets is forbidden: User "system:serviceaccount:ci:default" cannot create resource "secrets" in API group "" in the namespace "ci"',
    {
      account: 'system:serviceaccount:ci:default',
      verb: 'create',
      resource: 'secrets',
      namespace: 'ci',
    },
  ],
  ['exit status 1', undefined],
])('a job that was not prepared: %s', (reason, named) => {
  const data = dataOfLine(`Preparation failed: ${reason}`);

  expect(dataOf({ data }, LOCAL_FAULT)).toEqual(named);
});

test('a line of any kind may count the jobs that run', () => {
  const lost = 'Failed to load config';

  expect(dataOf({ data: dataOfLine(lost, { builds: '3' }) }, RUNNING_JOBS)).toBe(3);
  expect(dataOf({ data: dataOfLine(lost) }, RUNNING_JOBS)).toBeUndefined();
});
