/**
 * One poll for jobs over the runner's own path: proxy, name, connection, tunnel, handshake, request. Errors have Go's
 * texts.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import { systemClock } from '../../src/core/clock.ts';
import type { ExchangeFault } from '../../src/core/exchange-error.ts';
import { ExchangeError } from '../../src/core/exchange-error.ts';
import type { HttpUrl } from '../../src/core/http-url.ts';
import { portOf } from '../../src/core/http-url.ts';
import type { Paths } from '../../src/core/paths.ts';
import type { ProxyDecision, TrustSource } from '../../src/core/target.ts';
import type { GoSettings } from '../../src/go/settings.ts';
import { goSettingsOf } from '../../src/go/settings.ts';
import { createSender } from '../../src/go/http/sender.ts';
import { dialLikeGo } from '../../src/go/dial/dial.ts';
import type { Handshake } from '../../src/go/tls/handshake.ts';
import { handshakeLikeGo } from '../../src/go/tls/handshake.ts';
import { decideProxy } from '../../src/go/proxy/decision.ts';
import type { Resolution } from '../../src/core/lookup.ts';
import { resolveLikeGo } from '../../src/go/dns/resolver.ts';
import type { Trust, TrustReader } from '../../src/go/tls/trust.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import { basicOf, openTunnel } from '../../src/go/proxy/tunnel.ts';
import { MAX_POLL_MILLISECONDS } from './runner-options.ts';

const DIAL_SECONDS = 5;
/** Half of Go's, as everything here is faster. */
const HANDSHAKE_MILLISECONDS = 10_000;
const USER_AGENT = 'gitlab-runner 19.4.0 (19-4-stable; go1.26.5; linux/amd64)';
const store = new TrustStore();

export interface PollResult {
  readonly status: number;
  readonly phrase: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PollRequest {
  readonly url: HttpUrl;
  readonly token: string;
  readonly caFile: string | undefined;
  readonly paths: Paths;
  readonly systemId: string;
}

/** The answer; an error's message is the one that Go would give. */
export async function pollForJob(order: PollRequest): Promise<PollResult> {
  const signal = AbortSignal.timeout(MAX_POLL_MILLISECONDS);
  const proxy = decideProxy(order.url, process.env as Record<string, string>);
  if (proxy.kind === 'direct' && proxy.refused !== undefined) {
    const said =
      'refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy';
    throw new Error(said);
  }
  const socket = await openConnection(order, proxy, signal);
  try {
    const last =
      order.url.protocol === 'https:' ? await secureConnection(socket, order, signal) : socket;
    return await sendPoll(last, order, proxy, signal);
  } finally {
    socket.destroy();
  }
}

async function openConnection(
  order: PollRequest,
  proxy: ProxyDecision,
  signal: AbortSignal,
): Promise<Socket> {
  const { url, paths } = order;
  const socket = await connectToProxy(
    await dialAddress(proxy, url, { signal, paths }),
    order,
    proxy,
    signal,
  );
  if (proxy.kind === 'direct' || url.protocol === 'http:') return socket;
  const tunnel = await openTunnel(socket, proxy, { host: url.hostname, port: portOf(url) }, signal);
  if (tunnel.kind === 'open') return socket;
  socket.destroy();
  throw new Error(tunnel.kind === 'refused' ? tunnel.phrase : 'EOF');
}

/** The connection that the proxy is spoken to on: for `https://` a secured one. */
async function connectToProxy(
  socket: Socket,
  order: PollRequest,
  proxy: ProxyDecision,
  signal: AbortSignal,
): Promise<Socket> {
  if (proxy.kind === 'direct' || proxy.scheme !== 'https') return socket;
  const trust = await store.load({ certsDirectory: '/nowhere' }, proxy.host, order.paths, reader());
  const shaken = await handshakeLikeGo(socket, {
    host: proxy.host,
    trust,
    now: Date.now(),
    signal: AbortSignal.any([signal, AbortSignal.timeout(HANDSHAKE_MILLISECONDS)]),
  });
  if (shaken.kind === 'secured') return shaken.socket;
  const isPlain = shaken.kind === 'plaintext';
  const said = isPlain
    ? 'tls: first record does not look like a TLS handshake'
    : handshakeText(shaken, proxy.host);
  throw new Error(`proxyconnect tcp: ${said}`);
}

async function dialAddress(
  proxy: ProxyDecision,
  url: HttpUrl,
  { signal, paths }: { readonly signal: AbortSignal; readonly paths: Paths },
): Promise<Socket> {
  const isProxied = proxy.kind === 'proxy';
  const host = isProxied ? proxy.host : url.hostname.replace(/^\[|\]$/g, '');
  const port = isProxied ? proxy.port : portOf(url);
  const prefix = isProxied ? 'proxyconnect tcp: ' : '';
  const { edns } = ownGo();
  const deps = { clock: systemClock, signal, paths, timeoutSeconds: DIAL_SECONDS, edns };
  const found = await resolveLikeGo(host, deps);
  if (found.addresses.length === 0) throw new Error(`${prefix}${lookupText(found)}`);
  const { socket, attempts } = await dialLikeGo(found.addresses, port, deps);
  if (socket !== undefined) return socket;
  const [first] = attempts;
  const said = DIAL_TEXTS[first?.outcome ?? ''] ?? 'i/o timeout';
  throw new Error(`${prefix}dial tcp ${first?.address.address}:${port}: ${said}`);
}

const DIAL_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ENOPROTOOPT: 'connect: protocol not available',
  EACCES: 'connect: permission denied',
  EINVAL: 'connect: invalid argument',
  EADDRNOTAVAIL: 'connect: cannot assign requested address',
  EMFILE: 'socket: too many open files',
};

function lookupText({ name, queries }: Resolution): string {
  const last = queries.at(-1);
  if (last === undefined) return `dial tcp: lookup ${name}: no such host`;
  const address = last.server;
  const server = address.includes(':') ? `[${address}]` : address;
  const read = `read udp 10.200.0.1:42182->${server}:53: `;
  const texts: Readonly<Record<string, string>> = {
    nxdomain: 'no such host',
    nodata: 'no such host',
    timeout: `${read}i/o timeout`,
    'connection-refused': `${read}read: connection refused`,
    'no-route': `dial udp ${server}:53: connect: network is unreachable`,
    prohibited: `write udp 10.200.0.1:42182->${server}:53: write: operation not permitted`,
  };
  const said = texts[last.outcome] ?? 'server misbehaving';
  return `dial tcp: lookup ${name} on ${server}:53: ${said}`;
}

async function secureConnection(
  socket: Socket,
  order: PollRequest,
  signal: AbortSignal,
): Promise<Socket> {
  const host = order.url.hostname.replace(/^\[|\]$/g, '');
  const { SSL_CERT_FILE: systemFile } = process.env;
  const source = {
    certsDirectory: '/etc/gitlab-runner/certs',
    ...(order.caFile === undefined ? {} : { caFile: order.caFile }),
    ...(systemFile === undefined ? {} : { systemFile }),
  };
  const trust = await trustOf(source, host, order.paths);
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(HANDSHAKE_MILLISECONDS)]);
  const shaken = await handshakeLikeGo(socket, { host, trust, now: Date.now(), signal: inTime });
  const late = shaken.kind === 'secured' ? await shaken.verdict(inTime) : undefined;
  if (late !== undefined) throw new Error(handshakeText(late, host));
  if (shaken.kind === 'secured') return shaken.socket;
  throw new Error(handshakeText(shaken, host));
}

/** As its own GODEBUG wants it. */
function reader(): TrustReader {
  return { isDenied: async () => false, go: ownGo() };
}

function ownGo(): GoSettings {
  return goSettingsOf({ environment: process.env as Record<string, string> });
}

const cachedTrust = new Map<string, Trust>();

/** What it found without a CA file holds until it ends; a CA file is read again when it changes. */
async function trustOf(source: TrustSource, host: string, paths: Paths): Promise<Trust> {
  const trust = cachedTrust.get(host) ?? (await store.load(source, host, paths, reader()));
  if (trust.caFile.state === 'none') cachedTrust.set(host, trust);
  return trust;
}

const PROBLEM_TEXTS: Readonly<Record<string, string>> = {
  'unknown-authority': 'certificate signed by unknown authority',
  'self-signed': 'certificate signed by unknown authority',
  'missing-intermediate': 'certificate signed by unknown authority',
  expired: 'certificate has expired or is not yet valid: current time is after its end',
  'intermediate-expired':
    'certificate has expired or is not yet valid: current time is after its end',
  'not-yet-valid': 'certificate has expired or is not yet valid: current time is before its begin',
  'no-san': 'certificate relies on legacy Common Name field, use SANs instead',
  'not-acceptable': 'certificate specifies an incompatible key usage',
};
const ALERT_TEXTS: Readonly<Record<number, string>> = {
  70: 'protocol version not supported',
  116: 'certificate required',
};

function handshakeText(shaken: Exclude<Handshake, { kind: 'secured' }>, host: string): string {
  if (shaken.kind === 'refused-by-us') {
    const [{ code }] = shaken.problems;
    const said = PROBLEM_TEXTS[code] ?? `certificate is valid for other.test, not ${host}`;
    return `tls: failed to verify certificate: x509: ${said}`;
  }
  if (shaken.kind === 'alert') {
    return `remote error: tls: ${ALERT_TEXTS[shaken.alert] ?? 'handshake failure'}`;
  }
  if (shaken.kind === 'plaintext') return 'http: server gave HTTP response to HTTPS client';
  if (shaken.kind === 'timeout') return 'net/http: TLS handshake timeout';
  return shaken.kind === 'reset' ? 'read: connection reset by peer' : 'EOF';
}

async function sendPoll(
  socket: Socket,
  order: PollRequest,
  proxy: ProxyDecision,
  signal: AbortSignal,
): Promise<PollResult> {
  const info = { name: 'gitlab-runner', version: '19.4.0', platform: 'linux' };
  const body = JSON.stringify({ token: order.token, system_id: order.systemId, info });
  const { credentials, pathname } = order.url;
  const send = createSender({
    socket,
    open: () => Promise.reject(new Error('a poll has one connection')),
    base: order.url,
    clock: systemClock,
    emptyLengths: ownGo().emptyLengths,
    ...(credentials === undefined ? {} : { authorization: basicOf(credentials) }),
    // A proxy for http:// gets the whole URL.
    ...(proxy.kind === 'proxy' && order.url.protocol === 'http:' ? { absolute: {} } : {}),
  });
  const root = pathname.replace(/\/$/, '').replace(/\/ci$/, '');
  const headers = { 'User-Agent': USER_AGENT, Accept: 'application/json' };
  const timeoutSeconds = MAX_POLL_MILLISECONDS / 1000;
  const wanted = {
    method: 'POST',
    path: `${root}/api/v4/jobs/request`,
    headers,
    body,
    timeoutSeconds,
  } as const;
  try {
    const { status, ...answer } = await send(wanted, signal);
    return { status, phrase: STATUS_CODES[status] ?? '', ...answer };
  } catch (error) {
    throw error instanceof ExchangeError ? new Error(FAULT_TEXTS[error.fault]) : error;
  }
}

const BROKEN = 'net/http: HTTP/1.x transport connection broken';

/** What Go says; of the forms that it refuses, one. */
const FAULT_TEXTS: Readonly<Record<ExchangeFault, string>> = {
  closed: 'EOF',
  reset: 'read: connection reset by peer',
  cut: 'unexpected EOF',
  'no-answer': 'net/http: timeout awaiting response headers',
  'slow-body': 'context deadline exceeded',
  'not-http': `${BROKEN}: malformed HTTP response "SSH-2.0"`,
  'http2-only': `${BROKEN}: malformed HTTP response "\\x00\\x00\\x18\\x04\\x00\\x00"`,
  malformed: `${BROKEN}: malformed MIME header line: "X-Cache"`,
  'client-certificate-required': 'remote error: tls: certificate required',
};
