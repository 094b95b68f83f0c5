/** What may be shown of one response as evidence: never a body, a query or credentials. */
import type { HttpUrl } from '../core/http-url.ts';
import type { HttpAnswer } from '../core/probe.ts';
import { fingerprint, redactServerName, responderOf } from './fingerprint.ts';

export interface AnswerFacts {
  readonly status: number;
  readonly who: string;
  /** The same for a sentence: `GitLab`, `nginx`, `Cloudflare`. */
  readonly responder: string;
  readonly server: string;
  readonly signals: string;
  readonly location?: string;
  /** Which of several backends answered, by its own header. */
  readonly node?: string;
  readonly limiter?: string;
  readonly [name: string]: string | number;
}

export function answerFacts(answer: HttpAnswer, asked: HttpUrl): AnswerFacts {
  const { who, signals, server } = fingerprint(answer);
  const location = formatLocation(answer, asked);
  return {
    status: answer.status,
    who,
    responder: responderOf({ who, server }),
    server,
    signals: signals.join(', '),
    ...(location === undefined ? {} : { location }),
    ...nodeOf(answer),
    ...limiterOf(answer),
  };
}

/** `Cloudflare returned 403 for GET https://gitlab.example.com/-/health` */
export function serverLabel(answer: HttpAnswer, asked: HttpUrl): string {
  const { status, responder, location } = answerFacts(answer, asked);
  const said = `${responder} returned ${status} for GET ${asked.href}`;
  return location === undefined ? said : `${said}, with a redirect to ${location}`;
}

/** Headers by which balancers and their backends name the one that answered. */
const NODE_HEADERS = [
  'gitlab-sv',
  'server-id',
  'x-server-id',
  'x-served-by',
  'x-backend-server',
  'x-backend',
  'x-upstream',
  'x-node',
];

function nodeOf({ headers }: HttpAnswer): { readonly node?: string } {
  const name = NODE_HEADERS.find((header) => headers[header] !== undefined);
  return name === undefined ? {} : { node: redactServerName(headers[name] ?? '') };
}

/** Rack Attack's response to an address that it limits; GitLab's other limits respond with JSON. */
function limiterOf({ status, body }: HttpAnswer): { readonly limiter?: string } {
  return status === 429 && /^\s*Retry later\s*$/.test(body) ? { limiter: 'Rack Attack' } : {};
}

const MAX_SHOWN = 200;

/** Scheme, host and path: a login gateway puts state, and sometimes credentials, into the rest. */
function formatLocation({ headers }: HttpAnswer, asked: HttpUrl): string | undefined {
  const text = headers['location'];
  if (text === undefined) return undefined;
  const to = URL.parse(text, asked.href);
  if (to === null) return 'an invalid address';
  return `${to.protocol}//${to.host}${to.pathname}`.slice(0, MAX_SHOWN);
}
