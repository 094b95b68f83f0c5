/** --web.config.file over real TLS sockets: certificate, client certificates, logins, renewal, bad files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { hash } from 'bcryptjs';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createAuthority } from '../../src/demo/certificates.ts';
import type { IssuedCertificate } from '../../src/demo/certificates.ts';
import { Credentials } from '../../src/server/credentials.ts';
import { listenAll } from '../../src/server/listen.ts';
import { Protection } from '../../src/server/protection.ts';
import { readWebConfig } from '../../src/server/web-config.ts';
import { Secret } from '../../src/core/secret.ts';
import { sendRequest } from '../support/http-client.ts';
import { startProgram } from '../support/program.ts';

const PASSWORD = 'correct horse: battery';
const AUTHORITY = createAuthority({ commonName: 'Test Root' });
const OTHER = createAuthority({ commonName: 'Other Root' });
const SERVER = AUTHORITY.issue({ commonName: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
const CLIENT = AUTHORITY.issue({ commonName: 'prometheus', usage: 'client' });
const STRANGER = OTHER.issue({ commonName: 'stranger', usage: 'client' });

let folder: string;
let passwordHash: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-web-'));
  passwordHash = await hash(PASSWORD, 4);
  await writeFile(join(folder, 'server.crt'), SERVER.certificatePem);
  await writeFile(join(folder, 'server.key'), SERVER.privateKeyPem);
  await writeFile(join(folder, 'clients.pem'), AUTHORITY.certificatePem);
  await writeFile(join(folder, 'junk.pem'), 'junk glrt-secret');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const TLS = 'tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n';
const users = (): string => `basic_auth_users:\n  alice: ${passwordHash}\n`;
const basic = (login: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(login).toString('base64')}`,
});

let count = 0;
async function fileOf(text: string): Promise<string> {
  count += 1;
  const file = join(folder, `web-${count}.yml`);
  await writeFile(file, text);
  return file;
}

/** A server of one route behind a file with this text. */
async function serveProtected(text: string) {
  const file = await fileOf(text);
  const protection = new Protection(file);
  expect(await protection.refresh()).toEqual([]);
  const app = fastify();
  app.get('/', async () => 'hello');
  const listening = await listenAll(app, ['127.0.0.1:0'], protection);
  const [address = ''] = listening.addresses;
  return { address, file, protection, [Symbol.asyncDispose]: () => listening.close() };
}

const certificateOf = ({ certificatePem, privateKeyPem }: IssuedCertificate) => ({
  cert: certificatePem,
  key: privateKeyPem,
});

describe('TLS', () => {
  test('the certificate of the file is served, and the address says https', async () => {
    await using server = await serveProtected(TLS);

    expect(server.address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const reply = await sendRequest(server.address, { ca: AUTHORITY.certificatePem });
    expect([reply.status, reply.text]).toEqual([200, 'hello']);
    await expect(sendRequest(server.address, { ca: OTHER.certificatePem })).rejects.toThrow(
      'unable to verify',
    );
  });

  test('plain HTTP on the port is not served', async () => {
    await using server = await serveProtected(TLS);

    await expect(sendRequest(server.address.replace('https:', 'http:'))).rejects.toThrow(
      /hang up|ECONNRESET/,
    );
  });

  test('nothing older than TLS 1.2 is spoken, and min_version raises that', async () => {
    await using usual = await serveProtected(TLS);
    await using strict = await serveProtected(`${TLS}  min_version: TLS13\n`);
    const question = { ca: AUTHORITY.certificatePem, maxVersion: 'TLSv1.2' } as const;

    expect((await sendRequest(usual.address, question)).status).toBe(200);
    await expect(sendRequest(strict.address, question)).rejects.toThrow(/protocol version/);
  });

  const asks = `${TLS}  client_ca_file: clients.pem\n  client_auth_type: `;
  test.each([
    ['RequireAndVerifyClientCert', { none: false, known: true, stranger: false }],
    ['VerifyClientCertIfGiven', { none: true, known: true, stranger: false }],
    ['RequireAnyClientCert', { none: false, known: true, stranger: true }],
    ['RequestClientCert', { none: true, known: true, stranger: true }],
  ])('%s lets in whom it says', async (kind, expected) => {
    await using server = await serveProtected(`${asks}${kind}\n`);
    const isIn = async (own: object): Promise<boolean> =>
      await sendRequest(server.address, { ca: AUTHORITY.certificatePem, ...own }).then(
        ({ status }) => status === 200,
        () => false,
      );

    expect({
      none: await isIn({}),
      known: await isIn(certificateOf(CLIENT)),
      stranger: await isIn(certificateOf(STRANGER)),
    }).toEqual(expected);
  });

  test('a renewed certificate is served without a restart', async () => {
    const renewed = OTHER.issue({ commonName: 'localhost', ip: ['127.0.0.1'] });
    await writeFile(join(folder, 'renewed.crt'), SERVER.certificatePem);
    await writeFile(join(folder, 'renewed.key'), SERVER.privateKeyPem);
    await using server = await serveProtected(TLS.replaceAll('server.', 'renewed.'));

    await writeFile(join(folder, 'renewed.crt'), renewed.certificatePem);
    const half = await server.protection.refresh();
    expect((await sendRequest(server.address, { ca: AUTHORITY.certificatePem })).status).toBe(200);
    await writeFile(join(folder, 'renewed.key'), renewed.privateKeyPem);
    const whole = await server.protection.refresh();

    expect(half).toEqual([
      `${server.file}: cert_file and key_file are not a PEM certificate and its private key`,
    ]);
    expect(whole).toEqual([]);
    expect((await sendRequest(server.address, { ca: OTHER.certificatePem })).status).toBe(200);
  });

  test('switching TLS off needs a restart, and until then it stays', async () => {
    await using server = await serveProtected(TLS);
    await writeFile(server.file, '');

    expect(await server.protection.refresh()).toEqual([
      `${server.file}: restart runnerwatch to switch TLS on or off or to change client_auth_type`,
    ]);
    expect((await sendRequest(server.address, { ca: AUTHORITY.certificatePem })).status).toBe(200);
  });
});

const judgeLogin = async (login?: string) =>
  await new Credentials().judge(
    new Map([['alice', new Secret(passwordHash)]]),
    login === undefined ? undefined : basic(login)['Authorization'],
  );

describe('logins', () => {
  test('only the right name with the right password is welcome', async () => {
    expect(await judgeLogin(`alice:${PASSWORD}`)).toBe('allowed');
    expect(await judgeLogin('alice:wrong')).toBe('unknown');
    expect(await judgeLogin(`bob:${PASSWORD}`)).toBe('unknown');
    expect(await judgeLogin('alice')).toBe('unknown');
    expect(await judgeLogin()).toBe('unknown');
    expect(await new Credentials().judge(new Map(), undefined)).toBe('allowed');
  });

  test('a header that is no login is not known', async () => {
    for (const header of ['Bearer abc', 'Basic', 'Basic !!!', '']) {
      const known = new Map([['alice', new Secret(passwordHash)]]);
      expect(await new Credentials().judge(known, header)).toBe('unknown');
    }
  });

  test('a password that was accepted ends with its hash', async () => {
    const credentials = new Credentials();
    const { Authorization } = basic(`alice:${PASSWORD}`);
    const login = (text: string) =>
      credentials.judge(new Map([['alice', new Secret(text)]]), Authorization);

    expect(await login(passwordHash)).toBe('allowed');
    expect(await login(await hash('another', 4))).toBe('unknown');
  });

  test('a flood of guesses is turned away, and leaves the known ones alone', async () => {
    const credentials = new Credentials();
    const known = new Map([['alice', new Secret(passwordHash)]]);
    const right = basic(`alice:${PASSWORD}`)['Authorization'];
    expect(await credentials.judge(known, right)).toBe('allowed');

    const guesses = Array.from({ length: 40 }, (_, guess) =>
      credentials.judge(known, basic(`alice:${guess}`)['Authorization']),
    );
    expect(await credentials.judge(known, right)).toBe('allowed');
    const judgements = await Promise.all(guesses);

    expect(judgements.filter((one) => one === 'unknown')).toHaveLength(16);
    expect(judgements.filter((one) => one === 'busy')).toHaveLength(24);
  });
});

describe('the whole program', () => {
  test('asks for TLS and a login on every page, keeps to them at reload, and logs no hash', async () => {
    const file = await fileOf(`${TLS}${users()}`);
    await using program = startProgram([
      'serve',
      `--web.config.file=${file}`,
      '--web.listen-address=127.0.0.1:0',
      '--web.enable-lifecycle',
      '--runner.config=/nowhere/config.toml',
      `--state.directory=${folder}/state`,
      '--log.level=debug',
    ]);
    const [, address = ''] = await program.until(/(https:\/\/127\.0\.0\.1:\d+)/);
    const ca = AUTHORITY.certificatePem;
    const login = basic(`alice:${PASSWORD}`);

    for (const path of ['/', '/metrics', '/health', '/-/healthy', '/-/ready', '/nothing']) {
      const { status, headers, text } = await sendRequest(`${address}${path}`, { ca });
      expect([path, status, headers['www-authenticate']]).toEqual([
        path,
        401,
        'Basic realm="runnerwatch", charset="UTF-8"',
      ]);
      expect(JSON.parse(text)).toEqual({ error: 'user name and password required' });
    }
    expect((await sendRequest(`${address}/-/healthy`, { ca, headers: login })).status).toBe(200);

    await writeFile(file, `${TLS}basic_auth_users:\n  alice: nonsense-hash\n`);
    const bad = await sendRequest(`${address}/-/reload`, { ca, headers: login, method: 'POST' });
    expect([bad.status, JSON.parse(bad.text)]).toEqual([
      500,
      {
        error: 'the settings were not reloaded; the old settings stay in use',
        problems: [
          `${file}: the value of "alice" in basic_auth_users is not a bcrypt hash; make one with \`htpasswd -nB\``,
        ],
      },
    ]);
    expect((await sendRequest(`${address}/-/healthy`, { ca })).status).toBe(401);

    program.kill('SIGTERM');
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('nonsense-hash');
    expect(stdout + stderr).not.toContain(passwordHash);
  });
});

describe('a file that cannot be used: one sentence with file and key, and no content', () => {
  test.each([
    [
      'basic_auth_users: {alice: 5}',
      'the value of "alice" in basic_auth_users is not a bcrypt hash; make one with `htpasswd -nB`',
    ],
    ['basic_auth_users: [alice]', 'basic_auth_users must be a table of names and bcrypt hashes'],
    ['tls_server_config: yes', 'tls_server_config must be a table of keys'],
    ['- a', 'must be a table of keys; expected tls_server_config or basic_auth_users'],
    [
      'basic_auth_user: {}',
      'the key "basic_auth_user" at the top is not supported; did you mean basic_auth_users?',
    ],
    [
      '$2y$10$secret: {}',
      'the key "…" at the top is not supported; known: tls_server_config, http_server_config, basic_auth_users',
    ],
    [
      'tls_server_config: {cert_file: server.crt}',
      'tls_server_config needs key_file, the path of a PEM file',
    ],
    [
      `${TLS}  client_auth_type: Maybe`,
      'client_auth_type is not one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert',
    ],
    [
      `${TLS}  client_auth_type: RequireAndVerifyClientCert`,
      'client_auth_type RequireAndVerifyClientCert needs client_ca_file',
    ],
    [
      `${TLS}  client_ca_file: clients.pem`,
      'client_ca_file has no effect without client_auth_type',
    ],
    [
      `${TLS}  client_ca_file: junk.pem\n  client_auth_type: RequestClientCert`,
      'client_ca_file has no PEM certificate',
    ],
    [`${TLS}  min_version: TLS13\n  max_version: TLS12`, 'min_version is above max_version'],
    [`${TLS}  min_version: TLS10`, 'min_version is not one of TLS12, TLS13'],
    [
      `${TLS}  cipher_suites: [a]`,
      'the key "cipher_suites" in tls_server_config is not supported; known: cert_file, key_file, client_ca_file, client_auth_type, min_version, max_version, prefer_server_cipher_suites',
    ],
    [
      TLS.replace('server.key', 'junk.pem'),
      'cert_file and key_file are not a PEM certificate and its private key',
    ],
    [
      'http_server_config: {headers: {}}',
      'the key "headers" in http_server_config is not supported; known: http2',
    ],
  ])('%s', async (text, problem) => {
    const file = await fileOf(text);

    expect(await readWebConfig(file)).toEqual({ problems: [`${file}: ${problem}`] });
  });

  test('broken YAML is named by its line and not repeated', async () => {
    const file = await fileOf('basic_auth_users:\n  alice: "secret\n');
    const { problems } = await readWebConfig(file);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/web-\d+\.yml:\d+: invalid YAML; check this line$/);
  });

  test('a file that is not there', async () => {
    expect(await readWebConfig('/nowhere/web.yml')).toEqual({
      problems: ['/nowhere/web.yml: cannot be read (ENOENT); check the path and its permissions'],
    });
  });

  test('a certificate that is not there', async () => {
    const file = await fileOf(TLS.replace('server.crt', 'none.crt'));

    expect((await readWebConfig(file)).problems).toEqual([
      `${file}: cert_file: ${folder}/none.crt cannot be read (ENOENT)`,
    ]);
  });

  test('every problem is reported at once', async () => {
    const file = await fileOf('basic_auth_users: {a: 1, b: 2}\ntls_server_config: {}\n');

    expect((await readWebConfig(file)).problems).toHaveLength(4);
  });

  test('a file of the whole supported format is accepted', async () => {
    const file = await fileOf(
      `${TLS}  client_ca_file: ${folder}/clients.pem\n  client_auth_type: VerifyClientCertIfGiven\n  min_version: TLS12\n  max_version: TLS13\n  prefer_server_cipher_suites: true\nhttp_server_config:\n  http2: false\n${users()}`,
    );

    expect((await readWebConfig(file)).problems).toEqual([]);
  });
});
