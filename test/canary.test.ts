/**
 * No secret leaves the program: known ones are put everywhere where secrets live, then every byte of its
 * output, its pages and its files is searched, while as many errors as possible are made.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createAuthority } from '../src/demo/certificates.ts';
import { selfSigned } from './support/self-signed.ts';
import type { GitLabStandIn } from '../src/demo/gitlab-stand-in.ts';
import { startGitLabStandIn } from '../src/demo/gitlab-stand-in.ts';
import type { NarrowProc } from '../src/demo/narrow-proc.ts';
import { narrowProc } from '../src/demo/narrow-proc.ts';
import { filesBelow, leaksIn } from './support/canary.ts';
import { sendRequest } from './support/http-client.ts';
import type { NamedProcess } from './support/named-process.ts';
import { startNamedProcess } from './support/named-process.ts';
import type { CommandChains } from './support/command-chain.ts';
import { startChains } from './support/command-chain.ts';
import { runProgram, startProgram } from './support/program.ts';
import { startSquid } from './support/squid.ts';
import { until } from './support/until.ts';

const HOST = 'gitlab.canary.test';
const AUTHORITY = createAuthority({ commonName: 'Canary Root' });
const CLIENT = AUTHORITY.issue({ commonName: 'runner', usage: 'client' });
const bodyOf = (pem: string): string => pem.split('\n')[8] ?? '';

/** The first nine characters after the prefix may be seen: they are the runner's own short token. */
const TOKENS = {
  one: 'glrt-Canary0ne-s3cr3tTokenA1',
  two: 'glrt-t3_Canary2wo+s3cr3t/TokenB',
  three: 'GR1348941Canary-registrationT',
  fromVariable: 'glrt-CanaryVar-s3cr3tTokenV4',
} as const;
const SECRETS = {
  'token one': TOKENS.one.slice(14),
  'token two': TOKENS.two.slice(17),
  'token three': TOKENS.three.slice(18),
  'token of a variable': TOKENS.fromVariable.slice(14),
  'proxy password': 'pr0xy:p@ss/canary',
  'proxy password, as it is typed': 'pr0xy%3Ap%40ss%2Fcanary',
  'user of the proxy with a password': 'Canary-proxy-us3r',
  'key of the client': bodyOf(CLIENT.privateKeyPem),
  'key of the authority': bodyOf(AUTHORITY.privateKeyPem),
  'access token': 'glpat-C4naryPersonalAcce55',
  'cache key': 'C4nary/S3/SecretKey+zz',
  'password of a URL': 'Canary-url-pa55word',
  'variable of the process': 'Canary-unrelated-s3cr3t',
} as const;

let root: string;
let proc: NarrowProc;
let gitlab: GitLabStandIn;
let runner: NamedProcess | undefined;
let chains: CommandChains;
const outputs = new Map<string, string | Buffer>();

const CONFIG = `/etc/runner-${process.pid}/config.toml`;
const inRoot = (path: string): string => join(root, path);

beforeAll(async () => {
  chains = startChains();
  root = await mkdtemp(join(tmpdir(), 'runnerwatch-canary-'));
  proc = await narrowProc(join(root, 'proc'));
  gitlab = await startGitLabStandIn({
    tls: AUTHORITY.issue({ commonName: HOST, dns: [HOST] }),
    profile: 'gl18',
  });
  for (const folder of ['etc/ssl/certs', 'tmp', `etc/runner-${process.pid}`]) {
    await mkdir(inRoot(folder), { recursive: true });
  }
  await writeFile(inRoot('etc/hosts'), `127.0.0.1 localhost ${HOST}\n`);
  await writeFile(inRoot('etc/resolv.conf'), 'nameserver 127.0.0.9\n');
  // A key in the CA file is a mistake that people make.
  await writeFile(inRoot('etc/ca.pem'), AUTHORITY.certificatePem + AUTHORITY.privateKeyPem);
  await writeFile(inRoot('etc/client.pem'), CLIENT.certificatePem);
  await writeFile(inRoot('etc/client.key'), CLIENT.privateKeyPem);
  await writeFile(inRoot(`etc/runner-${process.pid}/.runner_system_id`), 's_0123456789ab');
});
afterAll(async () => {
  await chains[Symbol.asyncDispose]();
  await runner?.[Symbol.asyncDispose]();
  await gitlab[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

function entry(token: string, more = ''): string {
  return `[[runners]]
  name = "canary"
  url = "https://${HOST}:${gitlab.port}/"
  token = "${token}"
  tls-ca-file = "/etc/ca.pem"
  tls-cert-file = "/etc/client.pem"
  tls-key-file = "/etc/client.key"
  executor = "shell"
  environment = ["DEPLOY=${SECRETS['access token']}"]
  ${more}
  [runners.cache.s3]
    AccessKey = "canary"
    SecretKey = "${SECRETS['cache key']}"
`;
}

const whole = (): string =>
  [TOKENS.one, TOKENS.two, TOKENS.three, '$CANARY_TOKEN'].map((token) => entry(token)).join('\n');

/** A runner process with secrets in its environment. */
async function restartRunner(environment: Readonly<Record<string, string>> = {}): Promise<void> {
  await runner?.[Symbol.asyncDispose]();
  runner = await startNamedProcess(['gitlab-runner', 'run', '--config', CONFIG], {
    PATH: process.env['PATH'] ?? '',
    HOME: '/root',
    CANARY_TOKEN: TOKENS.fromVariable,
    UNRELATED: SECRETS['variable of the process'],
    ...environment,
  });
  await proc.show(runner.pid);
}

const stateOf = (name: string): string => inRoot(`state-${name}`);

const flags = (name: string): readonly string[] => [
  `--path.rootfs=${root}`,
  `--path.procfs=${proc.path}`,
  `--runner.config=${CONFIG}`,
  '--log.level=debug',
  `--state.directory=${stateOf(name)}`,
];

const PAGES = [
  '/',
  '/page.js',
  '/metrics',
  '/health',
  '/health?format=text',
  '/health/canary',
  '/api/v1/report',
  '/api/v1/incidents',
  '/-/healthy',
  '/-/ready',
  '/-/runner',
  '/nothing',
];

const FORMATS: readonly (readonly string[])[] = [[], ['--format=json']];

const keep = (scene: string, what: string, bytes: string | Buffer): void =>
  void outputs.set(`${scene}: ${what}`, bytes);

const lints = (): readonly (readonly string[])[] =>
  ['text', 'json', 'codequality'].map((format) => ['lint', inRoot(CONFIG), '--format', format]);

/** Runs every command that ends, keeps each byte under the name of the scene. */
async function runCommands(scene: string): Promise<void> {
  const nagios = [`--runner=${TOKENS.two}`, '--format=nagios'];
  const round = { check: ['check', ...flags(scene)], prints: [...FORMATS, nagios] };
  const printed = await chains.run([round, ...lints(), ['explain', TOKENS.one]]);
  for (const [index, text] of printed.entries()) keep(scene, `command ${index}`, text);
}

/** Runs everything that prints, the daemon beside the commands: both wait most of their time. */
async function perform(scene: string): Promise<void> {
  await Promise.all([runCommands(scene), runDaemon(scene)]);
  for (const folder of [scene, served(scene)]) {
    const files = await filesBelow(stateOf(folder)).catch(() => new Map<string, Buffer>());
    for (const [path, bytes] of files) keep(scene, path, bytes);
  }
}

/** The daemon has its state for itself. */
const served = (scene: string): string => `${scene}-served`;

/** Serves until its first round is complete, keeps what it shows, and lets it reload and end. */
async function runDaemon(scene: string): Promise<void> {
  await using program = startProgram([
    'serve',
    ...flags(served(scene)),
    '--web.listen-address=127.0.0.1:0',
  ]);
  const [, address = ''] = await program.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  await until(async () => (await sendRequest(`${address}/-/ready`)).status === 200);
  for (const page of PAGES) {
    const { headers, body } = await sendRequest(`${address}${page}`);
    keep(scene, page, Buffer.concat([Buffer.from(JSON.stringify(headers)), body]));
  }
  const { incidents } = JSON.parse(
    (await sendRequest(`${address}/api/v1/incidents`)).body.toString(),
  ) as {
    incidents: readonly { id: string }[];
  };
  for (const { id } of incidents) {
    keep(scene, `incident ${id}`, (await sendRequest(`${address}/api/v1/incidents/${id}`)).body);
    const args = ['incident', id, `--state.directory=${stateOf(served(scene))}`];
    keep(scene, `incident ${id} as text`, (await runProgram(args)).stdout);
  }
  program.kill('SIGHUP');
  await program.until(/settings (?:not )?reloaded/);
  program.kill('SIGTERM');
  const { stdout, stderr } = await program.ended;
  keep(scene, 'serve', stdout + stderr);
}

/** What the scenes of this name show. */
function leaks(scene: string): readonly string[] {
  return [...outputs]
    .filter(([place]) => place.startsWith(`${scene}: `))
    .flatMap(([place, bytes]) => leaksIn(bytes, SECRETS).map((what) => `${place} shows ${what}`));
}

/** A scene that showed less is no proof. */
const LEAST_PLACES = 16;

/** Performs a scene and says what it showed; a scene that showed too little to be a proof says so. */
async function leaksOf(scene: string): Promise<readonly string[]> {
  await perform(scene);
  const places = [...outputs.keys()].filter((key) => key.startsWith(`${scene}: `));
  return places.length >= LEAST_PLACES
    ? leaks(scene)
    : [`only ${places.length} places were searched`];
}

describe('no secret is seen', () => {
  test('when GitLab knows the tokens and its answers hold them', async () => {
    for (const token of Object.values(TOKENS)) gitlab.tokens.add(token);
    await writeFile(inRoot(CONFIG), whole());
    await restartRunner();

    expect(await leaksOf('accepted')).toEqual([]);
    expect(gitlab.requests.some(({ path }) => path === '/api/v4/runners/verify')).toBe(true);
  });

  test('when GitLab rejects the tokens', async () => {
    gitlab.tokens.clear();
    await restartRunner();

    expect(await leaksOf('rejected')).toEqual([]);
  });

  test('when a real proxy asks for a login, and when it refuses the one that it gets', async () => {
    await using squid = await startSquid({
      users: { other: 'login' },
      hosts: { [HOST]: '127.0.0.1' },
    });
    const user = encodeURIComponent(SECRETS['user of the proxy with a password']);
    const password = SECRETS['proxy password, as it is typed'];
    await restartRunner({ HTTPS_PROXY: `http://${user}:${password}@127.0.0.1:${squid.port}` });

    expect(await leaksOf('proxy')).toEqual([]);
    const output = String(outputs.get('proxy: /health?format=text'));
    expect(output).toMatch(/proxy-auth-re(?:quired|jected)/);
  });

  test.each([
    ['that is no URL', 'http://Canary-proxy-us3r:pr0xy%3Ap%40ss%2Fcanary@[::1'],
    [
      'with a scheme that Go does not know',
      'gopher://Canary-proxy-us3r:pr0xy%3Ap%40ss%2Fcanary@127.0.0.1:9',
    ],
  ])('when the proxy is set to a text %s', async (_what, HTTPS_PROXY) => {
    await restartRunner({ HTTPS_PROXY });

    expect(await leaksOf(`proxy ${HTTPS_PROXY.slice(0, 6)}`)).toEqual([]);
  });

  test('when the answer of something that is not GitLab repeats what it was sent', async () => {
    // A debugging proxy or an error page may echo request headers and bodies.
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const echo = JSON.stringify({ message: `${JSON.stringify(request.headers)} ${body}` });
        response.writeHead(400, { 'Content-Type': 'application/json', 'X-Echo': echo }).end(echo);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const plain = whole().replaceAll(`https://${HOST}:${gitlab.port}`, `http://${HOST}:${port}`);
    await writeFile(inRoot(CONFIG), plain);
    await restartRunner();

    expect(await leaksOf('echo')).toEqual([]);
    server.close();
    server.closeAllConnections();
  });

  test('when config.toml is wrong in many ways', async () => {
    const files: readonly (readonly [what: string, text: string])[] = [
      ['a broken line beside the token', whole().replace('executor', 'token = executor')],
      ['an open quote in the token', whole().replace(`${TOKENS.one}"`, TOKENS.one)],
      ['a token without quotes', whole().replace(`"${TOKENS.two}"`, TOKENS.two)],
      ['a token in place of a key', `${whole()}\n${TOKENS.one} = 1\n"${TOKENS.three}" = 2\n`],
      ['a token in place of a number', `concurrent = "${TOKENS.one}"\n${whole()}`],
      ['a token as the name of an executor', whole().replace('"shell"', `"${TOKENS.two}"`)],
      [
        'a password in the url',
        whole().replaceAll(
          `https://${HOST}`,
          `https://bot:${SECRETS['password of a URL']}@${HOST}`,
        ),
      ],
      [
        'a token in the query of the url',
        whole().replaceAll(
          `:${gitlab.port}/"`,
          `:${gitlab.port}/?private_token=${SECRETS['access token']}"`,
        ),
      ],
      [
        'a url that is a token',
        whole().replace(`"https://${HOST}:${gitlab.port}/"`, `"${TOKENS.one}"`),
      ],
      ['a broken escape in the cache key', whole().replace('SecretKey = "', 'SecretKey = "\\q')],
      ['a token cut by the end of the file', whole().slice(0, whole().indexOf(TOKENS.one) + 26)],
    ];
    await restartRunner();
    // The pages show what `check --format=json` shows, and are searched above with a file of every kind.
    const steps = files.flatMap(([what, text]) => [
      { path: inRoot(CONFIG), text },
      { check: ['check', ...flags(what)], prints: FORMATS },
      ...lints(),
    ]);
    const printed = await chains.run(steps);
    const perFile = 1 + FORMATS.length + lints().length;
    for (const [index, text] of printed.entries())
      keep(files[Math.floor(index / perFile)]?.[0] ?? 'errors', `step ${index}`, text);

    expect(printed).toHaveLength(perFile * files.length + 1);
    expect([...files.map(([what]) => what), 'errors'].flatMap((scene) => leaks(scene))).toEqual([]);
  });

  test('when certificate and key are exchanged, unreadable or foreign', async () => {
    const swapped = whole()
      .replaceAll('tls-cert-file = "/etc/client.pem"', 'tls-cert-file = "/etc/client.key"')
      .replaceAll('tls-ca-file = "/etc/ca.pem"', 'tls-ca-file = "/etc/client.key"');
    await writeFile(inRoot(CONFIG), swapped);
    gitlab.setCertificate(selfSigned({ commonName: HOST, dns: [HOST] }));
    await restartRunner();

    expect(await leaksOf('keys')).toEqual([]);
  });

  test('when own settings hold one', async () => {
    const settings = inRoot('settings.toml');
    const texts = [
      `"${TOKENS.one}" = 1\n`,
      `[log]\nlevel = "${TOKENS.two}"\n`,
      `[gitlab]\n${TOKENS.one} 5\n`,
      `[web]\nlisten_addresses = ["${TOKENS.one}"]\n`,
    ];
    const checked = ['check', '--config.check', `--config.file=${settings}`];
    const printed = await chains.run(texts.flatMap((text) => [{ path: settings, text }, checked]));
    for (const [index, text] of printed.entries()) keep('settings', `step ${index}`, text);

    expect(printed.at(-1)).toContain(`${settings}:1: `);
    expect(leaks('settings')).toEqual([]);
  });
});

test('the search itself finds each form', () => {
  const secrets = { one: 'C4nary/S3+zz' };
  const login = Buffer.from(`user:${secrets.one}`).toString('base64');

  expect(leaksIn(`x${secrets.one}y`, secrets)).toContain('one, plain');
  expect(leaksIn(encodeURIComponent(secrets.one), secrets)).toEqual(['one, URL-encoded']);
  expect(leaksIn(`Basic ${login}`, secrets)).toEqual([expect.stringMatching(/^one, base64/)]);
  expect(leaksIn(Buffer.from(secrets.one).toString('hex'), secrets)).toEqual(['one, hexadecimal']);
  expect(leaksIn('nothing', secrets)).toEqual([]);
});
