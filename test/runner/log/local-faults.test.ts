/** A fault of this host is named in every line in which the runner may say it, in each of its formats. */
import { describe, expect, test } from 'vitest';

import { dataOf } from '../../../src/core/finding-data.ts';
import { classify } from '../../../src/runner/log/classify.ts';
import {
  LOCAL_FAULT,
  LOCAL_FAULT_CAUSES,
  LOCAL_FAULTS,
} from '../../../src/runner/log/local-fault-fragments.ts';
import { parseLine } from '../../../src/runner/log/log-line.ts';
import type { LogEntry } from '../../support/runner-lines.ts';
import { inColours, json, logfmt } from '../../support/runner-lines.ts';

/** The words of the kernel, the engine or the cluster, one or more for each row of the table. */
const REFUSALS: readonly (readonly [cause: string, words: string])[] = [
  ['fd-system-limit-reached', 'open /tmp/trace1: too many open files in system'],
  ['fd-limit-reached', 'failed to start process: pipe2: too many open files'],
  ['fd-limit-reached', 'dial tcp 10.0.0.2:443: socket: too many open files'],
  [
    'docker-not-responding',
    'dial unix /run/docker.sock: connect: resource temporarily unavailable',
  ],
  ['pids-limit-reached', 'fork/exec /usr/bin/su: resource temporarily unavailable'],
  ['memory-pressure', 'fork/exec /usr/bin/su: cannot allocate memory'],
  ['docker-runtime-failed', 'mkdir /sys/fs/cgroup/docker/a: no space left on device'],
  ['disk-space-exhausted', 'write /srv/builds/a: disk quota exceeded'],
  ['disk-docker-root-full', 'write /var/lib/docker/tmp/a: no space left on device'],
  ['disk-space-exhausted', 'create job trace: open /tmp/trace1: no space left on device'],
  ['disk-read-only', 'open /srv/builds/a: read-only file system'],
  ['docker-registry-rate-limited', 'Error response from daemon: toomanyrequests: You have reached'],
  ['docker-api-incompatible', 'Error response from daemon: client version 1.24 is too old.'],
  [
    'docker-network-pool-exhausted',
    'could not find an available, non-overlapping IPv4 address pool among the defaults',
  ],
  [
    'docker-socket-permission',
    'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
  ],
  ['docker-daemon-down', 'failed to connect to the docker API at unix:///var/run/docker.sock'],
  [
    'docker-registry-unreachable',
    'failed to do request: Head "https://registry.test/v2/a/manifests/1": dial tcp 10.0.0.9:443: i/o timeout',
  ],
  ['docker-image-pull-failed', 'failed to pull image "a:1" with specified policies [always]: x'],
  ['docker-runtime-failed', 'OCI runtime create failed: runc create failed: unable to start'],
  ['docker-daemon-down', 'creating docker connection: unsupported os type'],
  [
    'kubernetes-forbidden',
    'secrets is forbidden: User "system:serviceaccount:ci:a" cannot create resource "secrets" in API group "" in the namespace "ci"',
  ],
  ['kubernetes-forbidden', 'pods "runner-a" is forbidden: exceeded quota: jobs'],
  [
    'kubernetes-pod-pending',
    'prepare environment: waiting for pod running: timed out waiting for pod to start (last phase: Pending)',
  ],
  ['runner-program-missing', 'exec: "docker-machine": executable file not found in $PATH'],
  ['runner-program-missing', 'fork/exec /usr/bin/su: no such file or directory'],
  ['runner-permission-denied', 'mkdir /srv/builds/a: permission denied'],
];

const RUNNER = 'abc12defg';
const POST =
  'couldn\'t execute POST against https://gitlab.test/api/v4/jobs/request: Post "https://gitlab.test/api/v4/jobs/request": ';

/** Each kind of line, as the runner writes it around a reason. */
const LINES: readonly (readonly [what: string, (words: string) => LogEntry])[] = [
  [
    'a failed poll',
    (words) => ({
      level: 'warning',
      message: 'Checking for jobs... failed',
      fields: { runner: RUNNER, status: `execute JSON request: execute request: ${POST}${words}` },
    }),
  ],
  [
    'a failed poll of version 16',
    (words) => ({
      level: 'warning',
      message: 'Checking for jobs... failed',
      fields: { runner: RUNNER, status: `${POST}${words}` },
    }),
  ],
  [
    'the preparation of a job',
    (words) => ({ level: 'warning', message: `Preparation failed: ${words}`, fields: { job: 7 } }),
  ],
  [
    'the end of a job',
    (words) => ({
      level: 'error',
      message: `Job failed (system failure): prepare environment: ${words}`,
      fields: { error: words, failure_reason: 'runner_system_failure', job: 7, runner: RUNNER },
    }),
  ],
  [
    'an entry that was not processed',
    (words) => ({
      level: 'warning',
      message: 'Failed to process runner',
      fields: { builds: 0, error: words, executor: 'shell', runner: RUNNER },
    }),
  ],
  [
    'a machine that was not made',
    (words) => ({
      level: 'error',
      message: 'Machine creation failed',
      fields: { error: words, name: 'runner-a' },
    }),
  ],
  [
    'output that was not sent',
    (words) => ({
      level: 'warning',
      message: 'Appending trace to coordinator... error',
      fields: { error: `${POST}${words}`, job: 7, runner: RUNNER },
    }),
  ],
  [
    'a start that failed',
    (words) => ({ level: 'fatal', message: 'Service run failed', fields: { error: words } }),
  ],
  [
    'a configuration that was not loaded',
    (words) => ({
      level: 'error',
      message: `Failed to load config ${words}`,
      fields: { builds: 0 },
    }),
  ],
];

function eventIn(line: string) {
  const parsed = parseLine(line);
  return parsed === undefined ? undefined : classify(parsed);
}

describe.each(LINES)('%s', (_what, say) => {
  test.each(REFUSALS)('names %s: %s', (cause, words) => {
    for (const write of [inColours, logfmt, json]) {
      const event = eventIn(write(say(words)));

      expect([event?.cause, event?.facts['reason']]).toEqual([
        cause,
        expect.stringContaining(words.slice(-60).trim()),
      ]);
      expect(dataOf({ ...event }, LOCAL_FAULT)).toBeDefined();
    }
  });
});

test('every row of the table is tried here', () => {
  const tried = new Set(REFUSALS.map(([cause]) => cause));

  expect([...LOCAL_FAULT_CAUSES].filter((cause) => !tried.has(cause))).toEqual([]);
  expect(
    LOCAL_FAULTS.filter(({ text }) => REFUSALS.every(([, words]) => !text.test(words))),
  ).toEqual([]);
});

test.each(REFUSALS)('the output of a script names no fault: %s, %s', (_cause, words) => {
  const fields = { error: 'exit status 1', failure_reason: 'script_failure', runner: RUNNER };
  const entry: LogEntry = {
    level: 'warning',
    message: `Job failed: exit status 1 ${words}`,
    fields,
  };

  expect(eventIn(inColours(entry))?.cause).toBeUndefined();
});

test('the reason is the part of the text that the fault is read from', () => {
  const before = 'a step of the preparation: '.repeat(20);
  const entry: LogEntry = {
    level: 'error',
    message: `Job failed (system failure): ${before}open /tmp/a: too many open files`,
  };

  expect(eventIn(json(entry))?.facts['reason']).toMatch(/^\.\.\..*too many open files$/);
});
