/** The responses of the simulated GitLab while a fault is on. */
import type { Reply } from './gitlab-response.ts';
import { gitlabError, text } from './gitlab-response.ts';

export type Fault =
  | 'none'
  | 'bad-gateway'
  | 'booting'
  | 'unavailable'
  | 'maintenance'
  | 'server-error'
  | 'rate-limited'
  | 'not-gitlab'
  | 'forbidden-edge'
  | 'redirect'
  | 'silent'
  | 'reset';

interface FaultRequest {
  readonly method: string;
  readonly path: string;
}

/** Undefined where the fault leaves the request alone. */
export function buildFaultyAnswer(
  fault: Fault,
  asked: FaultRequest,
): Reply | 'silent' | 'reset' | undefined {
  if (fault === 'none') return undefined;
  if (fault === 'silent' || fault === 'reset') return fault;
  const isApi = asked.path.startsWith('/api/');
  const everywhere = EVERYWHERE[fault];
  if (everywhere !== undefined) return everywhere(asked);
  const onApi = ON_API[fault];
  return isApi && onApi !== undefined ? onApi(asked) : undefined;
}

type Answer = (asked: FaultRequest) => Reply | undefined;

const PAGE = 'text/html';

const EVERYWHERE: Readonly<Partial<Record<Fault, Answer>>> = {
  'bad-gateway': () => text(502, '<html><title>502 Bad Gateway</title></html>', PAGE),
  booting: () => text(502, '<html><title>Waiting for GitLab to boot</title></html>', PAGE),
  unavailable: () => text(503, '<html>No server is available</html>', PAGE),
  'forbidden-edge': () => ({
    ...text(403, '<html>Access denied</html>', PAGE),
    headers: { 'cf-ray': '8f00-AMS', Server: 'cloudflare' },
  }),
  'not-gitlab': ({ path }) =>
    path === '/'
      ? text(200, '<h1>Welcome to nginx!</h1>', PAGE)
      : text(404, '<h1>404 Not Found</h1>', PAGE),
  redirect: ({ path }) => ({
    ...text(301, '', PAGE),
    headers: { Location: `https://gitlab.example.com${path}` },
  }),
};

/** GitLab of version 18.2 and later answers writes with 503 in maintenance; reading works. */
const ON_API: Readonly<Partial<Record<Fault, Answer>>> = {
  maintenance: ({ path }) =>
    path.startsWith('/api/v4/runners') || path.startsWith('/api/v4/jobs')
      ? {
          ...gitlabError(503, 'GitLab is in maintenance mode and read-only'),
          headers: { 'Retry-After': '1' },
        }
      : undefined,
  'server-error': ({ path }) =>
    path === '/api/v4/version' ? undefined : gitlabError(500, '500 Internal Server Error'),
  'rate-limited': () => ({ ...text(429, 'Retry later'), headers: { 'Retry-After': '2' } }),
};
