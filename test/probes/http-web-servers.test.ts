/** The http and api links against a real nginx, a real HAProxy and a real squid before a GitLab or nothing. */
import { once } from 'node:events';
import { connect as secure } from 'node:tls';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Walk } from '../../src/core/probe.ts';
import { Secret } from '../../src/core/secret.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { selfSigned } from '../support/self-signed.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { api } from '../../src/probes/api.ts';
import { http } from '../../src/probes/http.ts';
import { proxyAt } from '../support/connect-proxy.ts';
import { endpointAt, walkTo } from '../support/http-server.ts';
import { runProbe } from '../support/run-probe.ts';
import { startSquid } from '../support/squid.ts';
import { closedPort } from '../support/tcp-server.ts';
import { startHaproxy, startNginx } from '../support/web-servers.ts';

function nameOf(finding: Finding): string {
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

/** What both links say; the second asks on the connection of the first. */
async function chainAt(port: number, target: EndpointTarget = endpointAt(port)) {
  await using path = await walkTo(port);
  const tools = { walk: path.walk };
  const first = await runProbe(http, target, { tools });
  const second = await runProbe(api, target, { tools });
  return { chain: [nameOf(first), nameOf(second)], first, second };
}

describe('nginx', () => {
  test.each<[string, string, readonly [string, string]]>([
    ['its welcome page', '', ['pass', 'fail not-gitlab']],
    [
      'a redirect to https',
      'return 301 https://gitlab.test$request_uri;',
      ['warn redirected', 'fail redirected'],
    ],
    [
      'a redirect that keeps the POST',
      'return 308 https://gitlab.test$request_uri;',
      ['pass', 'unknown moved'],
    ],
    ['everything forbidden', 'deny all;', ['fail forbidden', 'fail forbidden']],
    [
      'plain text for every user',
      'default_type text/plain; return 403 "Forbidden";',
      ['fail banned', 'fail forbidden'],
    ],
    ['a connection that is closed', 'return 444;', ['fail closed', 'fail closed']],
    [
      'Basic before all',
      'auth_basic x; auth_basic_user_file FOLDER/none;',
      ['warn login-gateway', 'fail login-gateway'],
    ],
    ['a page for maintenance', 'return 503;', ['fail unavailable', 'fail unavailable']],
  ])('%s', async (_what, directives, chain) => {
    await using nginx = await startNginx(directives);
    expect((await chainAt(nginx.port)).chain).toEqual(chain);
  });

  test('a GitLab that is gone', async () => {
    const gone = await closedPort();
    await using nginx = await startNginx(`location / { proxy_pass http://127.0.0.1:${gone}; }`);
    const { chain, first } = await chainAt(nginx.port);
    expect(chain).toEqual(['fail bad-gateway', 'fail bad-gateway']);
    expect(first.facts).toMatchObject({ who: 'other', server: expect.stringMatching(/^nginx\//) });
  });

  test('a GitLab whose health page nginx closes to other addresses is a healthy GitLab', async () => {
    await using gitlab = await startGitLabStandIn();
    await using nginx = await startNginx(
      `location /-/ { deny all; } location / { proxy_pass http://127.0.0.1:${gitlab.port}; }`,
    );
    expect((await chainAt(nginx.port)).chain).toEqual(['pass', 'pass']);
  });

  test('a login before the pages alone leaves the API open', async () => {
    await using gitlab = await startGitLabStandIn();
    await using nginx = await startNginx(
      `location /api/ { proxy_pass http://127.0.0.1:${gitlab.port}; } location / { return 302 https://sso.test/login; }`,
    );
    expect((await chainAt(nginx.port)).chain).toEqual(['warn login-gateway', 'pass']);
  });

  test('a rule for one path only is found by the api link', async () => {
    await using gitlab = await startGitLabStandIn();
    await using nginx = await startNginx(
      `location /api/ { deny all; } location / { proxy_pass http://127.0.0.1:${gitlab.port}; }`,
    );
    expect((await chainAt(nginx.port)).chain).toEqual(['pass', 'fail forbidden']);
  });

  test('a client certificate that it wants and does not get', async () => {
    const issued = selfSigned({ commonName: 'gitlab.test' });
    await using nginx = await startNginx(
      'ssl_verify_client on; ssl_client_certificate FOLDER/tls.pem;',
      issued,
    );
    const socket = secure({ host: '127.0.0.1', port: nginx.port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const walk: Walk = { socket, open: () => Promise.reject(new Error('once only')) };
    const finding = await runProbe(http, endpointAt(nginx.port), { tools: { walk } });
    socket.destroy();
    expect(nameOf(finding)).toBe('fail client-certificate-required');
  });

  test('clear text to its port for HTTPS is no GitLab', async () => {
    await using nginx = await startNginx('', selfSigned({ commonName: 'gitlab.test' }));
    expect((await chainAt(nginx.port)).chain).toEqual(['pass', 'fail not-gitlab']);
  });
});

describe('HAProxy', () => {
  test('no server for the request, recognised by its page', async () => {
    await using haproxy = await startHaproxy();
    const { chain, first } = await chainAt(haproxy.port);
    expect(chain).toEqual(['fail unavailable', 'fail unavailable']);
    expect(first.facts).toMatchObject({ who: 'other', server: 'HAProxy', status: 503 });
  });

  test.each<[string, readonly [string, string]]>([
    ['http-request deny deny_status 429', ['fail too-many-requests', 'warn too-many-requests']],
    ['http-request deny', ['fail forbidden', 'fail forbidden']],
    ['http-request redirect scheme https', ['warn redirected', 'fail redirected']],
  ])('%s', async (directive, chain) => {
    await using haproxy = await startHaproxy(directive);
    expect((await chainAt(haproxy.port)).chain).toEqual(chain);
  });

  test('a GitLab behind it passes with its own headers', async () => {
    await using gitlab = await startGitLabStandIn();
    await using haproxy = await startHaproxy(`server one 127.0.0.1:${gitlab.port}`);
    expect((await chainAt(haproxy.port)).chain).toEqual(['pass', 'pass']);
  });
});

describe('squid before an http:// address', () => {
  test.each<[string, string, { readonly user: string; readonly password: Secret } | undefined]>([
    ['fail proxy-auth-required', 'no name', undefined],
    [
      'fail proxy-auth-rejected',
      'a wrong password',
      { user: 'alice', password: new Secret('wrong') },
    ],
    ['pass', 'the right one', { user: 'alice', password: new Secret('wonder') }],
  ])('%s: %s', async (expected, _what, credentials) => {
    await using gitlab = await startGitLabStandIn();
    await using squid = await startSquid({ users: { alice: 'wonder' } });
    const proxy = proxyAt(squid.port, credentials === undefined ? {} : { credentials });
    const { chain } = await chainAt(squid.port, { ...endpointAt(gitlab.port), proxy });
    expect(chain[0]).toBe(expected);
  });

  test('a GitLab that squid cannot reach', async () => {
    await using squid = await startSquid();
    const target = { ...endpointAt(await closedPort()), proxy: proxyAt(squid.port) };
    const { chain, first } = await chainAt(squid.port, target);
    expect(chain[0]).toBe('fail proxy-upstream-failed');
    expect(first.facts).toMatchObject({ who: 'edge', server: 'squid' });
  });
});
