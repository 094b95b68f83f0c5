/**
 * The API server of Kubernetes, asked as the kubernetes executor of the runner would: its version, and whether the account
 * of the runner may do what jobs need. An access review is a question that changes nothing.
 */
import type { SecureContextOptions } from 'node:tls';

import { withoutBrackets } from '../../core/address.ts';
import { errnoText } from '../../core/errno.ts';
import type { HttpUrl } from '../../core/http-url.ts';
import { portOf } from '../../core/http-url.ts';
import { isRecord } from '../../core/json.ts';
import { printable } from '../../core/printable.ts';
import type { Secret } from '../../core/secret.ts';
import type { Dial } from '../net/network.ts';
import type { ShortAnswer } from '../net/short-request.ts';
import { LongAnswerError, requestOverTcp } from '../net/short-request.ts';

const MAX_BYTES = 64 * 1024;
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

export interface ClusterConnection {
  readonly url: HttpUrl;
  /** Absent for `http:`. */
  readonly tls?: SecureContextOptions;
  readonly token?: Secret;
  readonly dial: Dial;
  readonly signal: AbortSignal;
}

/** A verb on a resource of the core API group: `create pods/attach`. */
export interface AccessRight {
  readonly verb: string;
  readonly resource: string;
}

export type ClusterFault =
  | 'unreachable'
  | 'silent'
  | 'ca-wrong'
  | 'certificate-wrong'
  | 'not-an-api'
  | 'credentials-rejected';

export type ClusterAnswer<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'fault'; readonly fault: ClusterFault; readonly why: string }
  /** It does not let us ask, or what went wrong need not go wrong for the runner. */
  | { readonly kind: 'untold'; readonly why: string };

/** What Go calls x509: certificate signed by unknown authority. Other rules of OpenSSL are not those of Go. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);
const CERTIFICATE_FAULTS: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
/** bad, unsupported, revoked, expired and unknown certificate, unknown authority, certificate required. */
const CLIENT_ALERT = /SSL alert number (?:42|43|44|45|46|48|116)\b/;
/** In the words of OpenSSL, since Node gives an error at a write the code EPROTO, whatever it is. */
const WITHOUT_TLS = /SSL routines:\w*:(?:wrong version number|packet length too long|http request)/;
const LATE: ReadonlySet<string> = new Set(['ABORT_ERR', 'ETIMEDOUT']);
const CONNECT_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'its name does not resolve',
  EPIPE: 'the connection was closed',
};

/** `v1.31.2`. The executor asks for it before each job. */
export async function readVersion(connection: ClusterConnection): Promise<ClusterAnswer<string>> {
  return await ask(connection, { method: 'GET', path: '/version' }, (body) => {
    const version = body['gitVersion'];
    return typeof version === 'string' ? printable(version) : undefined;
  });
}

/** Whether the account may do it in the namespace; without one, in all of them. */
export async function mayDo(
  connection: ClusterConnection,
  { verb, resource }: AccessRight,
  namespace: string,
): Promise<ClusterAnswer<boolean>> {
  const [name = '', subresource] = resource.split('/');
  const resourceAttributes = {
    namespace,
    verb,
    version: 'v1',
    resource: name,
    ...(subresource === undefined ? {} : { subresource }),
  };
  const body = JSON.stringify({
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: { resourceAttributes },
    status: { allowed: false },
  });
  return await ask(connection, { method: 'POST', path: REVIEWS, body }, (answer) => {
    const status = answer['status'];
    if (!isRecord(status) || typeof status['allowed'] !== 'boolean') return undefined;
    // What could not be evaluated is no refusal.
    const isOpen =
      typeof status['evaluationError'] === 'string' && status['evaluationError'] !== '';
    return status['allowed'] || (isOpen && status['denied'] !== true);
  });
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

async function ask<T>(
  connection: ClusterConnection,
  question: Question,
  read: (body: Readonly<Record<string, unknown>>) => T | undefined,
): Promise<ClusterAnswer<T>> {
  const { url } = connection;
  const answer = await send(connection, question).catch((error: unknown) => faultOf(error));
  if ('kind' in answer) return answer;
  const { status, body } = answer;
  if (status === 401) {
    return { kind: 'fault', fault: 'credentials-rejected', why: 'it answers 401 Unauthorized' };
  }
  const parsed = recordIn(body);
  if (status === 403 && parsed !== undefined) return { kind: 'untold', why: 'it answers 403' };
  const value = status < 300 && parsed !== undefined ? read(parsed) : undefined;
  if (value !== undefined) return { kind: 'answer', value };
  if (status === 429 || status >= 500) return { kind: 'untold', why: `it answers ${status}` };
  const why = `${url.host} answers ${question.path} with ${status}, not as the API of Kubernetes`;
  return { kind: 'fault', fault: 'not-an-api', why };
}

async function send(
  { url, tls, token, dial, signal }: ClusterConnection,
  { method, path, body }: Question,
): Promise<ShortAnswer> {
  const host = withoutBrackets(url.hostname);
  const destination = { host, port: portOf(url), dial };
  return await requestOverTcp(destination, tls, {
    method,
    path: `${url.pathname.replace(/\/$/, '')}${path}`,
    signal,
    maxBytes: MAX_BYTES,
    headers: {
      Host: url.host,
      Accept: 'application/json, */*',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` }),
    },
    ...(body === undefined ? {} : { body }),
  });
}

type NoAnswer = Exclude<ClusterAnswer<never>, { kind: 'answer' }>;

function faultOf(error: unknown): NoAnswer {
  const code = errnoText(error);
  if (UNTRUSTED.has(code))
    return faultWith('ca-wrong', 'its certificate is signed by another authority');
  if (CERTIFICATE_FAULTS.has(code)) {
    const isName = code === 'ERR_TLS_CERT_ALTNAME_INVALID';
    const why = isName ? 'its certificate is for another name' : 'its certificate is not valid now';
    return faultWith('certificate-wrong', why);
  }
  const message = error instanceof Error ? error.message : '';
  if (CLIENT_ALERT.test(message)) {
    return faultWith('credentials-rejected', 'it rejects the client certificate, or its absence');
  }
  if (error instanceof LongAnswerError) return faultWith('not-an-api', error.message);
  if (WITHOUT_TLS.test(message) || code === 'HPE_INVALID_CONSTANT') {
    return faultWith(
      'not-an-api',
      'what answers there does not speak the protocol of this address',
    );
  }
  const why = CONNECT_FAULTS[code];
  if (why !== undefined) return faultWith('unreachable', why);
  if (LATE.has(code)) return faultWith('silent', `no response in time (${code})`);
  return { kind: 'untold', why: `the request failed: ${code}` };
}

function faultWith(fault: ClusterFault, why: string): NoAnswer {
  return { kind: 'fault', fault, why };
}

function recordIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
