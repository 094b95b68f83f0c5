/** Answers of GitLab and of servers in front of it, for the rows about GitLab. */
import type { ReceivedRequest, Override } from '../src/demo/gitlab-stand-in.ts';
import type { Reply } from '../src/demo/gitlab-response.ts';
import { gitlabError, text } from '../src/demo/gitlab-response.ts';

const HTML = 'text/html';

export function page(status: number, title: string, headers: Reply['headers'] = {}): Reply {
  const body = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return { ...text(status, body, HTML), headers };
}

export function nginxPage(status: number, title: string): Reply {
  const center = `<center><h1>${title}</h1></center><hr><center>nginx</center>`;
  const head = `<head><title>${title}</title></head>`;
  return text(status, `<html>\r\n${head}\r\n<body>\r\n${center}\r\n</body>\r\n</html>\r\n`, HTML);
}

export function redirectTo(origin: string): Override {
  return ({ path }) => ({
    ...nginxPage(302, '302 Found'),
    headers: { Location: `${origin}${path}` },
  });
}

/** The same to every request. */
export function everywhere(reply: Reply | 'silent' | 'reset'): Override {
  return () => reply;
}

/** Requests that runners send: all others get the usual answer. */
export function isRunnerApi({ path }: ReceivedRequest): boolean {
  return path.startsWith('/api/v4/runners/') || path.startsWith('/api/v4/jobs/');
}

export function onRunnerApi(reply: Reply): Override {
  return (asked) => (isRunnerApi(asked) ? reply : undefined);
}

/** Writes fail as in maintenance, reading works. */
export function onWrites(reply: Reply): Override {
  return ({ method }) => (method === 'POST' ? reply : undefined);
}

export function tooMany(message: string, retryAfterSeconds: number): Reply {
  return {
    ...gitlabError(429, message),
    headers: { 'Retry-After': String(retryAfterSeconds) },
  };
}
