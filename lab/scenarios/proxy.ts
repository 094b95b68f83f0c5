/** Proxies, by Go's rules and the environment of the runner's process. */
import { createServer as createSecureServer } from 'node:https';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';

import { make } from '../../test/support/certificates.ts';
import { PROXY_ADDRESS } from '../network.ts';
import { usualScript } from '../peers/names.ts';
import { FROM_PRIVATE_ROOT, PRIVATE_ROOT, PUBLIC_ROOT, leafShape } from '../peers/pki.ts';
import type { ProxyReply } from '../peers/proxy.ts';
import { OPEN, PROXY_PORT, refusal, startProxy, startSquid } from '../peers/proxy.ts';
import { restartWith } from '../repairs.ts';
import { CANARY, usualEntry } from '../runner-config.ts';
import { printedFix } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const PROXY = `http://proxy.test:${PROXY_PORT}`;

const NO_TUNNEL = 'o/o/F/s/s/s/s';

const INTERCEPTED_PORT = 4443;

/** A runner with a proxy in its environment. */
function throughProxy(url: string, more: WorldOptions = {}): WorldOptions {
  return { environment: { HTTPS_PROXY: url, HTTP_PROXY: url }, ...more };
}

/** The row's proxy runs before everything else, and is restored when the row is over. */
function withProxy(says: ProxyReply = OPEN, more: WorldOptions = {}): WorldOptions {
  return throughProxy(PROXY, {
    before: async (world) => {
      await onlyByProxy(world);
      world.adopt(await startProxy(says));
    },
    ...more,
  });
}

/** What comes from the runner's host itself is dropped; the proxy's own connections stay. */
async function onlyByProxy({ network }: World): Promise<void> {
  await network.rule('gl', 'input', 'iifname v0 ip daddr 10.200.0.2 tcp dport { 80, 443 } drop');
}

/** As an intercepting proxy does: issues a certificate for any requested name. */
function issueLeaf(name: string, done: (error: null, context: SecureContext) => void): void {
  const leaf = make(leafShape({ name, dns: [name] }), PRIVATE_ROOT);
  done(null, createSecureContext({ cert: leaf.pem, key: leaf.keyPem }));
}

/** Replaces the healthy proxy by one with other answers. */
function proxyNow(says: ProxyReply) {
  return async (world: World): Promise<void> => {
    await world.release();
    world.adopt(await startProxy(says));
  };
}

/** The proxy runs and would open the tunnel; each row decides whether the runner uses it. */
function besideProxy(more: WorldOptions): WorldOptions {
  return { before: async (world) => world.adopt(await startProxy(OPEN)), ...more };
}

export const proxyRows: readonly Row[] = [
  {
    id: 'P-01',
    title: 'the direct path is blocked, apt has a proxy that works, and the runner has none',
    world: {
      before: async (world) => world.adopt(await startProxy(OPEN)),
      files: () => ({ '/etc/apt/apt.conf.d/90proxy': `Acquire::http::Proxy "${PROXY}/";\n` }),
    },
    inject: onlyByProxy,
    expect: {
      cause: 'proxy-required-not-set',
      severity: 'critical',
      chain: 'o/F/n/s/s/s/s',
      says: /proxy\.test/,
    },
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/HTTPS_PROXY=/),
  },
  {
    id: 'P-02',
    title: 'the direct path is blocked, and only config.toml names the proxy',
    world: {
      before: async (world) => world.adopt(await startProxy(OPEN)),
      entries: [usualEntry({ more: `  environment = ["HTTPS_PROXY=${PROXY}"]` })],
    },
    inject: onlyByProxy,
    expect: { cause: 'proxy-setting-not-applied', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/HTTPS_PROXY=/, { typed: `${PROXY}\n\n` }),
  },
  {
    id: 'P-03',
    title: 'nothing listens on the proxy’s port',
    world: withProxy(),
    inject: ({ release }) => release(),
    expect: { cause: 'proxy-unreachable', severity: 'critical', chain: 'o/F/Fs/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: dial tcp .*connection refused/,
    mustNot: ['tcp-connection-refused'],
  },
  {
    id: 'P-04',
    title: 'the proxy’s name does not exist',
    world: withProxy(),
    inject: ({ names }) =>
      names.answer((name, ...rest) =>
        name === 'proxy.test' ? 'nxdomain' : usualScript(name, ...rest),
      ),
    expect: { cause: 'proxy-name-not-found', severity: 'critical', chain: 'F/s/Fs/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: dial tcp: lookup proxy.test/,
    mustNot: ['dns-name-not-found'],
  },
  {
    id: 'P-05',
    title: 'a real squid wants credentials, and the runner has none',
    world: withProxy(),
    inject: async (world) => {
      await world.release();
      world.adopt(await startSquid({ users: { alice: 'secret' } }));
    },
    expect: { cause: 'proxy-auth-required', severity: 'critical', chain: NO_TUNNEL },
    runnerLogs: /Proxy Authentication Required/,
    mustNot: ['token-rejected'],
  },
  {
    id: 'P-06',
    title: 'a real squid refuses the password',
    world: {
      ...withProxy(),
      environment: { HTTPS_PROXY: `http://alice:${CANARY}@proxy.test:${PROXY_PORT}` },
    },
    inject: async (world) => {
      await world.release();
      world.adopt(await startSquid({ users: { alice: 'another' } }));
    },
    expect: { cause: 'proxy-auth-rejected', severity: 'critical', chain: NO_TUNNEL },
    runnerLogs: /Proxy Authentication Required/,
    mustNot: ['proxy-auth-required'],
  },
  {
    id: 'P-07',
    title: 'a real squid forbids CONNECT to the port',
    world: withProxy(),
    inject: async (world) => {
      await world.release();
      const lines = [
        'acl wanted port 8443',
        'acl tunnel method CONNECT',
        'http_access deny tunnel !wanted',
      ];
      world.adopt(await startSquid({ lines }));
    },
    expect: { cause: 'proxy-connect-denied', severity: 'critical', chain: NO_TUNNEL },
    runnerLogs: /: Forbidden/,
    mustNot: ['token-rejected', 'edge-waf-blocked'],
  },
  {
    id: 'P-08',
    title: 'a real squid cannot reach GitLab',
    world: withProxy(),
    inject: async (world) => {
      await world.release();
      world.adopt(await startSquid({}));
      await world.gitlab.stop();
    },
    expect: { cause: 'proxy-upstream-failed', severity: 'critical', chain: NO_TUNNEL },
    mustNot: ['gitlab-unavailable'],
  },
  {
    id: 'P-09',
    title: 'the proxy takes CONNECT and stays silent',
    world: withProxy(),
    inject: proxyNow(() => undefined),
    // First it is a warning: the runner waits a minute.
    expect: { cause: 'proxy-not-responding', severity: 'critical', chain: 'o/o/u/s/s/s/s' },
    runnerLogs: 'nothing',
    mustNot: ['gitlab-not-responding'],
  },
  {
    id: 'P-10',
    title: 'the proxy is a plain squid, and its URL begins with https',
    world: throughProxy(PROXY, {
      before: async (world) => {
        await onlyByProxy(world);
        world.adopt(await startSquid({}));
      },
    }),
    inject: ({ runner }) => runner.restart({ HTTPS_PROXY: `https://proxy.test:${PROXY_PORT}` }),
    expect: { cause: 'proxy-url-invalid', severity: 'critical', chain: NO_TUNNEL },
    runnerLogs: /first record does not look like a TLS handshake/,
    mustNot: ['tls-plaintext-server', 'tls-unknown-authority'],
    fix: { reported: /http:\/\//, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-10c',
    title: 'the proxy speaks no TLS and waits for a line, and its URL begins with https',
    world: withProxy(),
    inject: ({ runner }) => runner.restart({ HTTPS_PROXY: `https://proxy.test:${PROXY_PORT}` }),
    expect: {
      cause: 'proxy-url-invalid',
      severity: 'critical',
      chain: NO_TUNNEL,
      says: /speaks no TLS/,
    },
    runnerLogs: /proxyconnect tcp: net\/http: TLS handshake timeout/,
    mustNot: ['proxy-not-responding', 'tls-handshake-blocked'],
    fix: printedFix(/http:\/\/proxy\.test/),
  },
  {
    id: 'P-11b',
    title: 'an entry of NO_PROXY misses GitLab, whose certificate is not trusted yet either',
    world: {
      certificate: FROM_PRIVATE_ROOT,
      environment: { HTTPS_PROXY: PROXY, NO_PROXY: '.gitlab.test' },
      files: () => ({ '/etc/gitlab-runner/certs/gitlab.test.crt': PRIVATE_ROOT.pem }),
      before: async (world) => world.adopt(await startProxy(OPEN)),
    },
    inject: async (world) => {
      await world.files.write('/etc/gitlab-runner/certs/gitlab.test.crt', PUBLIC_ROOT.pem);
      await proxyNow(() => refusal('403 Forbidden'))(world);
    },
    expect: {
      cause: 'no-proxy-mismatch',
      severity: 'critical',
      chain: NO_TUNNEL,
      says: /starts with a dot matches only subdomains/,
    },
    mustNot: ['proxy-connect-denied'],
  },
  {
    id: 'P-11',
    title: 'the proxy refuses internal hosts, and direct would work',
    world: throughProxy(PROXY, { before: async (world) => world.adopt(await startProxy(OPEN)) }),
    inject: proxyNow(() => refusal('403 Forbidden')),
    expect: { cause: 'no-proxy-mismatch', severity: 'critical', chain: NO_TUNNEL },
    mustNot: ['proxy-connect-denied'],
    fix: printedFix(/NO_PROXY/),
  },
  {
    id: 'P-12',
    title: 'the proxy ends TLS with an authority of its own',
    world: withProxy(),
    inject: async (world) => {
      await world.release();
      const { listener } = world.gitlab.application;
      const server = createSecureServer({ SNICallback: issueLeaf }, listener);
      await world.listenAt(server, INTERCEPTED_PORT);
      world.adopt(await startProxy(() => INTERCEPTED_PORT));
    },
    expect: { cause: 'proxy-tls-interception', severity: 'critical', chain: 'o/o/o/F/s/s/s' },
    runnerLogs: /x509: certificate signed by unknown authority/,
    mustNot: ['tls-self-signed'],
  },
  {
    id: 'P-13',
    title: 'what was taken for a proxy is a web server: 405',
    world: withProxy(),
    inject: proxyNow(() => refusal('405 Not Allowed', 'Server: nginx\r\n')),
    expect: { cause: 'proxy-connect-denied', severity: 'critical', chain: NO_TUNNEL },
    mustNot: ['url-path-wrong'],
  },
  {
    id: 'P-21',
    title: 'url is http, HTTP_PROXY is dead and HTTPS_PROXY good',
    world: {
      ...withProxy(),
      entries: [usualEntry({ url: 'http://gitlab.test/' })],
    },
    inject: ({ runner }) =>
      runner.restart({ HTTP_PROXY: `http://${PROXY_ADDRESS}:3999`, HTTPS_PROXY: PROXY }),
    expect: { cause: 'proxy-unreachable', severity: 'critical', chain: 'on/F/Fs/n/s/s/s' },
    mustNot: [],
    fix: { reported: /HTTP_PROXY/, apply: restartWith({ HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-25',
    title: 'url is http, and REQUEST_METHOD is set, so that Go refuses HTTP_PROXY',
    world: { ...withProxy(), entries: [usualEntry({ url: 'http://gitlab.test/' })] },
    inject: ({ runner }) => runner.restart({ HTTP_PROXY: PROXY, REQUEST_METHOD: 'GET' }),
    expect: { cause: 'proxy-refused-by-go', severity: 'critical', chain: 'o/F/Fs/n/s/s/s' },
    runnerLogs: /refusing to use HTTP_PROXY value in CGI environment/,
    mustNot: ['tcp-connect-timeout', 'proxy-url-invalid'],
    fix: printedFix(/REQUEST_METHOD/),
  },
  {
    id: 'P-26',
    title: 'the proxy is given as an address that Go does not read as one',
    world: withProxy(),
    inject: ({ runner }) => runner.restart({ HTTPS_PROXY: `http://010.200.0.4:${PROXY_PORT}` }),
    expect: { cause: 'proxy-url-invalid', severity: 'critical', chain: 'F/s/Fs/s/s/s/s' },
    runnerLogs: /lookup 010\.200\.0\.4.*no such host/,
    mustNot: ['proxy-name-not-found', 'dns-name-not-found'],
    fix: printedFix(/HTTPS_PROXY/),
  },
  {
    id: 'P-26b',
    title: 'the proxy is written without the slashes behind its scheme',
    world: withProxy(),
    inject: ({ runner }) => runner.restart({ HTTPS_PROXY: `http:proxy.test:${PROXY_PORT}` }),
    expect: { cause: 'proxy-url-invalid', severity: 'critical' },
    mustNot: ['proxy-name-not-found', 'proxy-unreachable'],
    fix: printedFix(/HTTPS_PROXY/),
  },
  {
    id: 'P-22',
    title: 'the proxy answers 407 to every third connection',
    world: {
      ...withProxy(),
      environment: { HTTPS_PROXY: `http://alice:${CANARY}@proxy.test:${PROXY_PORT}` },
    },
    inject: proxyNow(({ nth, ...asked }) =>
      nth % 3 === 0
        ? refusal('407 Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="lab"\r\n')
        : OPEN({ nth, ...asked }),
    ),
    expect: { cause: ['proxy-auth-rejected', 'proxy-auth-required'] },
    mustNot: ['gitlab-bad-gateway'],
    isIntermittent: true,
  },
  {
    id: 'P-02b',
    title: 'the direct path is blocked, and the runner has a proxy only for http://',
    world: besideProxy({ environment: { http_proxy: PROXY } }),
    inject: onlyByProxy,
    expect: { cause: 'proxy-setting-not-applied', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
    mustNot: ['tcp-connect-timeout'],
    fix: { reported: /HTTPS_PROXY/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-01b',
    title: 'the direct path is blocked, and NO_PROXY exempts the runner from its proxy',
    world: besideProxy({ environment: { HTTPS_PROXY: PROXY, NO_PROXY: 'localhost,.test' } }),
    inject: onlyByProxy,
    expect: {
      cause: 'proxy-required-not-set',
      severity: 'critical',
      chain: 'o/F/n/s/s/s/s',
      says: /NO_PROXY exempts/,
    },
    mustNot: ['tcp-connect-timeout', 'proxy-setting-not-applied'],
    fix: printedFix(/NO_PROXY/, { typed: 'localhost\n' }),
  },
  {
    id: 'P-04b',
    title: 'no name server answers, and the proxy has a name',
    world: besideProxy({ environment: { HTTPS_PROXY: PROXY } }),
    inject: ({ network }) =>
      network.rule('gl', 'input', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'dns-timeout', severity: 'critical', chain: 'F/s/Fs/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: dial tcp: lookup proxy\.test on .*i\/o timeout/,
    mustNot: ['proxy-name-not-found', 'proxy-unreachable'],
  },
  {
    id: 'P-10b',
    title: 'the password holds a # that is not percent-encoded',
    world: besideProxy({ environment: { HTTPS_PROXY: PROXY } }),
    inject: ({ runner }) =>
      runner.restart({ HTTPS_PROXY: `http://alice:${CANARY}#1@proxy.test:${PROXY_PORT}` }),
    expect: { cause: 'proxy-url-invalid', severity: 'critical', chain: 'F/s/Fs/s/s/s/s' },
    runnerLogs: /lookup http on/,
    mustNot: ['proxy-name-not-found', 'dns-name-not-found'],
    fix: { reported: /%23/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
];
