/**
 * Routes over one `read()`. Builds, does not listen: server/listen.ts does. The only user of fastify.
 *
 * Promises: a reader never causes a probe; every answer is uncached; a bad request gets one clear JSON
 * sentence; nothing takes a target from the caller.
 */
import { gzipSync } from 'node:zlib';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fastify } from 'fastify';

import { redactArgument } from './core/redact-argument.ts';
import type { View } from './core/view.ts';
import { reportOf } from './report/document.ts';
import { incidentList } from './report/incidents.ts';
import type { Health } from './report/health.ts';
import { healthOf, httpStatusOf } from './report/health.ts';
import { viewOfRunner } from './report/one-runner.ts';
import { pageOf } from './report/page/page.ts';
import { PAGE_SCRIPT } from './report/page/script.ts';
import { STYLE_HASH } from './report/page/style.ts';
import { restartHelps } from './report/restart-helps.ts';
import { textOf } from './report/text/text.ts';
import type { Judgement } from './server/credentials.ts';

export interface ServerDeps {
  /** The last view. */
  readonly read: () => View;
  readonly render: (
    view: View,
    format: 'text' | 'openmetrics',
  ) => Promise<{ readonly contentType: string; readonly body: string }>;
  /** The file of an incident. */
  readonly incident?: (id: string) => string | undefined;
  /** Given only with --web.enable-lifecycle; resolves with the problems, none when all is well. */
  readonly reload?: () => Promise<readonly string[]>;
  /** Judges the `Authorization` header of every request; without it every request is accepted. */
  readonly judge?: (authorization: string | undefined) => Promise<Judgement>;
}

const SECURITY_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src '${STYLE_HASH}'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

export function buildServer(deps: ServerDeps): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 100, caseSensitive: true },
    frameworkErrors: (error, _request, reply) => sendError(error, reply.headers(SECURITY_HEADERS)),
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(SECURITY_HEADERS);
    const judgement = (await deps.judge?.(request.headers.authorization)) ?? 'allowed';
    return judgement === 'allowed' ? undefined : reject(judgement, reply);
  });
  // A reload takes no body; a body that is sent is read up to the limit and discarded.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null));
  addPages(app, deps);
  addHealth(app, deps);
  addIncidents(app, deps);
  addLifecycle(app, deps);
  app.setNotFoundHandler((request, reply) => notFound(app, request, reply));
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => sendError(error, reply));
  return app;
}

/** What was wrong is the client's to know, what broke here is not. */
function sendError({ statusCode: status = 500 }: { statusCode?: number }, reply: FastifyReply) {
  const text = ERROR_TEXTS[status] ?? (status < 500 ? ERROR_TEXTS[400] : ERROR_TEXTS[500]);
  void reply.code(status).send({ error: text });
}

const ERROR_TEXTS: Readonly<Record<number, string>> = {
  400: 'invalid request',
  413: 'the request body is larger than 1 KiB',
  414: 'the request address is too long',
  500: 'internal error: the response could not be built',
};

function reject(judgement: Exclude<Judgement, 'allowed'>, reply: FastifyReply): FastifyReply {
  if (judgement === 'busy') {
    return reply.code(429).header('Retry-After', '1').send({ error: 'too many logins at once' });
  }
  return reply
    .code(401)
    .header('WWW-Authenticate', 'Basic realm="runnerwatch", charset="UTF-8"')
    .send({ error: 'user name and password required' });
}

function addPages(app: FastifyInstance, { read, render }: ServerDeps): void {
  app.get('/', async (_request, reply) => {
    void reply.type('text/html; charset=utf-8');
    return pageOf(read());
  });
  app.get('/page.js', async (_request, reply) => {
    void reply.type('text/javascript; charset=utf-8');
    return PAGE_SCRIPT;
  });
  app.get('/api/v1/report', async (_request, reply) => sendJson(reply, reportOf(read())));
  app.get('/metrics', async (request, reply) => {
    const wanted = request.headers.accept?.includes('application/openmetrics-text') === true;
    const { contentType, body } = await render(read(), wanted ? 'openmetrics' : 'text');
    void reply.header('Content-Type', contentType).header('Vary', 'Accept, Accept-Encoding');
    if (!wantsGzip(request.headers['accept-encoding'])) return body;
    void reply.header('Content-Encoding', 'gzip');
    return gzipSync(body, { level: QUICK });
  });
}

/** A page of metrics takes a millisecond or two. Not `gzip`: its thread may hang with those that read a stuck file system. */
const QUICK = 1;

/** `gzip;q=0` is a refusal. */
function wantsGzip(accepted: string | string[] = ''): boolean {
  const words = String(accepted).split(',');
  return words.some((word) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(word));
}

function addIncidents(app: FastifyInstance, { read, incident }: ServerDeps): void {
  app.get('/api/v1/incidents', async (_request, reply) =>
    sendJson(reply, { incidents: incidentList(read().past) }),
  );
  app.get<{ Params: { id: string } }>('/api/v1/incidents/:id', async (request, reply) => {
    const text = incident?.(request.params.id);
    if (text !== undefined) return reply.type('application/json; charset=utf-8').send(`${text}\n`);
    void reply.code(404);
    return { error: `unknown incident "${redactArgument(request.params.id)}"` };
  });
}

function addHealth(app: FastifyInstance, { read }: ServerDeps): void {
  app.get('/health', async (request, reply) => sendHealth(request, reply, read()));
  app.get<{ Params: { runner: string } }>('/health/:runner', async (request, reply) => {
    const view = viewOfRunner(read(), request.params.runner);
    if (view !== undefined) return sendHealth(request, reply, view);
    void reply.code(404);
    return { error: `config.toml has no runner "${redactArgument(request.params.runner)}"` };
  });
}

function sendHealth(request: FastifyRequest, reply: FastifyReply, view: View): unknown {
  const health: Health = healthOf(view);
  void reply.code(httpStatusOf(health));
  const { format } = request.query as { format?: unknown };
  const { accept = '' } = request.headers;
  if (format === 'text' || accept.startsWith('text/plain')) {
    void reply.type('text/plain; charset=utf-8');
    return `${textOf(view, { colour: false })}\n`;
  }
  const isPlain = accept.includes('application/json') && !accept.includes('health+json');
  return sendJson(reply, health, isPlain ? 'application/json' : 'application/health+json');
}

function addLifecycle(app: FastifyInstance, { read, reload }: ServerDeps): void {
  app.get('/-/healthy', async (_request, reply) => {
    const { alive } = read().self;
    void reply.code(alive ? 200 : 503).type('text/plain; charset=utf-8');
    return alive ? 'runnerwatch is alive\n' : 'runnerwatch makes no progress\n';
  });
  app.get('/-/ready', async (_request, reply) => {
    const { ready } = read().self;
    void reply.code(ready ? 200 : 503).type('text/plain; charset=utf-8');
    return ready ? 'runnerwatch is ready\n' : 'the first round of checks is not complete\n';
  });
  app.get('/-/runner', async (_request, reply) => {
    const isHelped = restartHelps(read());
    void reply.code(isHelped ? 503 : 200).type('text/plain; charset=utf-8');
    return isHelped ? 'the runner hangs: restart it\n' : 'a restart of the runner would not help\n';
  });
  if (reload === undefined) return;
  app.post('/-/reload', async (_request, reply) => {
    const problems = await reload();
    const needRestart = read().self.settings.needRestart;
    if (problems.length === 0) {
      return { reloaded: true, ...(needRestart.length === 0 ? {} : { needRestart }) };
    }
    void reply.code(500);
    return { error: 'the settings were not reloaded; the old settings stay in use', problems };
  });
}

/** 405 with what is allowed for a path that exists, 404 for one that does not. */
function notFound(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?')[0] ?? '/';
  const allowed = (['GET', 'POST'] as const).filter(
    (method) => app.findRoute({ method, url: routeOf(path) }) !== null,
  );
  if (allowed.length === 0) {
    void reply.code(404).send({ error: `no page ${redactArgument(path)}; GET / has the list` });
    return;
  }
  const list = allowed
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');
  void reply
    .code(405)
    .header('Allow', list)
    .send({ error: `${path} allows ${list}` });
}

function routeOf(path: string): string {
  return path.replace(/^(?<folder>\/health|\/api\/v1\/incidents)\/[^/]+$/, (_all, folder) =>
    folder === '/health' ? '/health/:runner' : `${folder}/:id`,
  );
}

function sendJson(reply: FastifyReply, document: unknown, type = 'application/json'): string {
  void reply.type(`${type}; charset=utf-8`);
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
