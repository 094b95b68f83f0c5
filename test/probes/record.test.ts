/** GitLab's own record of an entry, asked with an API token over a real connection. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { RunnerTarget } from '../../src/core/target.ts';
import { http } from '../../src/probes/http.ts';
import { createRecord } from '../../src/probes/record.ts';
import type { HttpServer, ScriptedReply, ReceivedRequest } from '../support/http-server.ts';
import {
  endpointAt,
  gitlab,
  HEALTHY,
  RAILS_HEADERS,
  reply,
  startHttpServer,
  walkTo,
} from '../support/http-server.ts';
import { runnerTarget } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';

const API_TOKEN = 'glpat-canaryCANARYcanary';
let folder: string;
let tokenFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-record-'));
  tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${API_TOKEN}\n`);
});
afterAll(async () => await rm(folder, { recursive: true }));

interface World {
  readonly runner?: Readonly<Record<string, unknown>>;
  readonly managers?: readonly Readonly<Record<string, unknown>>[];
  readonly jobs?: readonly Readonly<Record<string, unknown>>[];
}

function page(items: readonly unknown[]): string {
  return reply(200, JSON.stringify(items), { type: 'application/json', headers: RAILS_HEADERS });
}

/** A GitLab with one runner, number 7. */
async function startRecords(world: () => World): Promise<HttpServer> {
  return await startHttpServer(({ path }: ReceivedRequest): ScriptedReply => {
    if (path === '/-/health') return HEALTHY;
    const { runner = {}, managers = [], jobs = [] } = world();
    const known = {
      id: 7,
      paused: false,
      run_untagged: true,
      tag_list: ['linux'],
      projects: [{ id: 3 }],
    };
    if (path === '/api/v4/runners/7') return gitlab(200, { ...known, ...runner });
    if (path === '/api/v4/runners/7/managers') return page(managers);
    if (path.startsWith('/api/v4/projects/3/jobs?')) return page(jobs);
    return gitlab(404, { message: '404 Not found' });
  });
}

async function runOnce(
  server: HttpServer,
  probe = createRecord(),
  over: Partial<RunnerTarget> = {},
): Promise<Finding> {
  await using path = await walkTo(server.port);
  const endpoint = endpointAt(server.port);
  const tools = { walk: path.walk };
  await runProbe(http, endpoint, { tools });
  const target = {
    ...runnerTarget('AAAAAAAAA', endpoint.id),
    systemId: 's_0123456789ab',
    record: { id: 7, tokenFile },
    ...over,
  };
  return await runProbe(probe, target, { tools });
}

async function found(world: World, over: Partial<RunnerTarget> = {}): Promise<Finding> {
  await using server = await startRecords(() => world);
  return await runOnce(server, createRecord(), over);
}

test('a runner that is in order passes, and GitLab is only read', async () => {
  await using server = await startRecords(() => ({ managers: [{ system_id: 's_0123456789ab' }] }));

  expect(await runOnce(server)).toMatchObject({
    status: 'pass',
    measures: { managers: 1, waiting_jobs: 0 },
  });
  expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  expect(server.requests.at(-1)?.head).toContain(`PRIVATE-TOKEN: ${API_TOKEN}`);
});

test('what GitLab does not report is not counted as none', async () => {
  await using server = await startHttpServer(({ path }: ReceivedRequest): ScriptedReply => {
    if (path === '/-/health') return HEALTHY;
    const known = { id: 7, paused: false, run_untagged: true, tag_list: [], projects: [{ id: 3 }] };
    return path === '/api/v4/runners/7' ? gitlab(200, known) : gitlab(403, { message: 'no' });
  });

  expect(await runOnce(server)).toHaveProperty('measures', {});
});

test.each([{ paused: true }, { active: false }])('%o is paused', async (runner) => {
  expect(await found({ runner })).toMatchObject({ status: 'warn', reason: 'paused' });
});

/** What is found after each of these addresses was seen once. */
async function after(...addresses: readonly string[]): Promise<Finding> {
  let address = '';
  const managers = () => [
    { system_id: 's_ffffffffffff', ip_address: '10.9.9.9' },
    { system_id: 's_0123456789ab', ip_address: address },
  ];
  await using server = await startRecords(() => ({ managers: managers() }));
  const probe = createRecord();
  let finding: Finding = { status: 'pass' };
  for (const next of addresses) {
    address = next;
    finding = await runOnce(server, probe);
  }
  return finding;
}

describe('the manager with this host’s system id', () => {
  test('with addresses to and fro is two hosts', async () => {
    expect(await after('10.0.0.1', '10.0.0.2', '10.0.0.1')).toMatchObject({
      status: 'warn',
      reason: 'system-id-clash',
      facts: { addresses: '10.0.0.1, 10.0.0.2, 10.0.0.1' },
    });
  });

  test.each([
    ['one address', ['10.0.0.1', '10.0.0.1']],
    ['a host that moved', ['10.0.0.1', '10.0.0.2', '10.0.0.2']],
    ['a host that moves on', ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
  ])('%s is one host', async (_, addresses) => {
    expect(await after(...addresses)).toMatchObject({ status: 'pass' });
  });
});

describe('a job that waits', () => {
  test.each([
    ['for a tag that the runner lacks', { id: 1, tag_list: ['gpu'] }, {}, 'no-matching-runner'],
    ['for one of two tags', { id: 1, tag_list: ['linux', 'gpu'] }, {}, 'no-matching-runner'],
    [
      'without a tag for a runner that wants one',
      { id: 1, tag_list: [] },
      { run_untagged: false },
      'no-matching-runner',
    ],
    ['for the tag that the runner has', { id: 1, tag_list: ['linux'] }, {}, undefined],
    ['without a tag', { id: 1, tag_list: [] }, {}, undefined],
  ])('%s', async (_, job, runner, reason) => {
    expect(await found({ jobs: [job], runner })).toMatchObject(
      reason === undefined ? { status: 'pass' } : { status: 'warn', reason },
    );
  });
});

describe('what stays unknown', () => {
  test('without the file GitLab is not asked', async () => {
    await using server = await startRecords(() => ({}));
    const record = { id: 7, tokenFile: join(folder, 'no-such-file') };

    expect(await runOnce(server, createRecord(), { record })).toMatchObject({
      status: 'unknown',
      reason: 'no-api-token',
    });
    expect(server.requests.map(({ path }) => path)).toEqual(['/-/health']);
  });

  test('a runner that the token may not see', async () => {
    expect(await found({}, { record: { id: 8, tokenFile } })).toMatchObject({
      status: 'unknown',
      reason: 'refused',
    });
  });

  test('an answer that is no record', async () => {
    expect(await found({ runner: { id: 'x' } })).toMatchObject({
      status: 'unknown',
      reason: 'record-error',
    });
  });
});

test('the API token is in nothing that is found', async () => {
  const findings = [
    await found({ runner: { paused: true } }),
    await found({}, { record: { id: 8, tokenFile } }),
  ];

  expect(JSON.stringify(findings)).not.toContain('canary');
});
