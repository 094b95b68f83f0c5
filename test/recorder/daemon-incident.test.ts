/** The flight recorder in the daemon, on the stage of the demo: an incident from its beginning to its end. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { DEMO_FAULTS, FaultSwitch } from '../../src/demo/faults.ts';
import type { DemoHost } from '../../src/demo/demo-host.ts';
import { buildDemoHost } from '../../src/demo/demo-host.ts';
import type { Incident } from '../../src/recorder/incident.ts';
import { filesBelow, leaksIn } from '../support/canary.ts';
import type { DemoHostDaemon } from '../support/demo-host-daemon.ts';
import { startDemoHostDaemon } from '../support/demo-host-daemon.ts';
import { runProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const CAUSE = 'dns-resolver-down';

let stage: DemoHost;
let watch: DemoHostDaemon | undefined;
let faults: FaultSwitch;
beforeAll(async () => {
  stage = await buildDemoHost();
  faults = new FaultSwitch(stage);
  watch = await startDemoHostDaemon(stage);
});
afterAll(async () => {
  await watch?.[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

const inState = (name: string): string => join(stage.rootfs, 'state', name);

async function textOf(name: string): Promise<string> {
  return await readFile(inState(name), 'utf8').catch(() => '');
}

/** The file of the incident that this test is about; the stage may have others. */
async function incidentFile(): Promise<Incident | undefined> {
  const names = await readdir(inState('incidents')).catch(() => []);
  const name = names.find((known) => known.endsWith(`-${CAUSE}.json`));
  if (name === undefined) return undefined;
  return JSON.parse(await textOf(`incidents/${name}`)) as Incident;
}

test('a confirmed cause is frozen into one file, with what changed just before', async () => {
  await watch?.until(({ self }) => self.ready, 'ready');
  // The journal must have seen the host as it was.
  await until(async () => (await textOf('history.json')).includes('/etc/hosts'));

  const fault = DEMO_FAULTS.find(({ id }) => id === 'name-lost');
  await faults.set(fault);
  await until(async () => (await incidentFile()) !== undefined);
  const incident = await incidentFile();

  expect(incident).toMatchObject({
    schema: 1,
    cause: CAUSE,
    severity: 'critical',
    scopes: [{ runners: ['Da1kerDem', 'Db2kerDem', 'Sh1llDemo'] }],
    proxy: [{ decision: 'direct', source: 'HTTPS_PROXY is not set' }],
    resolver: [
      { answers: expect.arrayContaining([expect.stringMatching(/^127\.0\.0\.9 udp A .*refused/)]) },
    ],
    certificates: [{ pem: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/) }],
    leftOut: [],
  });
  expect(incident?.processes.byMemory).toEqual([
    expect.objectContaining({ pid: await stage.runner.pid(), residentBytes: expect.any(Number) }),
  ]);
  expect(incident).not.toHaveProperty('recoveredAt');
  const endpoint = incident?.report.runners[0]?.url ?? '';
  const runs = incident?.runs[`dns@${endpoint}`] ?? [];
  expect(runs.map(({ status }) => status)).toEqual(expect.arrayContaining(['pass', 'fail']));
  expect(incident?.changes[0]).toMatchObject({
    what: '/etc/hosts',
    before: expect.stringContaining('127.0.0.1 gitlab.demo.test; sha256 '),
    after: expect.stringMatching(/^sha256 /),
  });
  expect(incident?.changes[0]?.secondsBefore).toBeGreaterThanOrEqual(0);
});

test('no token is in any file of the state directory', async () => {
  const secrets = Object.fromEntries(
    stage.entries.map(({ name, token }) => [name, token.slice(14)]),
  );
  const files = await filesBelow(inState(''));
  const leaks = [...files.values()].map((bytes) => leaksIn(bytes, secrets));

  expect([...files.keys()].join(' ')).toMatch(
    /history\.json.*incidents\/|incidents\/.*history\.json/,
  );
  expect(leaks.flat()).toEqual([]);
});

test('it stays open over a restart, and is closed with the time of recovery', async () => {
  await watch?.[Symbol.asyncDispose]();
  watch = await startDemoHostDaemon(stage);
  const { past } = await watch.until(({ self }) => self.ready, 'ready again');
  const open = past.incidents.find(({ cause }) => cause === CAUSE);
  expect(open).toMatchObject({ cause: CAUSE });
  expect(open).not.toHaveProperty('recoveredAt');

  await faults.set(undefined);
  await until(async () => (await incidentFile())?.recoveredAt !== undefined);
  const closed = await incidentFile();

  expect(closed?.durationSeconds).toBe(
    Math.round(
      (Date.parse(closed?.recoveredAt ?? '') - Date.parse(closed?.startedAt ?? '')) / 1000,
    ),
  );
  const served = JSON.parse(watch.daemon.incident(closed?.id ?? '') ?? '{}') as Incident;
  expect(served).toEqual(closed);
});

function kindsOfTimeline(): ReadonlySet<string> {
  return new Set(watch?.daemon.view().past.timeline.map(({ kind }) => kind));
}

test('the timeline shows it: start, cause, change, end', async () => {
  await until(() => kindsOfTimeline().has('cause resolved'));

  expect([...kindsOfTimeline()].toSorted()).toEqual([
    'cause appeared',
    'cause confirmed',
    'cause resolved',
    'changed',
    'start',
    'verdict changed',
  ]);
});

test('runnerwatch incident lists it and prints it, as text and as JSON', async () => {
  const incident = await incidentFile();
  const id = incident?.id ?? '';
  const flag = `--state.directory=${inState('')}`;
  const [list, one, json, nearly] = await Promise.all([
    runProgram(['incident', flag]),
    runProgram(['incident', id, flag]),
    runProgram(['incident', id, flag, '--format=json']),
    runProgram(['incident', id.replace('dns', 'dna'), flag]),
  ]);

  expect(list.stdout).toContain(`${id}  (critical, resolved after `);
  expect(one.stdout).toMatch(
    /what changed just before\n {2}\/etc\/hosts, \d+ s before the first evidence/,
  );
  expect(one.stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  expect(JSON.parse(json.stdout)).toEqual(incident);
  expect([nearly.code, nearly.stderr]).toEqual([
    1,
    `runnerwatch: unknown incident "${id.replace('dns', 'dna')}"; did you mean ${id}?\n`,
  ]);
});
