/**
 * A stand-in for GitLab: the endpoints that runner and runnerwatch use, with GitLab's headers and error forms
 * (docs/reference/gitlab-http.md), and faults to switch on while it runs. For `runnerwatch demo` and for the tests.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { Fault } from './gitlab-faults.ts';
import { buildFaultyAnswer } from './gitlab-faults.ts';
import type { Reply } from './gitlab-response.ts';
import { gitlabError, send, text } from './gitlab-response.ts';
import type { IssuedCertificate } from './certificates.ts';

export type Profile = 'gl16' | 'gl18' | 'gl19';

export interface GitLabOptions {
  /** HTTPS with this certificate; plain HTTP without. */
  readonly tls?: IssuedCertificate;
  readonly port?: number;
  /** Path of a relative root, such as `/gitlab`. */
  readonly basePath?: string;
  readonly profile?: Profile;
  /** How long a poll for jobs is held. */
  readonly pollMilliseconds?: number;
}

/** A received request: method, path below the base path, and the token in it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly userAgent: string;
  /** Of the base path; else the path is whole. */
  readonly isBelow: boolean;
}

type Overridden = Reply | 'silent' | 'reset' | undefined;

/** Undefined leaves the request to GitLab; a reply, or the end of the connection, may come late. */
export type Override = (asked: ReceivedRequest) => Overridden | Promise<Overridden>;

/** The stand-in without its web server: the request handler, and the recorded requests. */
export interface GitLabApplication {
  readonly listener: RequestListener;
  readonly requests: readonly RecordedRequest[];
  readonly tokens: Set<string>;
  fault: Fault;
  /** Wins over `fault`. */
  override: Override | undefined;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly userAgent: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly hasToken: boolean;
  /** Parsed JSON body, with its token cut out; undefined without a body. */
  readonly systemId: string | undefined;
}

export interface GitLabStandIn extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly RecordedRequest[];
  /** Tokens that are accepted; delete one to have the runner deleted. */
  readonly tokens: Set<string>;
  fault: Fault;
  /** From the next handshake on. */
  setCertificate(issued: IssuedCertificate): void;
  /** Closes the port, or opens the same one again. */
  setListening(isListening: boolean): Promise<void>;
}

export function createGitLabStandIn(options: GitLabOptions = {}): GitLabApplication {
  const state: State = {
    options,
    requests: [],
    keyId: randomBytes(32).toString('base64url'),
    tokens: new Set(),
    fault: 'none',
    override: undefined,
    listener: (request, response) => void answer(state, request, response),
  };
  return state;
}

export async function startGitLabStandIn(options: GitLabOptions = {}): Promise<GitLabStandIn> {
  const state = createGitLabStandIn(options);
  const server = serverOf(options, state.listener);
  const port = await listen(server, options.port ?? 0);
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}${options.basePath ?? ''}/`,
    port,
    requests: state.requests,
    tokens: state.tokens,
    get fault() {
      return state.fault;
    },
    set fault(fault: Fault) {
      state.fault = fault;
    },
    setCertificate: ({ certificatePem, privateKeyPem }) => {
      if (!(server instanceof SecureServer)) return;
      server.setSecureContext({ cert: certificatePem, key: privateKeyPem });
      server.closeAllConnections();
    },
    setListening: async (isListening) => {
      if (isListening === server.listening) return;
      await (isListening ? listen(server, port) : close(server));
    },
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await close(server);
    },
  };
}

interface State extends GitLabApplication {
  readonly options: GitLabOptions;
  readonly requests: RecordedRequest[];
  /** Of the key by which it signs: each installation has its own. */
  readonly keyId: string;
}

function serverOf({ tls }: GitLabOptions, listener: RequestListener): Server | SecureServer {
  if (tls === undefined) return createServer(listener);
  return createSecureServer({ cert: tls.certificatePem, key: tls.privateKeyPem }, listener);
}

async function listen(server: Server | SecureServer, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', () => {
    server.off('error', reject);
    resolve((server.address() as AddressInfo).port);
  });
  return await promise;
}

async function close(server: Server | SecureServer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}

const MAX_BODY_BYTES = 32 * 1024;

async function answer(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { basePath = '' } = state.options;
  const full = new URL(request.url ?? '/', 'http://gitlab').pathname;
  const isBelow = full.startsWith(`${basePath}/`);
  const path = isBelow ? full.slice(basePath.length) : full;
  const asked = { ...(await recordRequest(state, request, path)), isBelow };
  const faulty = (await state.override?.(asked)) ?? buildFaultyAnswer(state.fault, asked);
  if (faulty === 'silent') return undefined;
  if (faulty === 'reset') return void request.socket.destroy();
  const missing = isBelow ? undefined : gitlabError(404, '404 Not Found');
  return send(response, faulty ?? missing ?? (await routeRequest(state, asked)));
}

/** Recorded for tests that check the requests later. */
async function recordRequest(state: State, request: IncomingMessage, path: string) {
  const body = await bodyOf(request);
  const method = request.method ?? 'GET';
  const { 'runner-token': own, 'private-token': personal } = request.headers;
  const token = String(own ?? personal ?? stringOf(body, 'token') ?? '');
  const userAgent = request.headers['user-agent'] ?? '';
  state.requests.push({
    method,
    path,
    userAgent,
    at: Date.now(),
    hasToken: token !== '',
    systemId: stringOf(body, 'system_id'),
  });
  return { method, path, token, userAgent };
}

type Body = Readonly<Record<string, unknown>> | undefined;

/** A text of the JSON body. */
function stringOf(body: Body, key: string): string | undefined {
  const word = body?.[key];
  return typeof word === 'string' ? word : undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let content = '';
  try {
    for await (const chunk of request) {
      content += String(chunk);
      if (content.length > MAX_BODY_BYTES) return undefined;
    }
    return content === '' ? undefined : (JSON.parse(content) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

type Route = (
  asked: ReceivedRequest & Pick<State, 'options' | 'keyId'> & { readonly isKnown: boolean },
) => Reply | Promise<Reply>;

const rails = (reply: Reply, headers: Readonly<Record<string, string>> = {}): Reply => ({
  ...reply,
  headers,
  isFromRails: true,
});

const ROUTES: Readonly<Record<string, Route>> = {
  // The early answer to a client that is not allow-listed.
  'GET /-/health': () => rails(text(404, '')),
  'GET /-/readiness': () => rails(text(404, '<html><title>404</title></html>', 'text/html')),
  'GET /-/liveness': () => rails(text(404, '<html><title>404</title></html>', 'text/html')),
  'GET /': () => rails(text(302, ''), { Location: '/users/sign_in' }),
  'GET /users/sign_in': () => rails(text(200, '<html><title>Sign in</title></html>', 'text/html')),
  'GET /oauth/discovery/keys': ({ keyId }) => {
    const key = { kty: 'RSA', kid: keyId, e: 'AQAB', n: keyId, use: 'sig', alg: 'RS256' };
    return rails(text(200, JSON.stringify({ keys: [key] }), 'application/json; charset=utf-8'));
  },
  'GET /api/v4/version': () => gitlabError(401, '401 Unauthorized'),
  'GET /api/v4/runners/router/discovery': ({ isKnown, options }) => {
    if ((options.profile ?? 'gl19') !== 'gl19') return gitlabError(404, '404 Not Found', 'error');
    return isKnown
      ? gitlabError(501, 'Job Router is not available')
      : gitlabError(403, '403 Forbidden');
  },
  'POST /api/v4/runners/verify': ({ token, isKnown }) => {
    if (token === '') return gitlabError(400, 'token is missing', 'error');
    return isKnown ? verifyToken(token) : gitlabError(403, '403 Forbidden');
  },
  'POST /api/v4/jobs/request': async ({ isKnown, options }) => {
    if (!isKnown) return gitlabError(403, '403 Forbidden');
    await new Promise((resolve) => setTimeout(resolve, options.pollMilliseconds ?? 0).unref());
    return rails(text(204, ''), { 'Gitlab-Ci-Builds-Polling': 'yes' });
  },
};

async function routeRequest(
  { tokens, options, keyId }: State,
  asked: ReceivedRequest,
): Promise<Reply> {
  const route = ROUTES[`${asked.method} ${asked.path}`];
  if (route === undefined) return gitlabError(404, '404 Not Found', 'error');
  return await route({ ...asked, isKnown: tokens.has(asked.token), options, keyId });
}

/** GitLab's answer holds the whole token, so it must never be logged. */
function verifyToken(token: string): Reply {
  const body = JSON.stringify({ id: 1, token, token_expires_at: null });
  return { ...text(200, body, 'application/json'), isFromRails: true };
}
