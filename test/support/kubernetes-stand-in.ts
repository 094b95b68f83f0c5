/** The part of the API server of Kubernetes that runnerwatch asks, in the words of a real one. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import type { TlsOptions } from 'node:tls';

export interface ClusterScript {
  /** Any other one is refused; without it every client is accepted. */
  readonly token?: string;
  /** `create pods/attach` */
  readonly denied?: readonly string[];
  /** Who asks, as the authorizer names it. */
  readonly account?: string;
  /** By path, instead of the usual answer; `silent` never answers. */
  readonly instead?: Readonly<
    Record<string, 'silent' | { readonly status: number; readonly body: string }>
  >;
  readonly evaluationError?: string;
}

interface AskedReview {
  readonly namespace: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
}

export interface ClusterStandIn {
  readonly server: Server;
  /** What was asked: `GET /version`, and the reviews as `create pods/attach in gitlab`. */
  readonly asked: string[];
  says: ClusterScript;
}

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const VERSION = {
  major: '1',
  minor: '31',
  gitVersion: 'v1.31.2',
  gitCommit: '5864a4677267e6adeae276ad85882a8714d69d9d',
  gitTreeState: 'clean',
  buildDate: '2024-10-22T20:28:14Z',
  goVersion: 'go1.22.8',
  compiler: 'gc',
  platform: 'linux/amd64',
};

export function createCluster(says: ClusterScript = {}, tls?: TlsOptions): ClusterStandIn {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    void answer(cluster, request, response);
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  const cluster: ClusterStandIn = { server, asked: [], says };
  return cluster;
}

async function answer(
  { asked, says }: ClusterStandIn,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '';
  const body = await text(request);
  const special = says.instead?.[path];
  if (path !== REVIEWS) asked.push(`${request.method} ${path}`);
  if (special === 'silent') return;
  if (special !== undefined) {
    response.writeHead(special.status, { 'content-type': 'text/html' }).end(special.body);
    return;
  }
  const { token } = says;
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    send(response, 401, failure('Unauthorized', 'Unauthorized', 401));
  } else if (path === '/version') {
    send(response, 200, VERSION);
  } else if (path === REVIEWS && request.method === 'POST') {
    send(response, 201, review(body, asked, says));
  } else {
    send(
      response,
      404,
      failure('NotFound', 'the server could not find the requested resource', 404),
    );
  }
}

function review(
  body: string,
  asked: string[],
  { denied = [], account, evaluationError }: ClusterScript,
) {
  const { spec } = JSON.parse(body) as {
    readonly spec: { readonly resourceAttributes: AskedReview };
  };
  const { verb, resource, subresource, namespace } = spec.resourceAttributes;
  const right = `${verb} ${[resource, subresource].filter(Boolean).join('/')}`;
  asked.push(`${right} in ${namespace}`);
  const isAllowed = !denied.includes(right);
  const reason = `RBAC: allowed by RoleBinding "gitlab-runner/${namespace}" of Role "gitlab-runner" to ServiceAccount "${account ?? 'gitlab-runner/gitlab'}"`;
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: { creationTimestamp: null },
    spec,
    status: {
      allowed: isAllowed,
      ...(isAllowed ? { reason } : {}),
      ...(evaluationError === undefined ? {} : { evaluationError }),
    },
  };
}

function failure(reason: string, message: string, code: number) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
    .end(`${JSON.stringify(body)}\n`);
}

/** As the kubelet mounts it: signed by nobody here. */
export function accountToken(subject: string): string {
  const claims = { iss: 'https://kubernetes.default.svc', sub: subject };
  return `${encoded({ alg: 'RS256', kid: 'x' })}.${encoded(claims)}.c2lnbmF0dXJl`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
