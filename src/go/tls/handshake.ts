/**
 * Makes the TLS handshake that the runner would make.
 *
 * Go's parameters from trust.ts, no ALPN, the name without a trailing dot and no name for an address. Node accepts any
 * chain here; verify.ts judges it. A server that requested a client certificate rejects it only after the handshake
 * (TLS 1.3): that is `verdict`.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';

import { deadlineOf } from '../../core/abort.ts';
import type { Instant } from '../../core/clock.ts';
import { errnoText, isErrno } from '../../core/errno.ts';
import type { Trust } from './trust.ts';
import type { CertificateProblem } from './certificate-problem.ts';
import { verifyLikeGo } from './verify.ts';

export interface ServerHandshake {
  readonly sent: readonly X509Certificate[];
  readonly protocol: string;
  readonly cipher: string;
}

export type Handshake =
  | (SecureConnection & {
      readonly kind: 'secured';
      readonly shown: ServerHandshake;
      /** From the server's certificate to the trusted one. */
      readonly path: readonly X509Certificate[];
    })
  | {
      readonly kind: 'refused-by-us';
      readonly problems: readonly [CertificateProblem, ...CertificateProblem[]];
      readonly shown: ServerHandshake;
    }
  | {
      readonly kind: 'alert';
      readonly alert: number;
      /** The server had requested a client certificate before. */
      readonly wasAsked: boolean;
    }
  | { readonly kind: 'plaintext' | 'timeout' }
  | {
      readonly kind: 'reset' | 'closed';
      /** The server had requested a client certificate before. */
      readonly wasAsked: boolean;
    }
  | { readonly kind: 'error'; readonly text: string };

export interface HandshakeRequest {
  readonly host: string;
  readonly trust: Trust;
  readonly now: Instant;
  readonly signal: AbortSignal;
}

/** Never rejects. On anything but `secured` the socket is destroyed. */
export async function handshakeLikeGo(
  socket: Socket,
  request: HandshakeRequest,
): Promise<Handshake> {
  const { host, trust, now, signal } = request;
  const ended = await startTls(socket, host, trust, signal);
  if (!('socket' in ended)) return ended;
  const shown = readServerHandshake(ended.socket);
  const { problems, path } = verifyLikeGo({
    ...shown,
    anchors: trust.anchors,
    go: trust.go,
    host,
    now,
  });
  const [first, ...rest] = problems;
  if (first === undefined) return { kind: 'secured', ...ended, shown, path };
  ended.socket.destroy();
  return { kind: 'refused-by-us', problems: [first, ...rest], shown };
}

type Failure = Exclude<Handshake, { kind: 'secured' | 'refused-by-us' }>;

interface SecureConnection {
  readonly socket: TLSSocket;
  /** A rejection that arrives after the handshake; waits for it briefly when the server had requested a certificate. */
  readonly verdict: (signal: AbortSignal) => Promise<Failure | undefined>;
}

/** A server without session tickets sends nothing when it accepts the certificate. */
const MAX_VERDICT_SECONDS = 1;

async function startTls(
  socket: Socket,
  host: string,
  trust: Trust,
  signal: AbortSignal,
): Promise<Failure | SecureConnection> {
  // The server hung up since the connection was made: Node would wait for an end that has been.
  if (socket.destroyed || socket.readableEnded) {
    return { kind: 'closed', wasAsked: false };
  }
  const { promise, resolve } = Promise.withResolvers<Failure | 'secured'>();
  const later = Promise.withResolvers<Failure | undefined>();
  const name = host.replace(/\.$/, '');
  const secured = connect({
    socket,
    secureContext: trust.context,
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
  });
  const wasAsked = watchCertificateRequest(secured);
  const end = (ended: Failure | 'secured'): void => {
    resolve(ended);
    if (ended !== 'secured') later.resolve(ended);
  };
  // Stays for the socket's life: one that dies between two links must not end the process.
  secured.on('error', (error) => end(failureOf(error, wasAsked())));
  secured.once('secureConnect', () => end('secured'));
  secured.once('close', () => end({ kind: 'closed', wasAsked: wasAsked() }));
  // A session ticket is given to a client whose certificate was accepted.
  secured.once('session', () => later.resolve(undefined));
  const ended = await resolveOrAbort(promise, signal);
  if (ended === 'secured') return { socket: secured, verdict: verdictOf(later, wasAsked) };
  secured.destroy();
  return ended ?? { kind: 'timeout' };
}

function verdictOf(
  { promise }: PromiseWithResolvers<Failure | undefined>,
  wasAsked: () => boolean,
): SecureConnection['verdict'] {
  return async (signal) => {
    if (!wasAsked()) return undefined;
    using deadline = deadlineOf(MAX_VERDICT_SECONDS, signal);
    return await resolveOrAbort(promise, deadline.signal);
  };
}

/** Undefined when the signal comes first. */
async function resolveOrAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const first = await Promise.race([promise, aborted.promise]);
  signal.removeEventListener('abort', onAbort);
  return first;
}

/**
 * Returns whether the server has requested a client certificate. Node does not expose it, but a client knows the
 * shared signature algorithms only from that request, and Node logs a secret after it has arrived.
 */
function watchCertificateRequest(secured: TLSSocket): () => boolean {
  let wasAsked = false;
  secured.on('keylog', () => {
    wasAsked ||= secured.getSharedSigalgs().length > 0;
  });
  return () => wasAsked;
}

function failureOf(error: Error, wasAsked: boolean): Failure {
  const alert = alertOf(error);
  if (alert !== undefined) return { kind: 'alert', alert, wasAsked };
  const code = isErrno(error) ? (error.code ?? '') : '';
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code))
    return { kind: 'plaintext' };
  if (code !== 'ECONNRESET') return { kind: 'error', text: errnoText(error) };
  // Node gives its own "disconnected before secure TLS connection" the code of a reset, without a syscall.
  return { kind: isErrno(error) && error.syscall === 'read' ? 'reset' : 'closed', wasAsked };
}

/** The number of the TLS alert in an error message of Node or OpenSSL. */
function alertOf(error: unknown): number | undefined {
  const text = error instanceof Error ? error.message : '';
  const match = /SSL alert number (?<alert>\d+)/.exec(text);
  return match?.groups === undefined ? undefined : Number(match.groups['alert']);
}

/** More than any real server sends. */
const MAX_SENT = 100;

/** Certificates as sent, in the order of the server; each once. */
function readServerHandshake(socket: TLSSocket): ServerHandshake {
  const sent = new Map<string, X509Certificate>();
  let next = socket.getPeerX509Certificate();
  for (let count = 0; next !== undefined && count < MAX_SENT; count += 1) {
    if (!sent.has(next.fingerprint256)) sent.set(next.fingerprint256, next);
    next = next.issuerCertificate;
  }
  return {
    sent: [...sent.values()],
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
  };
}
