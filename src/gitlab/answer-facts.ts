/** One answer for the evidence: what may be shown of it. Never a body, never a query or credentials. */
import type { HttpAnswer } from '../core/probe.ts';
import { fingerprint } from './fingerprint.ts';

export interface AnswerFacts {
  readonly status: number;
  readonly who: string;
  readonly server: string;
  readonly signals: string;
  readonly location?: string;
  readonly [name: string]: string | number;
}

export function answerFacts(answer: HttpAnswer, asked: URL): AnswerFacts {
  const { who, signals, server } = fingerprint(answer);
  const location = shownLocation(answer, asked);
  return {
    status: answer.status,
    who,
    server,
    signals: signals.join(', '),
    ...(location === undefined ? {} : { location }),
  };
}

/** `GET https://gitlab.example.com/-/health answered 403 by edge (Cloudflare)` */
export function saidBy(answer: HttpAnswer, asked: URL): string {
  const { status, who, server, location } = answerFacts(answer, asked);
  const by = server === '' ? who : `${who} (${server})`;
  const said = `GET ${asked.href} answered ${status} by ${by}`;
  return location === undefined ? said : `${said}, redirecting to ${location}`;
}

const MOST_SHOWN = 200;

/** Scheme, host and path: a login gateway puts state, and sometimes credentials, into the rest. */
function shownLocation({ headers }: HttpAnswer, asked: URL): string | undefined {
  const text = headers['location'];
  if (text === undefined) return undefined;
  const to = URL.parse(text, asked);
  if (to === null) return 'an address that cannot be parsed';
  return `${to.protocol}//${to.host}${to.pathname}`.slice(0, MOST_SHOWN);
}
