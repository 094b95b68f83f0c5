/** Known lines about polls (docs/reference/runner-log.md, rows 1 to 45): the first one that matches counts. */
import type { Fragment } from './fragment.ts';
import type { LineReader } from './line-data.ts';
import { isLongPollWait, readWait } from './poll-wait.ts';
import { readCertificate, readPackets, readProxy, readResponse } from './line-data.ts';

const FAILED = /^Checking for jobs\.\.\. failed/;
const FORBIDDEN = /^Checking for jobs\.\.\. forbidden/;

/** What net/http says of an answer that it cannot read. */
const MALFORMED =
  /malformed (?:MIME header|HTTP|chunked)|(?:unsupported|too many) transfer encoding|(?:bad|invalid empty|multiple) Content-Length|bad trailer key|response headers exceeded|failed to parse Location|chunk length|unsupported protocol scheme/;

/** Up to 18.2 it was the second, and only after a 429. */
const WAITING = /^(?:Waiting before making the next call|Sleeping due to rate limit)/;

function failedPoll(n: number, text: RegExp, cause?: string, read?: LineReader): Fragment {
  return {
    n,
    kind: 'poll-failed',
    levels: ['warning', 'error'],
    message: FAILED,
    text,
    ...(cause === undefined ? {} : { cause }),
    ...(read === undefined ? {} : { read }),
  };
}

export const POLL_FRAGMENTS: readonly Fragment[] = [
  failedPoll(8, /cannot assign requested address/, 'ephemeral-ports-exhausted'),
  failedPoll(26, /proxyconnect tcp: .*no such host/, 'proxy-name-not-found', readProxy),
  failedPoll(26, /proxyconnect tcp:/, 'proxy-unreachable', readProxy),
  failedPoll(29, /socks connect/, 'proxy-upstream-failed'),
  failedPoll(30, /407 Proxy Authentication Required/, 'proxy-auth-required'),
  failedPoll(27, /: Proxy Authentication Required$/, 'proxy-auth-required'),
  failedPoll(28, /": Forbidden$/, 'proxy-connect-denied'),
  failedPoll(
    28,
    /": (?:Bad Gateway|Service Unavailable|Gateway Timeout)$/,
    'proxy-upstream-failed',
  ),
  failedPoll(1, /: no such host/, 'dns-name-not-found', readPackets),
  failedPoll(2, /server misbehaving/, 'dns-server-failure', readPackets),
  failedPoll(3, /lookup .*i\/o timeout/, 'dns-timeout', readPackets),
  failedPoll(3, /lookup .*operation not permitted/, 'firewall-local-block', readPackets),
  failedPoll(4, /(?:lookup|read udp) .*connection refused/, 'dns-resolver-down', readPackets),
  failedPoll(
    5,
    /dial tcp \S+: (?:connect: )?connection refused/,
    'tcp-connection-refused',
    readPackets,
  ),
  failedPoll(6, /dial tcp \S+: (?:connect: )?i\/o timeout/, 'tcp-connect-timeout', readPackets),
  failedPoll(6, /connect: connection timed out/, 'tcp-connect-timeout', readPackets),
  failedPoll(7, /no route to host|network is unreachable/, 'network-no-route', readPackets),
  failedPoll(7, /connect: (?:permission denied|invalid argument)/, 'network-no-route', readPackets),
  failedPoll(7, /connect: protocol not available/, 'firewall-reject', readPackets),
  failedPoll(14, /insecure algorithm SHA1-RSA/, 'tls-cert-not-acceptable', readCertificate),
  failedPoll(
    13,
    /certificate signed by unknown authority/,
    'tls-unknown-authority',
    readCertificate,
  ),
  failedPoll(
    15,
    /has expired or is not yet valid: .*is after/,
    'tls-certificate-expired',
    readCertificate,
  ),
  failedPoll(
    16,
    /has expired or is not yet valid: .*is before/,
    'tls-certificate-not-yet-valid',
    readCertificate,
  ),
  failedPoll(15, /has expired or is not yet valid/, 'tls-certificate-expired', readCertificate),
  failedPoll(18, /relies on legacy Common Name/, 'tls-no-san', readCertificate),
  failedPoll(19, /doesn't contain any IP SANs/, 'tls-no-san', readCertificate),
  failedPoll(17, /certificate is (?:not )?valid for/, 'tls-hostname-mismatch', readCertificate),
  failedPoll(20, /failed to load system roots/, 'tls-unknown-authority', readCertificate),
  failedPoll(
    22,
    /remote error: tls: (?:certificate required|bad certificate|unknown certificate)/,
    'tls-client-cert-required',
  ),
  failedPoll(23, /protocol version not supported/, 'tls-protocol-unsupported'),
  failedPoll(21, /remote error: tls: handshake failure/, 'tls-protocol-unsupported'),
  failedPoll(24, /server gave HTTP response to HTTPS client/, 'tls-plaintext-server'),
  failedPoll(25, /first record does not look like a TLS handshake/, 'tls-plaintext-server'),
  failedPoll(12, /TLS handshake timeout/, 'tls-handshake-blocked'),
  failedPoll(13, /x509: /, 'tls-cert-not-acceptable', readCertificate),
  failedPoll(104, /malformed HTTP response "\\x00\\x00/, 'http2-only-server'),
  failedPoll(105, /malformed HTTP response "[^"]/, 'not-a-gitlab-server'),
  failedPoll(106, MALFORMED, 'http-response-malformed'),
  failedPoll(10, /connection reset by peer|broken pipe/, 'connection-reset-midstream'),
  failedPoll(11, /(?:unexpected )?EOF$/, 'connection-reset-midstream'),
  failedPoll(35, /timeout awaiting response headers/, 'gitlab-not-responding'),
  failedPoll(31, /\b200 OK/, 'edge-auth-gateway', readResponse),
  failedPoll(32, /response is not application\/json/, 'not-a-gitlab-server'),
  failedPoll(41, /Runner is orphaned/i, 'runner-orphaned'),
  failedPoll(33, /\b40[45] \w/, 'url-path-wrong', readResponse),
  failedPoll(33, /POST https?:\S+: 400 /, 'gitlab-version-skew', readResponse),
  failedPoll(34, /\b502 Bad Gateway/, 'gitlab-bad-gateway', readResponse),
  failedPoll(35, /\b500 Internal/, 'gitlab-internal-error', readResponse),
  failedPoll(35, /\b504 Gateway/, 'gitlab-unavailable', readResponse),
  failedPoll(38, /\b429 .*database migrations/i, 'gitlab-migration-backoff', readResponse),
  failedPoll(38, /\b429 /, 'gitlab-rate-limited', readResponse),
  failedPoll(38, /gave up due to rate limit/, 'gitlab-rate-limited'),
  { n: 39, kind: 'noted', levels: ['warning'], message: FAILED, text: /\b409 Conflict/ },
  failedPoll(0, /^/),
  {
    n: 36,
    kind: 'poll-failed',
    levels: ['warning', 'error'],
    message: /^Checking for jobs\.\.\. GitLab instance currently unavailable/,
    cause: 'gitlab-unavailable',
    read: readResponse,
  },
  {
    n: 37,
    kind: 'poll-waits',
    levels: ['info', 'warning'],
    message: WAITING,
    isSo: isLongPollWait,
    cause: 'gitlab-rate-limited',
    read: readWait,
  },
  { n: 37, kind: 'waiting', levels: ['info', 'warning'], message: WAITING },
  {
    n: 40,
    kind: 'noted',
    levels: ['info', 'warning', 'error'],
    message: /^Couldn't parse (?:rate limit|retry after) header/,
  },
  // JSON as GitLab writes it, but the id is the runner's own: the answer never passed through GitLab.
  {
    n: 42,
    kind: 'poll-failed',
    levels: ['error', 'warning'],
    message: FORBIDDEN,
    text: /correlation_id=[0-9a-f]{32}\b/,
    cause: 'edge-waf-blocked',
  },
  {
    n: 41,
    kind: 'poll-failed',
    levels: ['error', 'warning'],
    message: FORBIDDEN,
    text: /Runner is orphaned/i,
    cause: 'runner-orphaned',
  },
  {
    n: 41,
    kind: 'poll-failed',
    levels: ['error', 'warning'],
    message: FORBIDDEN,
    text: /POST https?:.*: 403 Forbidden/,
    cause: 'token-rejected',
  },
  {
    n: 42,
    kind: 'poll-failed',
    levels: ['error', 'warning'],
    message: FORBIDDEN,
    cause: 'edge-waf-blocked',
  },
  {
    n: 45,
    kind: 'poll-failed',
    levels: ['error'],
    message: /^Checking for jobs\.\.\. client error/,
    cause: 'config-url-invalid',
  },
  {
    n: 43,
    kind: 'disabled',
    levels: ['error', 'warning'],
    message: /^Runner ".*" is unhealthy and will be disabled for /,
    cause: 'runner-disabled-unhealthy',
  },
  {
    n: 44,
    kind: 'forced',
    levels: ['warning', 'error'],
    message: /^Runner ".*" is not healthy, but check for a new job will be forced/,
  },
];
