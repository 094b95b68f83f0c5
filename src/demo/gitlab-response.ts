/** Answers in the form that GitLab, or another server, sends them. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Adds what only Rails adds. */
  readonly isFromRails?: boolean;
}

export function text(status: number, body: string, type = 'text/plain'): Reply {
  return { status, type, body };
}

/** `{"message": …}` or `{"error": …}` with the headers of Rails. */
export function gitlabError(
  status: number,
  message: string,
  key: 'message' | 'error' = 'message',
): Reply {
  return {
    ...text(status, JSON.stringify({ [key]: message }), 'application/json'),
    isFromRails: true,
  };
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 26 characters, as GitLab's correlation ids are. */
function ulid(): string {
  return [...randomBytes(26)].map((byte) => CROCKFORD[byte % 32]).join('');
}

export function send(
  response: ServerResponse,
  { status, type, body, headers, isFromRails }: Reply,
): void {
  const id = ulid();
  const own = isFromRails
    ? {
        'X-Request-Id': id,
        'X-Runtime': '0.012',
        'X-Gitlab-Meta': JSON.stringify({ correlation_id: id, version: '1' }),
      }
    : {};
  response.writeHead(status, {
    'Content-Type': type,
    Server: 'nginx',
    ...own,
    ...headers,
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
