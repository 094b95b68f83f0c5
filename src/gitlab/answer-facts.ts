/** One answer for the evidence: what may be shown of it. Never a body, never a query or credentials. */
import type { HttpAnswer } from '../core/probe.ts';
import { fingerprint, redactServerName } from './fingerprint.ts';

export interface AnswerFacts {
  readonly status: number;
  readonly who: string;
  readonly server: string;
  readonly signals: string;
  readonly location?: string;
  /** Which of several backends answered, by its own word. */
  readonly node?: string;
  readonly limiter?: string;
  readonly [name: string]: string | number;
}

export function answerFacts(answer: HttpAnswer, asked: URL): AnswerFacts {
  const { who, signals, server } = fingerprint(answer);
  const location = formatLocation(answer, asked);
  return {
    status: answer.status,
    who,
    server,
    signals: signals.join(', '),
    ...(location === undefined ? {} : { location }),
    ...nodeOf(answer),
    ...limiterOf(answer),
  };
}

/** `GET https://gitlab.example.com/-/health answered 403 by edge (Cloudflare)` */
export function serverLabel(answer: HttpAnswer, asked: URL): string {
  const { status, who, server, location } = answerFacts(answer, asked);
  const by = server === '' ? who : `${who} (${server})`;
  const said = `GET ${asked.href} answered ${status} by ${by}`;
  return location === undefined ? said : `${said}, redirecting to ${location}`;
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

/** The word of Rack Attack to an address that it limits; GitLab's other limits speak JSON. */
function limiterOf({ status, body }: HttpAnswer): { readonly limiter?: string } {
  return status === 429 && /^\s*Retry later\s*$/.test(body) ? { limiter: 'Rack Attack' } : {};
}

const MOST_SHOWN = 200;

/** Scheme, host and path: a login gateway puts state, and sometimes credentials, into the rest. */
function formatLocation({ headers }: HttpAnswer, asked: URL): string | undefined {
  const text = headers['location'];
  if (text === undefined) return undefined;
  const to = URL.parse(text, asked);
  if (to === null) return 'an address that cannot be parsed';
  return `${to.protocol}//${to.host}${to.pathname}`.slice(0, MOST_SHOWN);
}
