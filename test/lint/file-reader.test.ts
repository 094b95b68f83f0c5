/** Rules that read files, with real files, real certificates and a real socket. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { LintContext } from '../../src/lint/context.ts';
import { reportWithFiles } from '../../src/lint/file-reader.ts';
import { prepare } from '../../src/lint/lint.ts';
import { daysFromNow, make, makeRoot } from '../support/certificates.ts';
import { PROCESS } from '../support/lint-host.ts';

let folder: string;
const socket = createServer();
const root = makeRoot({ name: 'Root' });
const leaf = make(
  { name: 'gitlab.example.com', dns: ['gitlab.example.com'], isAuthority: false },
  root,
);
const old = makeRoot({ name: 'Old', from: daysFromNow(-20), until: daysFromNow(-1) });
const client = make({ name: 'client' }, root);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-look-'));
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'root.pem': root.pem,
    'root.der': root.der,
    'empty.pem': '',
    'words.pem': 'hello',
    'leaf.pem': leaf.pem,
    'old.pem': old.pem,
    'client.crt': client.pem,
    'client.key': client.keyPem,
    'open.key': client.keyPem,
    'seccomp.json': '{}',
    'seccomp.txt': 'allow everything',
    'run.sh': '#!/bin/sh\n',
    'plain.txt': '',
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), content, { mode: 0o600 });
  }
  await chmod(join(folder, 'run.sh'), 0o755);
  await chmod(join(folder, 'open.key'), 0o644);
  await mkdir(join(folder, 'certs'));
  await writeFile(join(folder, 'certs/ca.pem'), root.pem);
  await new Promise<void>((resolve) => {
    socket.listen(join(folder, 'docker.sock'), resolve);
  });
});
afterAll(async () => {
  socket.close();
  await rm(folder, { recursive: true, force: true });
});

/** `rule: message` of what is found, with HERE for the folder. */
async function found(
  text: string,
  over: Partial<LintContext> = {},
  paths: Paths = HOST_PATHS,
): Promise<readonly string[]> {
  const whole = `[[runners]]\n  name = "a"\n${text.replaceAll('HERE', folder)}`;
  const prepared = prepare(whole, 'config.toml');
  const { findings } = await reportWithFiles(prepared, { now: Date.now(), ...over }, paths);
  return findings
    .filter(({ rule }) => /^(?:T0[1-6]|D09|D11|D16|X04|C06|A01|S0[23])$/.test(rule))
    .map(({ rule, message }) => `${rule}: ${message}`.replaceAll(folder, 'HERE'));
}

const docker = (line: string): string =>
  `  executor = "docker"\n  [runners.docker]\n    image = "a"\n${line}`;
const shell = (line: string): string => `  executor = "shell"\n${line}`;

test.each([
  ['an authority', 'tls-ca-file = "HERE/root.pem"', undefined],
  ['no file', 'tls-ca-file = "HERE/none.pem"', 'T01: tls-ca-file of entry "a" does not exist'],
  ['a folder', 'tls-ca-file = "HERE/certs"', 'T01: tls-ca-file of entry "a" is not a file'],
  ['an empty file', 'tls-ca-file = "HERE/empty.pem"', 'T01: tls-ca-file of entry "a" is empty'],
  ['DER', 'tls-ca-file = "HERE/root.der"', 'T01: tls-ca-file of entry "a" is not PEM'],
  ['words', 'tls-ca-file = "HERE/words.pem"', 'T01: tls-ca-file of entry "a" is not PEM'],
  [
    'a key',
    'tls-ca-file = "HERE/client.key"',
    'T01: tls-ca-file of entry "a" contains no certificate that Go can parse',
  ],
  [
    'the server’s own certificate',
    'tls-ca-file = "HERE/leaf.pem"',
    'T06: tls-ca-file of entry "a" contains a server certificate, and no certificate authority',
  ],
  [
    'an expired authority',
    'tls-ca-file = "HERE/old.pem"',
    'T06: tls-ca-file of entry "a" contains only expired certificates',
  ],
  ['a pair', 'tls-cert-file = "HERE/client.crt"\ntls-key-file = "HERE/client.key"', undefined],
  [
    'a pair with an open key',
    'tls-cert-file = "HERE/client.crt"\ntls-key-file = "HERE/open.key"',
    'T04: tls-key-file of entry "a" is readable for every user',
  ],
  [
    'what is no pair',
    'tls-cert-file = "HERE/leaf.pem"\ntls-key-file = "HERE/client.key"',
    'T03: tls-key-file of entry "a" is not the key of tls-cert-file',
  ],
  [
    'a certificate that is gone',
    'tls-cert-file = "HERE/no.crt"\ntls-key-file = "HERE/client.key"',
    'T03: tls-cert-file of entry "a" does not exist',
  ],
  ['a socket', docker('    host = "unix://HERE/docker.sock"'), undefined],
  [
    'no socket',
    docker('    host = "unix://HERE/no.sock"'),
    'D09: the socket in host does not exist',
  ],
  [
    'a file for a socket',
    docker('    host = "unix://HERE/plain.txt"'),
    'D09: the path in host is not a socket',
  ],
  [
    'certificates of Docker in part',
    docker(
      '    host = "tcp://docker:2376"\n    tls_verify = true\n    tls_cert_path = "HERE/certs"',
    ),
    'D11: tls_cert_path contains no cert.pem',
  ],
  ['a profile', docker('    security_opt = ["seccomp=HERE/seccomp.json"]'), undefined],
  [
    'a profile that is no JSON',
    docker('    security_opt = ["seccomp=HERE/seccomp.txt"]'),
    'D16: the seccomp profile is not JSON',
  ],
  [
    'no profile',
    docker('    security_opt = ["seccomp:HERE/no.json"]'),
    'D16: the seccomp profile does not exist',
  ],
  [
    'a program',
    '  executor = "custom"\n  [runners.custom]\n    run_exec = "HERE/run.sh"',
    undefined,
  ],
  [
    'a file that is no program',
    '  executor = "custom"\n  [runners.custom]\n    run_exec = "HERE/plain.txt"',
    'S02: run_exec is not executable',
  ],
  [
    'no program',
    '  executor = "custom"\n  [runners.custom]\n    run_exec = "HERE/no.sh"',
    'S02: run_exec does not exist',
  ],
  [
    'no key for ssh',
    '  executor = "ssh"\n  [runners.ssh]\n    host = "b"\n    identity_file = "HERE/no.key"',
    'S03: identity_file does not exist',
  ],
  [
    'no known hosts',
    '  executor = "ssh"\n  [runners.ssh]\n    host = "b"\n    known_hosts_file = "HERE/no"',
    'S03: known_hosts_file does not exist',
  ],
  [
    'no plug-in',
    '  executor = "instance"\n  [runners.autoscaler]\n    plugin = "HERE/no"',
    'A01: plugin does not exist',
  ],
  [
    'no credentials',
    '  [runners.cache]\n    [runners.cache.gcs]\n      CredentialsFile = "HERE/no.json"',
    'C06: CredentialsFile does not exist',
  ],
])('%s', async (_name, text, expected) => {
  const findings = await found(text);

  expect(findings[0]).toBe(expected);
});

const asUser = (name: string): Partial<LintContext> => ({
  process: { ...PROCESS, pid: process.pid, arguments: ['gitlab-runner', 'run', '--user', name] },
});

test.each([
  ['the user of the jobs may write', 'root', 'builds_dir = "HERE/certs"', undefined],
  [
    'another user may not write',
    'nobody',
    'builds_dir = "HERE/certs"',
    'X04: the builds directory of entry "a" is not writable for nobody',
  ],
  [
    'a user that does not exist',
    'no-such-user',
    'builds_dir = "HERE/certs"',
    'X04: the user of the jobs of entry "a" does not exist',
  ],
  [
    'a file for a folder',
    'root',
    'builds_dir = "HERE/plain.txt"',
    'X04: the builds directory of entry "a" is not a directory',
  ],
  [
    'no folder',
    'root',
    'builds_dir = "HERE/none"',
    'X04: the builds directory of entry "a" does not exist',
  ],
])('%s', async (_name, user, line, expected) => {
  const findings = await found(shell(line), asUser(user));

  expect(findings[0]).toBe(expected);
});

test('a CA file in the directory of another user', async () => {
  await mkdir(join(folder, '.gitlab-runner/certs'), { recursive: true });
  await writeFile(join(folder, '.gitlab-runner/certs/gitlab.example.com.crt'), root.pem);
  const text = '  url = "https://gitlab.example.com/"';
  const context = { process: { ...PROCESS, environment: { HOME: folder } } };

  expect(await found(text, context)).toEqual([
    'T05: a runner with uid 0 does not read HERE/.gitlab-runner/certs/gitlab.example.com.crt',
  ]);
  expect(await found(text, { ...context, process: { ...PROCESS, uid: 999 } })).toEqual([]);
});

test('a file below /proc that a container names is looked for in its root, and not in /proc of the host', async () => {
  const text = '  tls-ca-file = "/proc/version"';
  const missing = 'T01: tls-ca-file of entry "a" does not exist';
  const container = { ...HOST_PATHS, rootfs: folder, container: 'docker:a' };
  const withProc = { ...container, rootfs: '/proc/self/root' };

  expect(await found(text, {}, container)).toEqual([missing]);
  expect(await found(text, {}, withProc)).toEqual([]);
  expect(await found(text)).toEqual(['T01: tls-ca-file of entry "a" is not PEM']);
});
