/**
 * The whole `check` through a real squid to a real HTTPS GitLab of a private authority, as the runner would go.
 * GitLab's name is no loopback name, for Go never proxies those; squid alone knows its address.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createAuthority } from '../../src/demo/certificates.ts';
import type { GitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import type { NarrowProc } from '../../src/demo/narrow-proc.ts';
import { narrowProc } from '../../src/demo/narrow-proc.ts';
import { QUIET_HOST } from '../support/program-stage.ts';
import { runProgram } from '../support/program.ts';
import type { Report } from '../../src/report/document.ts';
import { startNamedProcess } from '../support/named-process.ts';
import type { NamedProcess } from '../support/named-process.ts';
import type { Squid } from '../support/squid.ts';
import { startSquid } from '../support/squid.ts';

const HOST = 'gitlab.walk.test';
const TOKEN = 'glrt-Walk0123456789abcdefg';
const AUTHORITY = createAuthority({ commonName: 'Private Root' });

let root: string;
let proc: NarrowProc;
let gitlab: GitLabStandIn;
let squid: Squid;
let runner: NamedProcess | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runnerwatch-walk-'));
  proc = await narrowProc(join(root, 'proc'));
  const tls = AUTHORITY.issue({ commonName: HOST, dns: [HOST] });
  gitlab = await startGitLabStandIn({ tls });
  gitlab.tokens.add(TOKEN);
  squid = await startSquid({ hosts: { [HOST]: '127.0.0.1' }, users: { ci: 'pass:word' } });
  for (const folder of ['etc/runner/certs', 'etc/ssl/certs', 'tmp']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  // The host itself does not know the name: only the proxy does.
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  await writeFile(join(root, 'etc/resolv.conf'), 'nameserver 127.0.0.9\n');
  await writeFile(join(root, 'etc/ca.pem'), AUTHORITY.certificatePem);
  await writeFile(join(root, 'settings.toml'), `${QUIET_HOST}[probes.service]\nenabled = false\n`);
});
afterAll(async () => {
  await runner?.[Symbol.asyncDispose]();
  await squid[Symbol.asyncDispose]();
  await gitlab[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

interface Walked {
  readonly code: number | null;
  readonly report: Report;
  readonly output: string;
}

let count = 0;
/** One `check` of a runner whose process has this environment; `trust` is a line of its entry. */
async function walk(environment: Readonly<Record<string, string>>, trust = ''): Promise<Walked> {
  count += 1;
  const config = `/etc/runner/config-${process.pid}-${count}.toml`;
  await writeFile(
    join(root, config),
    `[[runners]]\nname = "walker"\nurl = "https://${HOST}:${gitlab.port}/"\ntoken = "${TOKEN}"\nexecutor = "shell"\n${trust}\n`,
  );
  await runner?.[Symbol.asyncDispose]();
  runner = await startNamedProcess(['gitlab-runner', 'run', '--config', config], {
    PATH: process.env['PATH'] ?? '',
    HOME: '/root',
    ...environment,
  });
  await proc.show(runner.pid);
  const { code, stdout, stderr } = await runProgram([
    'check',
    '--format=json',
    `--path.rootfs=${root}`,
    `--path.procfs=${proc.path}`,
    `--runner.config=${config}`,
    `--config.file=${join(root, 'settings.toml')}`,
    `--state.directory=${join(root, `state-${count}`)}`,
  ]);
  return { code, report: JSON.parse(stdout) as Report, output: stdout + stderr };
}

const proxied = (login: string) => ({ HTTPS_PROXY: `http://${login}127.0.0.1:${squid.port}` });
const CA_FILE = 'tls-ca-file = "/etc/ca.pem"';
/** By the user of the runner, which is the one of this test. */
const CERTS = process.getuid?.() === 0 ? 'etc/gitlab-runner/certs' : 'root/.gitlab-runner/certs';

describe('with the login that squid wants', () => {
  test.each([
    ['tls-ca-file', CA_FILE, false],
    ['the certs folder', '', true],
  ])('every link passes, the authority being in %s', async (_where, trust, isInFolder) => {
    const inFolder = join(root, CERTS, `${HOST}.crt`);
    await mkdir(join(inFolder, '..'), { recursive: true });
    if (isInFolder) await writeFile(inFolder, AUTHORITY.certificatePem);

    const { code, report, output } = await walk(proxied('ci:pass%3Aword@'), trust);
    await rm(inFolder, { force: true });

    expect(report.runners[0]?.chain).toEqual({
      dns: 'pass',
      connect: 'pass',
      proxy: 'pass',
      tls: 'pass',
      http: 'pass',
      api: 'pass',
      token: 'pass',
    });
    expect([code, report.verdict, report.causes]).toEqual([0, 'healthy', []]);
    expect(await squid.accessLog()).toContain(`CONNECT ${HOST}:${gitlab.port}`);
    expect(output).not.toMatch(/pass:word|pass%3Aword/);
  });

  test('an authority in neither place is the cause, and not the proxy', async () => {
    const { code, report } = await walk(proxied('ci:pass%3Aword@'));

    expect([code, report.causes.map(({ id }) => id)]).toEqual([2, ['tls-unknown-authority']]);
    expect(report.runners[0]?.chain).toMatchObject({ proxy: 'pass', tls: 'fail', http: 'skipped' });
  });
});

test('without the login squid asks for one, and that is the cause', async () => {
  const { code, report } = await walk(proxied(''), CA_FILE);

  expect([code, report.causes.map(({ id }) => id)]).toEqual([2, ['proxy-auth-required']]);
  expect(report.runners[0]?.chain).toMatchObject({
    connect: 'pass',
    proxy: 'fail',
    tls: 'skipped',
  });
});

test('with NO_PROXY the runner goes alone and does not find the name', async () => {
  const { code, report } = await walk(
    { ...proxied('ci:pass%3Aword@'), NO_PROXY: '.walk.test' },
    CA_FILE,
  );

  expect([code, report.runners[0]?.chain['dns']]).toEqual([2, 'fail']);
  expect(report.runners[0]?.chain).not.toHaveProperty('proxy');
});
